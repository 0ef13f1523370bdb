import type { ByteSource } from "../../base/byte-source.ts";
import { errnoText } from "../../base/errno-text.ts";
import { Fault } from "../../base/fault.ts";
import { encodeOsText } from "../../base/os-text.ts";
import { ExtTree } from "../../format/ext3/tree.ts";
import { close, fallocate, ftruncate, memfdCreate, pread, write } from "../../host/syscall.ts";
import { lastWords, runChild } from "../child.ts";

/** What an ext3 overlay is made of. */
export interface Ext3Layer {
  /** Full paths of the programs of e2fsprogs. */
  readonly mkfs: string;
  readonly debugfs: string;
  readonly sizeBytes: number;
  /** Room is taken as it is used. */
  readonly sparse: boolean;
  /** Owner of the layer's directories. */
  readonly uid: number;
  readonly gid: number;
  /** Directories of the layer, parents first (layer-paths.ts). */
  readonly dirs: readonly string[];
}

/** The features of ext3 itself, whatever this machine's mke2fs.conf adds: older kernels and other programs know them. */
const FEATURES =
  "none,has_journal,ext_attr,resize_inode,dir_index,filetype,sparse_super,large_file";
const EOPNOTSUPP = 95;
const MODE = 0o755;

/**
 * Makes an ext3 file system with the directories `/upper` and `/work` in an open, empty file. The
 * file needs no name: the tools reach it through this process's descriptor, so that nothing is left
 * of one that was killed.
 *
 * @throws Fault `io` when there is no room, `failed` with a tool's last words.
 */
export async function makeExt3Layer(fd: number, layer: Ext3Layer): Promise<void> {
  const { sizeBytes } = layer;
  takeRoom(fd, sizeBytes, layer.sparse);
  const file = `/proc/${process.pid}/fd/${fd}`;
  const extended = layer.sparse ? "root_owner=0:0" : "root_owner=0:0,nodiscard";
  const make = ["-q", "-F", "-t", "ext3", "-O", FEATURES, "-I", "256", "-m", "0", "-E", extended];
  await runTool([layer.mkfs, ...make, file]);
  const dirs = ["/upper", ...layer.dirs.map((dir) => `/upper${dir}`), "/work"];
  const commands = memfdCreate("skiff-debugfs");
  try {
    write(commands, encodeOsText(debugfsCommands(dirs, layer)));
    const script = `/proc/${process.pid}/fd/${commands}`;
    await runTool([layer.debugfs, "-w", "-f", script, file]);
  } finally {
    close(commands);
  }
  check(fd, layer, dirs);
}

/** debugfs makes directories of root with mode 0755. */
function debugfsCommands(dirs: readonly string[], { uid, gid }: Ext3Layer): string {
  const quoted = (path: string): string => `"${path.replaceAll('"', '""')}"`;
  return dirs
    .flatMap((dir) => [
      `mkdir ${quoted(dir)}`,
      ...(uid === 0 ? [] : [`set_inode_field ${quoted(dir)} uid ${uid}`]),
      ...(gid === 0 ? [] : [`set_inode_field ${quoted(dir)} gid ${gid}`]),
    ])
    .map((line) => `${line}\n`)
    .join("");
}

/** debugfs ends well whatever became of its commands: the result tells. */
function check(fd: number, layer: Ext3Layer, dirs: readonly string[]): void {
  const tree = new ExtTree(sourceOf(fd, layer.sizeBytes));
  for (const dir of dirs) {
    const entry = tree.lstat(dir);
    const isRight =
      entry?.kind === "dir" &&
      entry.mode === MODE &&
      entry.uid === layer.uid &&
      entry.gid === layer.gid;
    if (!isRight) {
      throw new Fault("failed", `Cannot make ${dir} in the overlay: debugfs did not make it`);
    }
  }
}

function takeRoom(fd: number, sizeBytes: number, sparse: boolean): void {
  let status = sparse ? -EOPNOTSUPP : fallocate(fd, sizeBytes);
  // Some file systems cannot give room in advance.
  if (status === -EOPNOTSUPP) status = ftruncate(fd, sizeBytes);
  if (status < 0) {
    throw new Fault(
      "io",
      `Cannot make an overlay of ${sizeBytes / 1024 / 1024} MiB: ${errnoText(-status)}`,
      { hint: "free space, use --sparse, or choose a smaller --size" },
    );
  }
}

/** The file as bytes. */
export function sourceOf(fd: number, sizeBytes: number): ByteSource {
  return {
    sizeBytes,
    read(offset, length) {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; ) {
        const count = pread(fd, bytes.subarray(at), offset + at);
        if (count <= 0) throw new Fault("io", `Cannot read the overlay: ${errnoText(-count)}`);
        at += count;
      }
      return bytes;
    },
  };
}

async function runTool(argv: readonly string[]): Promise<void> {
  const end = await runChild({ argv, stdin: "none", stdout: "drop", stderr: "keep" });
  if (end.status === 0) return;
  throw new Fault(
    "failed",
    `Cannot make the overlay: ${argv[0] ?? ""} ended with ${end.words}: ${lastWords(end.stderr)}`,
  );
}
