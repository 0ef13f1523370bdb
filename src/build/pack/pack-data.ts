import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import type { FileEntry, FileView } from "../../base/file-view.ts";
import { encodeOsText } from "../../base/os-text.ts";
import { dirName } from "../../base/path.ts";
import type { Recipe } from "../../format/deffile/recipe.ts";
import {
  archCode,
  DATA_DEFFILE,
  DATA_JSON,
  DATA_PARTITION,
  FS_SQUASHFS,
  PART_DATA,
} from "../../format/sif/codes.ts";
import { encodePartitionExtra } from "../../format/sif/extra.ts";
import { ZERO_TIME } from "../../format/sif/header.ts";
import { readSuperblock } from "../../format/squashfs/superblock.ts";
import { imageHost } from "../../host/image-host.ts";
import { inspectMetadata } from "../metadata/inspect-metadata.ts";
import { planMetadata } from "../metadata/plan-metadata.ts";
import { editedView } from "../root/edited-view.ts";
import type { Talk } from "../talk.ts";
import { contentId } from "./content-id.ts";
import { finishSif } from "./finish-sif.ts";
import { layoutSif } from "./sif-layout.ts";

/** A file system to be wrapped, and what is said about it. */
export interface DataImage {
  /** A SquashFS file. */
  readonly source: string;
  readonly target: string;
  readonly recipe: Recipe;
  /** GOARCH name of the host. */
  readonly arch: string;
  readonly version: string;
  readonly peerVersion: string;
  /** Then times and id are zero. */
  readonly sourceDateEpoch: number | undefined;
  readonly talk: Talk;
  readonly signal: AbortSignal;
}

const PIECE_BYTES = 4 << 20;
const ROOT: FileEntry = { kind: "dir", mode: 0o755, uid: 0, gid: 0, sizeBytes: 0, id: "0:0" };
const NOTHING: FileView = {
  lstat: (path) => (path === "/" ? ROOT : undefined),
  list: (path) => (path === "/" ? [] : undefined),
  read: () => undefined,
};

/**
 * `build --data`: a SIF with a SquashFS file, as it is, for its data partition. Written under another
 * name and renamed when it is whole. Throws a Fault for a source that is no SquashFS.
 */
export async function packData(image: DataImage): Promise<void> {
  const { source, target, talk, sourceDateEpoch: epoch } = image;
  const { usedBytes, madeSeconds } = superblockOf(source);
  talk.info("Creating SIF file...");
  const seconds = epoch ?? madeSeconds;
  const texts = textsOf(image, seconds);
  const objects = [
    ...texts.map(({ dataType, name, bytes }) => ({
      dataType,
      name,
      sizeBytes: bytes.length,
      extra: new Uint8Array(0),
    })),
    {
      dataType: DATA_PARTITION,
      name: "",
      sizeBytes: usedBytes,
      extra: encodePartitionExtra({
        fsType: FS_SQUASHFS,
        partType: PART_DATA,
        arch: archCode(image.arch) ?? "00",
      }),
    },
  ];
  const time = epoch === undefined ? BigInt(seconds) : ZERO_TIME;
  let folder: string | undefined;
  try {
    folder = mkdtempSync(`${dirName(target)}/skiff-build-`);
    const file = `${folder}/image`;
    const noId = new Uint8Array(16);
    const { offsets } = layoutSif(objects, noId, time);
    const start = offsets[texts.length] ?? 0;
    copyBytes(source, file, start, usedBytes);
    const parts = texts.map(({ bytes }) => bytes);
    const id = epoch === undefined ? await contentId(file, start, parts, image.signal) : noId;
    const { head } = layoutSif(objects, id, time);
    const front = parts.map((bytes, at) => ({ offset: offsets[at] ?? 0, bytes }));
    finishSif(file, [{ offset: 0, bytes: head }, ...front], target);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("io", `Cannot write "${target}": ${reason}`, { cause });
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

function superblockOf(path: string): ReturnType<typeof readSuperblock> {
  const opened = imageHost.openFile(path);
  if (typeof opened === "number") {
    throw new Fault("denied", `Cannot open "${path}"`, { hint: "see to its permissions" });
  }
  try {
    return readSuperblock(opened.source);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("invalid", `Cannot make a data image of "${path}": ${reason}`, {
      cause,
      hint: "--data takes a SquashFS file, as mksquashfs makes it",
    });
  } finally {
    opened.close();
  }
}

/** Definition and metadata: its labels and the definition again, as nothing else is known. */
function textsOf(
  image: DataImage,
  seconds: number,
): readonly { readonly dataType: number; readonly name: string; readonly bytes: Uint8Array }[] {
  const [recipe] = image.recipe.stages;
  const view = editedView(NOTHING);
  if (recipe !== undefined) {
    planMetadata(
      view,
      {
        recipe,
        text: image.recipe.text,
        time: new Date(seconds * 1000),
        arch: image.arch,
        version: image.version,
        peerVersion: image.peerVersion,
        force: false,
        withHeader: true,
        hasSection: () => true,
      },
      image.talk,
    );
  }
  return [
    { dataType: DATA_DEFFILE, name: "", bytes: encodeOsText(image.recipe.text) },
    {
      dataType: DATA_JSON,
      name: "inspect-metadata.json",
      bytes: encodeOsText(inspectMetadata(view)),
    },
  ];
}

/** The first `count` bytes of a file into a new one from `offset` on. */
function copyBytes(from: string, to: string, offset: number, count: number): void {
  const input = openSync(from, "r");
  const output = openSync(to, "wx", 0o600);
  try {
    const piece = new Uint8Array(PIECE_BYTES);
    for (let at = 0; at < count; ) {
      const read = readSync(input, piece, 0, Math.min(PIECE_BYTES, count - at), at);
      if (read === 0) throw new Error(`"${from}" ends after ${at} of ${count} bytes`);
      for (let done = 0; done < read; ) {
        done += writeSync(output, piece, done, read - done, offset + at + done);
      }
      at += read;
    }
  } finally {
    closeSync(input);
    closeSync(output);
  }
}
