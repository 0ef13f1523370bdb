import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import type { Place } from "../test/support/place.ts";
import { run } from "../test/support/run.ts";
import { treeRoot } from "../test/support/tree.ts";

/** What is measured on; paths as seen inside the place. */
export interface Images {
  /** A Debian root of about 200 MB. */
  readonly root: string;
  /** The same with files to read below /bench. */
  readonly data: string;
  /** SIF files of both; those of the peer (gzip) are absent where there is no peer. */
  readonly rootSif: string;
  readonly dataSif: string;
  readonly peerRootSif: string;
  readonly peerDataSif: string;
}

/** In place of them, for cases that need none. */
export const NO_IMAGES: Images = {
  root: "",
  data: "",
  rootSif: "",
  dataSif: "",
  peerRootSif: "",
  peerDataSif: "",
};

const BIG_BYTES = 200 << 20;
const SMALL_FILES = 10_000;

const note = (text: string): void => console.error(`==> ${text}`);

/** A tar of the root, made once by mmdebstrap and kept below build/. */
async function rootTar(): Promise<string> {
  const path = `${treeRoot}/build/bench/root.tar`;
  if (existsSync(path)) return path;
  note("Making a Debian root with mmdebstrap");
  const made = await run(
    ["mmdebstrap", "--variant=minbase", "--include=python3", "bookworm", `${path}.new.tar`],
    { as: "self", timeoutMs: 900_000 },
  );
  if (made.code !== 0) throw new Error(`mmdebstrap failed: ${made.stderr.slice(-2000)}`);
  renameSync(`${path}.new.tar`, path);
  return path;
}

/** Bytes that compress to about half: 2 KiB from a fixed generator, 2 KiB of text, in turns. */
export function halfCompressible(bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  const text = new TextEncoder().encode("the quick brown fox jumps over the lazy dog 0123456789\n");
  let state = 0x2545f491;
  for (let at = 0; at < bytes; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[at] = (at & 2048) === 0 ? state >>> 24 : (text[at % text.length] ?? 0);
  }
  return out;
}

async function must(place: Place, argv: readonly string[]): Promise<void> {
  const done = await place.run(argv, { timeoutMs: 900_000 });
  if (done.code !== 0) throw new Error(`${argv.join(" ")} failed: ${done.stderr.slice(-2000)}`);
}

/** Puts root and data directories into the place. */
async function directories(place: Place): Promise<void> {
  copyFileSync(await rootTar(), `${place.outside}/root.tar`);
  const [tar, inside] = [`${place.inside}/root.tar`, place.inside];
  const unpack = ["tar", "xf", tar, "--no-same-owner", "--exclude=./dev/*", "-C"];
  note("Unpacking it and writing files to read");
  await must(place, ["mkdir", "-p", `${inside}/root`, `${inside}/data`]);
  await must(place, [...unpack, `${inside}/root`]);
  await must(place, [...unpack, `${inside}/data`]);
  const bench = `${place.outside}/data/bench`;
  const content = halfCompressible(BIG_BYTES);
  mkdirSync(bench);
  writeFileSync(`${bench}/big`, content);
  for (let at = 0; at < SMALL_FILES; at++) {
    const directory = `${bench}/small/${Math.floor(at / 100)}`;
    if (at % 100 === 0) mkdirSync(directory, { recursive: true });
    writeFileSync(`${directory}/${at}`, content.subarray(at * 1000, at * 1000 + 3000));
  }
  copyFileSync(`${treeRoot}/build/bench/read-files`, `${bench}/read-files`);
  chmodSync(`${bench}/read-files`, 0o755);
}

/** Prepares all images. `peer`: the peer's program inside, if there is one; `data`: also what is read from. */
export async function prepareImages(
  place: Place,
  peer: string | undefined,
  data: boolean,
): Promise<Images> {
  const at = (name: string): string => `${place.inside}/${name}`;
  const images: Images = {
    root: at("root"),
    data: at("data"),
    rootSif: at("root.sif"),
    dataSif: at("data.sif"),
    peerRootSif: at("peer-root.sif"),
    peerDataSif: at("peer-data.sif"),
  };
  await directories(place);
  note("Building SIF files of it");
  await must(place, [place.skiff, "build", images.rootSif, images.root]);
  if (data) await must(place, [place.skiff, "build", images.dataSif, images.data]);
  if (peer !== undefined) {
    await must(place, [peer, "build", images.peerRootSif, images.root]);
    if (data) await must(place, [peer, "build", images.peerDataSif, images.data]);
  }
  return images;
}
