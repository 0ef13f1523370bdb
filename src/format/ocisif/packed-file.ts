import type { ByteSource } from "../../base/byte-source.ts";
import type { FileKind } from "../../base/file-view.ts";
import type { ExtTree } from "../ext3/tree.ts";
import { fileSource } from "../squashfs/file-source.ts";
import type { SquashfsTree } from "../squashfs/tree.ts";
import type { TarEntry } from "../tar/tar-entry.ts";

/** An entry of a packed tree, with the content of a regular file. */
export interface PackedFile {
  readonly entry: TarEntry;
  readonly content: ByteSource | undefined;
}

/** What both kinds of trees tell of a file. */
interface Node {
  /** The same for all names of one file. */
  readonly number: number;
  readonly kind: FileKind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly link: string;
  /** "major:minor". */
  readonly special: string;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  content(): ByteSource | undefined;
}

/** All of a SquashFS image, the root first, names sorted. Sockets are left out, as no archive has them. */
export function* squashfsFiles(tree: SquashfsTree): Generator<PackedFile> {
  const look = (path: string): Node | undefined => {
    const node = tree.node(path);
    if (node === undefined) return undefined;
    const { inode, uid, gid, xattrs } = node;
    return {
      number: inode.number,
      kind: inode.kind,
      mode: inode.mode,
      uid,
      gid,
      mtimeSeconds: inode.modifiedSeconds,
      link: tree.lstat(path)?.link ?? "",
      special: "special" in inode ? inode.special : "0:0",
      xattrs,
      content: () => (inode.kind === "file" ? fileSource(tree, inode) : undefined),
    };
  };
  const root = look("/");
  if (root !== undefined) yield fileOf(root, ".", undefined);
  yield* walk("", (path) => tree.list(path === "" ? "/" : path), look);
}

/** The same of what lies below a directory of an ext image, but for that itself. */
export function extFiles(tree: ExtTree, top: string): Iterable<PackedFile> {
  return walk(
    top,
    (path) => tree.list(path),
    (path) => {
      const node = tree.node(path);
      if (node === undefined) return undefined;
      const { inode, xattrs } = node;
      return {
        number: inode.number,
        kind: inode.kind,
        mode: inode.mode,
        uid: inode.uid,
        gid: inode.gid,
        mtimeSeconds: inode.modifiedSeconds,
        link: tree.lstat(path)?.link ?? "",
        special: inode.special ?? "0:0",
        xattrs,
        content: () => (inode.kind === "file" ? tree.content(inode) : undefined),
      };
    },
  );
}

function* walk(
  top: string,
  list: (path: string) => readonly string[] | undefined,
  look: (path: string) => Node | undefined,
): Generator<PackedFile> {
  const first = new Map<number, string>();
  const todo = [top];
  for (let dir = todo.pop(); dir !== undefined; dir = todo.pop()) {
    const below: string[] = [];
    for (const name of list(dir) ?? []) {
      const at = `${dir}/${name}`;
      const node = look(at);
      if (node === undefined || node.kind === "socket") continue;
      const path = at.slice(top.length + 1);
      const before = first.get(node.number);
      if (node.kind === "dir") below.push(at);
      else if (before === undefined) first.set(node.number, path);
      yield fileOf(node, path, before);
    }
    for (const next of below.reverse()) todo.push(next);
  }
}

function fileOf(node: Node, path: string, before: string | undefined): PackedFile {
  const { kind, link, mode, mtimeSeconds, special, uid, gid, xattrs } = node;
  const common = { path, mode, uid, gid, mtimeSeconds, sparse: undefined };
  if (before !== undefined || kind === "socket") {
    const rest = { link: before ?? "", sizeBytes: 0, major: 0, minor: 0, xattrs: new Map() };
    return { entry: { ...common, ...rest, kind: "hardlink" }, content: undefined };
  }
  const content = node.content();
  const isDevice = kind === "char" || kind === "block";
  const [major = 0, minor = 0] = isDevice ? special.split(":").map(Number) : [];
  const sizeBytes = content?.sizeBytes ?? 0;
  return { entry: { ...common, kind, link, sizeBytes, major, minor, xattrs }, content };
}
