import { appendFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import type { FileView } from "../../base/file-view.ts";
import { decodeOsText, encodeOsText } from "../../base/os-text.ts";
import { dirName } from "../../base/path.ts";
import type { Recipe } from "../../format/deffile/recipe.ts";
import { parseImageConfig } from "../../format/oci/image-config.ts";
import { planOutput } from "../../format/oci/merge/merge-output.ts";
import { impliedDirectory, type MergedNode } from "../../format/oci/merge/merged-node.ts";
import { mergedView } from "../../format/oci/merge/merged-view.ts";
import type { OciImage } from "../../format/oci/oci-image.ts";
import { makeSbom } from "../../image/sbom/make-sbom.ts";
import { inspectMetadata } from "../metadata/inspect-metadata.ts";
import { rootArchitecture } from "../pack/architecture.ts";
import { type FilePart, finishSif } from "../pack/finish-sif.ts";
import type { RootEdit } from "../root/edit.ts";
import { editedView } from "../root/edited-view.ts";
import type { Talk } from "../talk.ts";
import { openWorkspace } from "../workspace.ts";
import { applyEdits } from "./apply-edits.ts";
import type { ConvertProgress } from "./convert-progress.ts";
import { describeImage } from "./describe-image.ts";
import { finishRoot } from "./finish-root.ts";
import { mergeWhileWriting } from "./merge-while-writing.ts";
import { moveTail } from "./move-tail.ts";
import { type MergedRoot, packOnce } from "./pack-once.ts";
import { withPackedView } from "./packed-view.ts";
import { SifFront } from "./sif-front.ts";
import type { Write } from "./write-merged.ts";

/** Choices about a conversion. */
export interface ConvertOptions {
  /** What the image is built from, for its definition and labels (`recipeFromImage("docker", "alpine")`). */
  readonly recipe: Recipe;
  /** Whether labels and help of the recipe replace the image's; default no. */
  readonly force?: boolean;
  /** Whether `--section` lets a section in; default all. */
  hasSection?(name: string): boolean;
  readonly talk: Talk;
  readonly progress: (event: ConvertProgress) => void;
  /** Path of a host program, or undefined. */
  tool(name: string): string | undefined;
  /** GOARCH name to take where the image does not say. */
  readonly hostArch: string;
  /** GOARCH name that was asked for: another one in the image is warned of. */
  readonly wantedArch?: string;
  /** This program's version, and that of the peer whose behaviour it has. */
  readonly version: string;
  readonly peerVersion: string;
  /** Words of `--mksquashfs-args`; processors and memory from the configuration (0 and "": default). */
  readonly mksquashfsArgs: readonly string[];
  readonly processors: number;
  readonly memory: string;
  /** SOURCE_DATE_EPOCH: no time in the image is later. */
  readonly sourceDateEpoch: number | undefined;
  /** Version of this program to be named in a list of packages; absent: the image gets no such list. */
  readonly sbomVersion?: string;
  readonly signal: AbortSignal;
}

/** Largest time that SquashFS holds. */
const MAX_TIME = 0xffffffff;
const SILENT: Talk = { info: () => {}, warning: () => {}, verbose: () => {} };

/**
 * Makes a SIF at `target` of an image, without an unpacked tree: the layers are read once, from the
 * topmost down, and what is foreseen to be left of them is streamed as one tar archive into mksquashfs,
 * which writes where the file system lies in the SIF. Then their headers are merged from the bottom,
 * and what this finds to be missing in the archive follows.
 *
 *   layers ─► decompress ─┬─► contents that stay ────────────┬─► tar ─► mksquashfs ─► SIF
 *                         └─► headers ─► merged tree ─► rest ┘
 *
 * Where it finds that something was written that is not left, all is written again by the merged tree.
 *
 * The same image gives the same bytes (with the same mksquashfs and version of this program): no
 * clock, no random numbers. Header times and id are those of a deterministic SIF, files keep the times
 * of their layers, and what is added has the time at which the image was created.
 *
 * The image is written beside the target and renamed; killed at any moment, nothing looks whole. Throws
 * a Fault, or the reason of the signal.
 */
export async function convertOciImage(
  image: OciImage,
  target: string,
  options: ConvertOptions,
): Promise<void> {
  const tool = options.tool("mksquashfs");
  if (tool === undefined) {
    throw new Fault("missing-tool", "while searching for mksquashfs: it is not in PATH", {
      hint: "install the package squashfs-tools",
    });
  }
  const { signal, talk } = options;
  const plan = planConversion(image, options);
  const { limit } = plan;
  const space = openWorkspace(dirName(target));
  try {
    talk.info("Creating SIF file...");
    const file = `${space.path}/image`;
    // What layers say of how to run the image is rarely more than nothing.
    const likely = plan.describe(impliedDirectory(limit), SILENT).front.partitionOffset;
    const { root, front, output } = await packOnce(
      image,
      limit,
      {
        tool,
        target: file,
        offsetBytes: likely,
        processors: options.processors,
        memory: options.memory,
        extraArguments: options.mksquashfsArgs,
        signal,
      },
      (write) => mergeAndDescribe(image, plan, options, write),
    );
    const latest = Math.max(0, Math.min(output.latestSeconds, limit));
    const offsetBytes = front.partitionOffset;
    moveTail(file, likely, offsetBytes);
    const sizeBytes = finishRoot(file, offsetBytes, root, latest, output.ids);
    const look = <T>(at: (view: FileView) => T | Promise<T>): Promise<T> =>
      withPackedView(file, offsetBytes, mergedView(root), at);
    // The words of an image may be wrong, its programs are what is started.
    const found = plan.arch === options.hostArch ? undefined : await look(rootArchitecture);
    const arch = found ?? plan.arch;
    if (options.wantedArch !== undefined && arch !== options.wantedArch) {
      talk.warning(`Architecture ${arch} does not match build arch ${options.wantedArch}`);
    }
    let sbom: Uint8Array | undefined;
    if (options.sbomVersion !== undefined) {
      const version = options.sbomVersion;
      sbom = encodeOsText(await look((view) => makeSbom(view, latest, version)));
      appendFileSync(file, sbom);
    }
    putInPlace(file, front.parts(arch, sizeBytes, sbom), target);
  } finally {
    space.remove();
  }
}

/** What a conversion knows before it reads any layer. */
interface ConversionPlan {
  /** As the image says; GOARCH name. */
  readonly arch: string;
  /** Times of directories that no layer describes, and of what is added; no time is later than `limit`. */
  readonly created: number;
  readonly limit: number;
  /** What is to be added to a root, and what stands before it in the SIF. */
  describe(
    root: MergedNode,
    talk: Talk,
  ): { readonly front: SifFront; readonly edits: readonly RootEdit[] };
}

function planConversion(image: OciImage, options: ConvertOptions): ConversionPlan {
  const config = parseImageConfig(decodeOsText(image.config), image.reference);
  const limit = Math.min(options.sourceDateEpoch ?? MAX_TIME, MAX_TIME);
  const created = Math.min(config.createdSeconds, limit);
  const arch = config.arch === "" ? options.hostArch : config.arch;
  const { recipe, version, peerVersion } = options;
  const time = new Date(created * 1000);
  const force = options.force ?? false;
  const hasSection = (name: string): boolean => options.hasSection?.(name) ?? true;
  return {
    arch,
    created,
    limit,
    describe(root, talk) {
      const view = editedView(mergedView(root));
      describeImage(
        view,
        config,
        { recipe, base: image.base, time, arch, version, peerVersion, force, hasSection },
        talk,
      );
      const front = new SifFront(recipe.text, inspectMetadata(view), config.configJson);
      return { front, edits: view.edits };
    },
  };
}

/** Its root with everything that is added. */
interface Merged extends MergedRoot {
  readonly front: SifFront;
}

async function mergeAndDescribe(
  image: OciImage,
  plan: ConversionPlan,
  options: ConvertOptions,
  write: Write,
): Promise<Merged> {
  const { created, limit } = plan;
  const { progress, signal, talk } = options;
  const { root, written } = await mergeWhileWriting(image, created, limit, write, progress, signal);
  const { front, edits } = plan.describe(root, talk);
  applyEdits(root, edits, created);
  return { root, front, output: planOutput(root, image.layers.length, written) };
}

function putInPlace(file: string, parts: readonly FilePart[], target: string): void {
  try {
    finishSif(file, parts, target);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("io", `while creating SIF: Cannot write "${target}": ${reason}`, { cause });
  }
}
