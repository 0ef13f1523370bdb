import { chmodSync, chownSync, lchownSync, readFileSync, utimesSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { planOutput } from "../../format/oci/merge/merge-output.ts";
import type { MergedNode } from "../../format/oci/merge/merged-node.ts";
import type { OciImage } from "../../format/oci/oci-image.ts";
import { lastWords } from "../child.ts";
import { notedOwner, OWNER } from "../owners/noted-owners.ts";
import type { BuildPorts } from "../stage.ts";
import { toolHint } from "../tool-hint.ts";
import { pipeTo } from "./pipe-to.ts";
import { writeMerged } from "./write-merged.ts";

const MAX_TIME = 0xffffffff;

/**
 * Unpacks a merged root into an empty directory, as far as the user's rights go.
 *
 * @param lost takes the owners, `uid:gid` by path, that files could not be given.
 */
export async function unpackMerged(
  image: OciImage,
  root: MergedNode,
  folder: string,
  ports: Pick<BuildPorts, "tool" | "signal">,
  lost: Map<string, string> = new Map(),
): Promise<void> {
  const tool = ports.tool("tar");
  if (tool === undefined) {
    throw new Fault("missing-tool", "Cannot unpack the image: tar is not in PATH", {
      hint: "install the package tar",
    });
  }
  const owners = readOwners();
  if (owners !== undefined) fitToRights(root, owners, lost);
  const output = planOutput(root, image.layers.length);
  const argv = [tool, "-x", "-f", "-", "-C", folder, "-p", "--numeric-owner"];
  argv.push("--same-owner", "--delay-directory-restore", "--xattrs", "--xattrs-include=*");
  const env = { ...process.env, LC_ALL: "C" };
  const end = await pipeTo({ argv, env, signal: ports.signal }, (write) =>
    writeMerged(image, output, MAX_TIME, write, ports.signal),
  );
  if (end.status !== 0) {
    const hint = toolHint(end.stderr, end.words, "tar");
    throw new Fault(
      "failed",
      `packer failed to pack: while unpacking ${image.reference}: ${end.words}: ${lastWords(end.stderr)}`,
      hint === undefined ? {} : { hint },
    );
  }
  noteLost(folder, lost);
  chownSync(folder, root.uid, root.gid);
  chmodSync(folder, root.mode);
  utimesSync(folder, root.mtimeSeconds, root.mtimeSeconds);
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

/**
 * Changes what cannot be made in a user namespace: an owner that does not exist there becomes the user,
 * a device an empty file without rights, and attributes of the machine's administrator go.
 */
function fitToRights(root: MergedNode, owners: Owners, lost: Map<string, string>): void {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const todo: { readonly path: string; readonly node: MergedNode }[] = [{ path: "", node: root }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { node, path } = next;
    if (path !== "" && !(owners.hasUid(node.uid) && owners.hasGid(node.gid))) {
      lost.set(path, `${node.uid}:${node.gid}`);
    }
    if (!owners.hasUid(node.uid)) node.uid = uid;
    if (!owners.hasGid(node.gid)) node.gid = gid;
    if (node.kind === "char" || node.kind === "block") {
      node.kind = "file";
      node.mode = 0;
      node.major = 0;
      node.minor = 0;
      node.content = new Uint8Array(0);
    }
    // No layer says to whom we gave a file.
    const isLost = (name: string): boolean =>
      name === OWNER || name.startsWith("trusted.") || (uid !== 0 && name.startsWith("security."));
    if ([...node.xattrs.keys()].some(isLost)) {
      node.xattrs = new Map([...node.xattrs].filter(([name]) => !isLost(name)));
    }
    for (const [name, child] of node.children ?? [])
      todo.push({ path: `${path}/${name}`, node: child });
  }
}
