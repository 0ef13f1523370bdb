import { beforeAll } from "bun:test";
import { existsSync } from "node:fs";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason } from "../support/skip.ts";
import { BUSYBOX, giveTo, IMAGE_TREE, makeTree } from "./image-tree.ts";

/** Why nothing can be launched from the lab on this machine, or undefined. */
const noLaunches = firstReason(
  noUserNamespaces(),
  existsSync(BUSYBOX) ? undefined : noTool("busybox"),
  noTool("mksquashfs"),
);

/**
 * A directory of the ordinary user for the tests of one file, with the image of IMAGE_TREE in it as a
 * directory, `img`, and as a file, `img.sqfs`. `fill` adds to it before it is handed over.
 */
export function launchLab(fill?: (dir: string) => void): {
  readonly dir: string;
  readonly lack: string | undefined;
} {
  const dir = scratch();
  beforeAll(async () => {
    if (noLaunches !== undefined) return;
    makeTree(`${dir}/img`, IMAGE_TREE);
    fill?.(dir);
    const user = ordinaryUser();
    if (isRoot && user !== undefined) giveTo(dir, user);
    const words = ["mksquashfs", "img", "img.sqfs", "-quiet", "-no-progress"];
    const packed = await run(words, { cwd: dir });
    if (packed.code !== 0) throw new Error(packed.stderr);
  });
  return { dir, lack: noLaunches };
}
