import {
  chmodSync,
  chownSync,
  lchownSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
} from "node:fs";
import { Fault } from "../../base/fault.ts";
import { planOutput } from "../../format/oci/merge/merge-output.ts";
import type { MergedNode } from "../../format/oci/merge/merged-node.ts";
import type { OciImage } from "../../format/oci/oci-image.ts";
import { lastWords } from "../child.ts";
import { notedOwner, OWNER } from "../owners/noted-owners.ts";
import type { BuildPorts } from "../stage.ts";
import { toolHint } from "../tool-hint.ts";
import { mergeWhileWriting } from "./merge-while-writing.ts";
import { writeOnce } from "./pack-once.ts";
import { pipeTo } from "./pipe-to.ts";
import type { Write } from "./write-merged.ts";

const MAX_TIME = 0xffffffff;

/** Choices about unpacking. */
export interface UnpackChoices {
  /** Of directories that no layer describes; seconds since 1970. */
  readonly impliedTime: number;
  readonly ports: Pick<BuildPorts, "tool" | "signal">;
  /** Changes the merged root before it is written whole. */
  edit?(root: MergedNode): void;
  /** Takes the owners, `uid:gid` by path, that files could not be given. */
  readonly lost?: Map<string, string> | undefined;
}

/**
 * Unpacks the merged layers of an image into an empty directory, as far as the user's rights go. Each
 * layer is read once, as in a conversion (convert.ts).
 */
export async function unpackMerged(
  image: OciImage,
  folder: string,
  choices: UnpackChoices,
): Promise<void> {
  const { impliedTime, lost = new Map<string, string>(), ports } = choices;
  const { signal } = ports;
  const tool = ports.tool("tar");
  if (tool === undefined) {
    throw new Fault("missing-tool", "Cannot unpack the image: tar is not in PATH", {
      hint: "install the package tar",
    });
  }
  const owners = readOwners();
  const fit = owners === undefined ? {} : { fit: fitterTo(owners) };
  const merged = await writeOnce(
    image,
    MAX_TIME,
    {
      run: (produce) => runTar(image, tool, folder, signal, produce),
      reset: () => {
        for (const name of readdirSync(folder, { encoding: "buffer" })) removeFrom(folder, name);
      },
      signal,
    },
    async (write) => {
      const { root, written } = await mergeWhileWriting(
        image,
        impliedTime,
        MAX_TIME,
        write,
        () => {},
        signal,
        fit,
      );
      choices.edit?.(root);
      if (owners !== undefined) fitToRights(root, owners, lost);
      return { root, output: planOutput(root, image.layers.length, written) };
    },
  );
  if (merged === undefined) {
    throw new Fault("failed", `while unpacking ${image.reference}: tar ended before the archive`);
  }
  const { root } = merged;
  noteLost(folder, lost);
  chownSync(folder, root.uid, root.gid);
  chmodSync(folder, root.mode);
  utimesSync(folder, root.mtimeSeconds, root.mtimeSeconds);
}

async function runTar(
  image: OciImage,
  tool: string,
  folder: string,
  signal: AbortSignal,
  produce: (write: Write) => Promise<void>,
): Promise<void> {
  const argv = [tool, "-x", "-f", "-", "-C", folder, "-p", "--numeric-owner"];
  argv.push("--same-owner", "--delay-directory-restore", "--xattrs", "--xattrs-include=*");
  const env = { ...process.env, LC_ALL: "C" };
  const end = await pipeTo({ argv, env, signal }, produce);
  if (end.status === 0) return;
  const hint = toolHint(end.stderr, end.words, "tar");
  throw new Fault(
    "failed",
    `packer failed to pack: while unpacking ${image.reference}: ${end.words}: ${lastWords(end.stderr)}`,
    hint === undefined ? {} : { hint },
  );
}

/** Whatever its name is made of. */
function removeFrom(folder: string, name: Buffer): void {
  rmSync(Buffer.concat([Buffer.from(`${folder}/`), name]), { recursive: true, force: true });
}

/** Gives files to owners that do not exist here: what is noted (owners/noted-owners.ts) is not lost. */
function noteLost(folder: string, lost: Map<string, string>): void {
  for (const [path, ids] of lost) {
    const [uid = 0, gid = 0] = ids.split(":").map(Number);
    try {
      lchownSync(folder + path, uid, gid);
    } catch {
      continue;
    }
    if (notedOwner(folder + path) === ids) lost.delete(path);
  }
}

/** Ids that exist in this user namespace. */
interface Owners {
  hasUid(id: number): boolean;
  hasGid(id: number): boolean;
}

/** Undefined for the real root, who may do everything. */
function readOwners(): Owners | undefined {
  const ranges = (name: string): readonly (readonly [number, number])[] =>
    readFileSync(`/proc/self/${name}`, "utf8")
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number))
      .map(([first = 0, , count = 0]) => [first, first + count] as const);
  const [uids, gids] = [ranges("uid_map"), ranges("gid_map")];
  const isWhole = (list: typeof uids): boolean =>
    process.getuid?.() === 0 && list.some(([first, end]) => first === 0 && end >= MAX_TIME);
  if (isWhole(uids) && isWhole(gids)) return undefined;
  // Who is no root at all owns everything.
  const isRoot = process.getuid?.() === 0;
  const isIn = (list: typeof uids, id: number): boolean =>
    isRoot && list.some(([first, end]) => id >= first && id < end);
  return { hasUid: (id) => isIn(uids, id), hasGid: (id) => isIn(gids, id) };
}

/** Changes what cannot be made in a user namespace, and notes the owners that are lost. */
function fitToRights(root: MergedNode, owners: Owners, lost: Map<string, string>): void {
  const fit = fitterTo(owners);
  const todo: { readonly path: string; readonly node: MergedNode }[] = [{ path: "", node: root }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { node, path } = next;
    if (path !== "" && !(owners.hasUid(node.uid) && owners.hasGid(node.gid))) {
      lost.set(path, `${node.uid}:${node.gid}`);
    }
    fit(node);
    for (const [name, child] of node.children ?? [])
      todo.push({ path: `${path}/${name}`, node: child });
  }
}

/**
 * How one thing is changed: an owner that does not exist there becomes the user, a device an empty file
 * without rights, and attributes of the machine's administrator go.
 */
function fitterTo(owners: Owners): (node: MergedNode) => void {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  // No layer says to whom we gave a file.
  const isLost = (name: string): boolean =>
    name === OWNER || name.startsWith("trusted.") || (uid !== 0 && name.startsWith("security."));
  return (node) => {
    if (!owners.hasUid(node.uid)) node.uid = uid;
    if (!owners.hasGid(node.gid)) node.gid = gid;
    if (node.kind === "char" || node.kind === "block") {
      node.kind = "file";
      node.mode = 0;
      node.major = 0;
      node.minor = 0;
      node.content = new Uint8Array(0);
    }
    if ([...node.xattrs.keys()].some(isLost)) {
      node.xattrs = new Map([...node.xattrs].filter(([name]) => !isLost(name)));
    }
  };
}
