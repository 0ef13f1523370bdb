import type { FileKind } from "../../../base/file-view.ts";
import { NO_XATTRS, type TarEntry } from "../../tar/tar-entry.ts";

/**
 * An object of the merged root file system. Two names with the same node are hard links. What is
 * kept for an image is one node and one map entry for each of its names, and no content.
 */
export interface MergedNode {
  kind: FileKind;
  mode: number;
  uid: number;
  gid: number;
  mtimeSeconds: number;
  sizeBytes: number;
  /** Text of a symbolic link. */
  link: string;
  major: number;
  minor: number;
  xattrs: ReadonlyMap<string, Uint8Array>;
  /** Names in a directory; undefined for anything else. */
  children: Map<string, MergedNode> | undefined;
  /** Where the content of a file lies: layer from the bottom and number of the entry in it; -1 for none. */
  layer: number;
  ordinal: number;
  /** Content that is kept in memory, of files that the builder reads or writes. */
  content: Uint8Array | undefined;
  /** Different for every node. */
  readonly serial: number;
}

let serials = 0;

/** A directory that no entry describes. */
export function impliedDirectory(mtimeSeconds: number): MergedNode {
  return {
    kind: "dir",
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtimeSeconds,
    sizeBytes: 0,
    link: "",
    major: 0,
    minor: 0,
    xattrs: NO_XATTRS,
    children: new Map(),
    layer: -1,
    ordinal: -1,
    content: undefined,
    serial: serials++,
  };
}

/** The object that an entry makes; not for hard links. */
export function nodeOf(
  entry: TarEntry & { readonly kind: Exclude<TarEntry["kind"], "hardlink"> },
  layer: number,
  ordinal: number,
): MergedNode {
  return {
    kind: entry.kind,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtimeSeconds: entry.mtimeSeconds,
    sizeBytes: entry.sizeBytes,
    link: entry.link,
    major: entry.major,
    minor: entry.minor,
    xattrs: storableXattrs(entry.xattrs),
    children: entry.kind === "dir" ? new Map() : undefined,
    layer,
    ordinal,
    content: undefined,
    serial: serials++,
  };
}

/**
 * Attributes that an image can have: SquashFS knows three name spaces, and security labels belong to
 * the machine that made the layer.
 */
export function storableXattrs(
  xattrs: ReadonlyMap<string, Uint8Array>,
): ReadonlyMap<string, Uint8Array> {
  if (xattrs.size === 0) return xattrs;
  const kept = new Map<string, Uint8Array>();
  for (const [name, value] of xattrs) {
    if (name === "security.selinux" || !/^(?:user|trusted|security)\../s.test(name)) continue;
    kept.set(name, value);
  }
  return kept;
}
