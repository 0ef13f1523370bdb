import { sortOsText } from "../../../base/os-text.ts";
import { NO_XATTRS, type SparsePart, type TarEntry } from "../../tar/tar-entry.ts";
import { encodeTarHeader } from "../../tar/tar-writer.ts";
import type { MergedNode } from "./merged-node.ts";

/** A file whose content is still in its layer. */
export interface MergedFile {
  readonly node: MergedNode;
  /** Path in the archive: without leading slash. */
  readonly path: string;
}

/**
 * A merged root in the order of one archive: directories and everything that has no content first, so
 * that no parent is ever implied; then files in the order in which the layers have their contents;
 * hard links last.
 */
export interface MergeOutput {
  /** Everything without content in a layer, parents before children, names sorted. Not the root itself. */
  readonly first: readonly MergedFile[];
  /** Files with content by layer (from the bottom) and number of their entry. */
  readonly streamed: readonly ReadonlyMap<number, MergedFile>[];
  /** Further names, and the first name of the file each belongs to. */
  readonly links: readonly {
    readonly path: string;
    readonly target: string;
    readonly node: MergedNode;
  }[];
  /** Owners and groups of everything in it, the root's included. */
  readonly ids: ReadonlySet<number>;
  /** The latest time in it, the root's included. */
  readonly latestSeconds: number;
  /** Whether everything that was written early is in the root, as it was written. */
  readonly isForeseen: boolean;
}

/** Files of a layer that are in the archive before the merge, by number of their entry. */
export type WrittenFiles = ReadonlyMap<
  number,
  Pick<MergedFile, "path"> & { readonly mode: number }
>;

/**
 * Orders a merged root for output.
 *
 * @param written files that are in the archive already, by layer from the bottom (Foresight).
 */
export function planOutput(
  root: MergedNode,
  layerCount: number,
  written: readonly WrittenFiles[] = [],
): MergeOutput {
  const first: MergedFile[] = [];
  const streamed = Array.from({ length: layerCount }, () => new Map<number, MergedFile>());
  const links: { path: string; target: string; node: MergedNode }[] = [];
  const seen = new Map<MergedNode, string>();
  const ids = new Set([root.uid, root.gid]);
  let latestSeconds = root.mtimeSeconds;
  let unmet = written.reduce((sum, files) => sum + files.size, 0);
  // Directories below others are few levels deep in memory, but their depth is an image's choice.
  const todo: { node: MergedNode; path: string }[] = [{ node: root, path: "" }];
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    const { children } = at.node;
    if (children === undefined) continue;
    const below: { node: MergedNode; path: string }[] = [];
    for (const name of sortOsText([...children.keys()])) {
      const node = children.get(name);
      if (node === undefined) continue;
      const path = at.path === "" ? name : `${at.path}/${name}`;
      latestSeconds = Math.max(latestSeconds, node.mtimeSeconds);
      ids.add(node.uid).add(node.gid);
      const early = node.content === undefined ? written[node.layer]?.get(node.ordinal) : undefined;
      if (early?.path === path && early.mode === node.mode) unmet--;
      const target = early?.path ?? seen.get(node);
      if (target === path) continue;
      if (target !== undefined) {
        links.push({ path, target, node });
        continue;
      }
      if (node.kind === "dir") below.push({ node, path });
      else seen.set(node, path);
      const inLayer = node.kind === "file" && node.content === undefined && node.sizeBytes > 0;
      if (inLayer) streamed[node.layer]?.set(node.ordinal, { node, path });
      else first.push({ node, path });
    }
    for (const next of below.reverse()) todo.push(next);
  }
  return { first, streamed, links, ids, latestSeconds, isForeseen: unmet === 0 };
}

/** Largest time that SquashFS holds. */
const MAX_TIME = 0xffffffff;

/**
 * Header of a node.
 *
 * @param latest no time is later than this one; seconds since 1970.
 */
export function nodeHeader(
  path: string,
  node: MergedNode,
  sparse: readonly SparsePart[] | undefined,
  latest: number,
): Uint8Array {
  const kind = node.kind === "socket" ? "fifo" : node.kind;
  const entry: TarEntry = { ...node, kind, path, sparse, mtimeSeconds: clamp(node, latest) };
  return encodeTarHeader(entry);
}

/** Header of a further name. */
export function linkHeader(
  path: string,
  target: string,
  node: MergedNode,
  latest: number,
): Uint8Array {
  return encodeTarHeader({
    ...node,
    kind: "hardlink",
    path,
    link: target,
    sizeBytes: 0,
    sparse: undefined,
    xattrs: NO_XATTRS,
    mtimeSeconds: clamp(node, latest),
  });
}

function clamp(node: MergedNode, latest: number): number {
  return Math.max(0, Math.min(node.mtimeSeconds, latest, MAX_TIME));
}
