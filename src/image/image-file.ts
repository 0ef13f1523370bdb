import { type ByteSource, sliceSource } from "../base/byte-source.ts";
import type { Fault } from "../base/fault.ts";
import { cleanPath } from "../base/path.ts";
import { imageOffset } from "../format/self-run/mark.ts";
import * as codes from "../format/sif/codes.ts";
import type { SifDescriptor } from "../format/sif/descriptor.ts";
import { partitionExtra } from "../format/sif/extra.ts";
import { primaryPartition, readSif, type SifImage } from "../format/sif/image.ts";
import { hasSquashfsMagic } from "../format/squashfs/superblock.ts";
import type { ImageFacts, ImageLayer, ImagePart } from "../plan/facts.ts";
import { imageFault, pathFault, readFault, withImage } from "./image-fault.ts";
import type { ImageHost } from "./image-host.ts";
import { FIRST_BLOCK_BYTES, hasExtMagic, recognize } from "./recognize.ts";

/** An image as it lies on disk, with or without a root file system in it. */
export interface ImageFile {
  readonly path: string;
  readonly format: Exclude<ImageFacts["format"], "oci-sif">;
  /** Device and inode of the file: images with equal `id` are the same. */
  readonly id: string;
  /** The root partition; absent in a SIF that only carries data. For a directory 0 and 0. */
  readonly root: ImagePart | undefined;
  readonly arch: string | undefined;
  readonly overlays: readonly ImageLayer[];
  readonly parts: readonly ImageLayer[];
  readonly writable: boolean;
  /** Bytes of the file; empty for a directory. */
  readonly source: ByteSource;
  /** The table, for a SIF. */
  readonly sif: SifImage | undefined;
}

const NO_BYTES: ByteSource = { sizeBytes: 0, read: () => new Uint8Array(0) };

/**
 * Opens what may be an image: a SIF, a SquashFS or ext file system (also behind a launch line) or a
 * directory. `path` is absolute. Throws a Fault that says why it cannot be used: `not-found`,
 * `denied`, `invalid` for other content and damage. The root directory of the host is refused.
 */
export function openImageFile(path: string, host: ImageHost): ImageFile {
  const stat = host.stat(path);
  if (typeof stat === "number") throw pathFault(path, -stat);
  const base = {
    path: cleanPath(path),
    id: stat.id,
    arch: undefined,
    overlays: [],
    parts: [],
    writable: host.canWrite(path),
    sif: undefined,
  };
  if (stat.kind === "dir") {
    refuseHostRoot(path, stat.id, host);
    return { ...base, format: "directory", root: part("raw", 0, 0), source: NO_BYTES };
  }
  if (stat.kind !== "file") throw notRecognized(path);
  const opened = host.openFile(path);
  if (typeof opened === "number") throw readFault(path, -opened);
  const { source } = opened;
  try {
    const first = source.read(0, Math.min(FIRST_BLOCK_BYTES, source.sizeBytes));
    const start = imageOffset(first);
    const inside = start === 0 ? source : sliceSource(source, start, source.sizeBytes - start);
    const found = recognize(
      start === 0 ? first : inside.read(0, Math.min(FIRST_BLOCK_BYTES, inside.sizeBytes)),
    );
    if (found === undefined) throw notRecognized(path);
    if (found.format === "sif") {
      const sif = movedTo(start, readSif(inside));
      return { ...base, format: "sif", source, ...openSif(path, source, sif) };
    }
    const { format } = found;
    const offsetBytes = start + found.offsetBytes;
    return {
      ...base,
      format,
      root: part(format, offsetBytes, source.sizeBytes - offsetBytes),
      source,
    };
  } catch (error) {
    opened.close();
    throw withImage(path, error);
  }
}

/** The table of a SIF that begins somewhere in its file: objects by their place in the file. */
function movedTo(start: number, sif: SifImage): SifImage {
  if (start === 0) return sif;
  return { ...sif, objects: sif.objects.map((o) => ({ ...o, offset: o.offset + start })) };
}

function openSif(
  path: string,
  source: ByteSource,
  sif: SifImage,
): Pick<ImageFile, "root" | "arch" | "overlays" | "parts" | "sif"> {
  const primary = primaryPartition(sif);
  const isOverlay = (o: SifDescriptor): boolean =>
    partitionExtra(o)?.partType === codes.PART_OVERLAY &&
    (primary === undefined || o.group === primary.group);
  const isPart = (o: SifDescriptor): boolean => {
    const extra = partitionExtra(o);
    return extra === undefined || extra.partType === codes.PART_DATA;
  };
  const name = codes.archName((primary && partitionExtra(primary)?.arch) ?? "00");
  return {
    root: primary && checkedRoot(path, source, primary),
    arch: name === "unknown" ? undefined : name,
    overlays: sif.objects.filter(isOverlay).map(layer),
    parts: sif.objects.filter(isPart).map(layer),
    sif,
  };
}

/** The root partition, when its first bytes are what its descriptor says. */
function checkedRoot(path: string, source: ByteSource, primary: SifDescriptor): ImagePart {
  const root = layer(primary);
  const start = sliceSource(source, root.offsetBytes, root.sizeBytes);
  const first = start.read(0, Math.min(FIRST_BLOCK_BYTES, start.sizeBytes));
  const wrong = (name: string): Fault =>
    imageFault("invalid", path, `its root partition (object ${primary.id}) is no ${name} image`, {
      hint: "the file is damaged; fetch or build it again",
    });
  if (root.kind === "squashfs" && !hasSquashfsMagic(first)) throw wrong("SquashFS");
  if (root.kind === "ext3" && !hasExtMagic(first)) throw wrong("ext3");
  return root;
}

const KINDS: Readonly<Record<number, ImagePart["kind"]>> = {
  [codes.FS_SQUASHFS]: "squashfs",
  [codes.FS_EXT3]: "ext3",
  [codes.FS_ARCHIVE]: "archive",
  [codes.FS_RAW]: "raw",
  [codes.FS_ENCRYPTED_SQUASHFS]: "encrypted-squashfs",
  [codes.FS_GOCRYPTFS_SQUASHFS]: "gocryptfs-squashfs",
};

function layer(object: SifDescriptor): ImageLayer {
  const kind = KINDS[partitionExtra(object)?.fsType ?? codes.FS_RAW] ?? "raw";
  return { id: object.id, ...part(kind, object.offset, object.sizeBytes) };
}

function part(kind: ImagePart["kind"], offsetBytes: number, sizeBytes: number): ImagePart {
  return { kind, offsetBytes, sizeBytes };
}

function refuseHostRoot(path: string, id: string, host: ImageHost): void {
  const root = host.stat("/");
  if (typeof root === "number" || root.id !== id) return;
  throw imageFault("denied", path, "/ as sandbox is not authorized", {
    hint: "the root directory of the host cannot be an image; name a directory with its own tree",
  });
}

function notRecognized(path: string): Fault {
  return imageFault("invalid", path, "image format not recognized", {
    hint: "an image is a SIF file, a SquashFS or ext3 file system, or a directory",
  });
}
