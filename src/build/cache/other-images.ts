import { Fault } from "../../base/fault.ts";
import { cleanPath, resolvePath } from "../../base/path.ts";
import { imageHost } from "../../host/image-host.ts";
import { openImage } from "../../image/open.ts";
import { hashFile } from "../pack/file-hash.ts";
import { type RecordedImage, readRecordedImage } from "../record/read-image-record.ts";
import { type RecordedState, readState } from "../record/recorded-state.ts";
import { undoEdits } from "../root/undo-edits.ts";
import type { BuildPorts } from "../stage.ts";
import type { Step, StepInputs } from "../step.ts";
import { unpackImage } from "../unpack/unpack-image.ts";
import { explainMiss } from "./explain-miss.ts";
import { fileDigest } from "./file-digest.ts";

/** An image of `--cache-from` whose root stands for the result of steps. */
export interface OtherImage {
  /** As the user named it. */
  readonly word: string;
  readonly path: string;
  readonly image: RecordedImage;
  readonly state: RecordedState;
  /** SHA-256 of the file. */
  readonly digest: string;
}

/** A step that another image went through. */
export interface Offer {
  readonly image: OtherImage;
  /** Whether the root of the image is as this step left it; else later steps changed it. */
  readonly isLast: boolean;
}

/**
 * The images that `--cache-from` names. They are opened, and fetched, when the first step is looked
 * for; one that cannot be used is told and left out, so that the first build of all works too.
 */
export class OtherImages {
  readonly #words: readonly string[];
  readonly #ports: BuildPorts;
  #opened: Promise<readonly OtherImage[]> | undefined;

  constructor(words: readonly string[], ports: BuildPorts) {
    this.#words = words;
    this.#ports = ports;
  }

  /** Who went through the step with this key of a KeyChain; those whose root it is come first. */
  async find(key: string): Promise<Offer | undefined> {
    const images = await this.#open();
    const last = images.find(({ state }) => state.keys.at(-1) === key);
    if (last !== undefined) return { image: last, isLast: true };
    const image = images.find(({ state }) => state.keys.includes(key));
    return image && { image, isLast: false };
  }

  /** Why none of them helps with a step, in words; undefined when none has one of its name. */
  async explain(step: Step, own: StepInputs): Promise<string | undefined> {
    for (const { word, image } of await this.#open()) {
      const before = image.record?.steps.find(({ title }) => title === step.title)?.inputs;
      if (before === undefined || before === null) continue;
      const why = explainMiss(before, own);
      const isSame = why.startsWith("its result");
      return `compared with ${word}: ${isSame ? "a step before it changed" : why}`;
    }
    return undefined;
  }

  /** An image that turned out to be of no use is told and left out from now on. */
  async drop(image: OtherImage, reason: unknown): Promise<void> {
    this.#tell(image.word, reason);
    const images = await this.#open();
    this.#opened = Promise.resolve(images.filter((one) => one !== image));
  }

  #tell(word: string, error: unknown): void {
    this.#ports.signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    this.#ports.talk.warning(`No steps are taken from ${word}: ${reason}`);
  }

  async #open(): Promise<readonly OtherImage[]> {
    this.#opened ??= this.#openAll();
    return await this.#opened;
  }

  async #openAll(): Promise<readonly OtherImage[]> {
    const images: OtherImage[] = [];
    for (const word of this.#words) {
      try {
        images.push(await openOther(word, this.#ports));
      } catch (error) {
        this.#tell(word, error);
      }
    }
    return images;
  }
}

async function openOther(word: string, ports: BuildPorts): Promise<OtherImage> {
  const path = await pathOf(word, ports);
  const image = readRecordedImage(path);
  const { record } = image;
  if (record === undefined) {
    throw new Fault("invalid", "it holds no record of what it was built of");
  }
  const state = readState(record.state);
  if (state === undefined) {
    throw new Fault("invalid", "what its steps depend on is not known, or nothing ran in its root");
  }
  const { offsetBytes, sizeBytes } = openImage(path, imageHost).root;
  if ((await partDigest(path, offsetBytes, sizeBytes, ports.signal)) !== state.root) {
    throw new Fault("invalid", "its root was altered after it was built");
  }
  const digest = await fileDigest(path, ports.memo, ports.signal);
  if (digest === undefined) throw new Fault("io", "it cannot be read");
  return { word, path, image, state, digest };
}

async function pathOf(word: string, ports: BuildPorts): Promise<string> {
  const [, transport] = /^([a-z][a-z0-9-]*):\/\//.exec(word) ?? [];
  if (transport === undefined) return cleanPath(resolvePath(ports.cwd, word));
  if (!["oras", "library", "http", "https"].includes(transport) || !ports.fetchImage) {
    const advice = "push the SIF that `skiff build` made with oras://";
    throw new Fault(
      "unsupported",
      `images of ${transport}:// hold no record of a build: ${advice}`,
    );
  }
  return await ports.fetchImage(word);
}

/** Makes `root` what the steps of an image left: its root file system without what was written at the end. */
export async function unpackOther(
  { path, state }: OtherImage,
  root: string,
  ports: BuildPorts,
): Promise<void> {
  await unpackImage(openImage(path, imageHost), root, ports);
  undoEdits(root, state.before);
}

async function partDigest(
  path: string,
  offsetBytes: number,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  await hashFile(path, offsetBytes, hash, signal, sizeBytes);
  return hash.digest("hex");
}
