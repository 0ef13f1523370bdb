import { afterAll, beforeAll } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { BUSYBOX, giveTo, IMAGE_TREE, makeTree, type TreeNode } from "../launch/image-tree.ts";
import { noFuse, noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, type RunOptions, run, start } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** Why no instance of a packed image can be started here, or undefined. */
export const noInstances: string | undefined = firstReason(
  noUserNamespaces(),
  noFuse(),
  existsSync(BUSYBOX) ? undefined : noTool("busybox"),
  noTool("mksquashfs"),
);

/** A server of a sort: prints its words, takes TERM, and says so. */
const STARTSCRIPT = `#!/bin/sh
echo "started $#: $*"
trap 'echo ended by TERM; exit 0' TERM
trap 'echo not ended by INT' INT
while :; do sleep 0.05; done
`;

export const SERVER_TREE: Readonly<Record<string, TreeNode>> = {
  ...IMAGE_TREE,
  "/bin/setsid": { link: "busybox" },
  "/bin/nc": { link: "busybox" },
  "/.singularity.d/startscript": { program: STARTSCRIPT },
};

/** One instance as `instance list --json` tells it. */
export interface Listed {
  readonly instance: string;
  readonly pid: number;
  readonly img: string;
  readonly ip: string;
  readonly logErrPath: string;
  readonly logOutPath: string;
}

/** A directory with images, and with records and logs of its own: other tests' instances are not seen. */
export interface InstanceLab {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs skiff in the directory as the ordinary user. */
  skiff(words: readonly string[], options?: RunOptions): Promise<Finished>;
  /** The same without waiting. */
  begin(words: readonly string[]): ReturnType<typeof start>;
  list(...words: string[]): Promise<readonly Listed[]>;
}

/**
 * Opens a lab; to be called at the top level of a test file. With a tree there is an image of it, as the
 * directory `img` and packed as `img.sqfs`; `fill` adds to the lab then.
 */
export function instanceLab(
  tree?: Readonly<Record<string, TreeNode>>,
  fill?: (dir: string) => Promise<void> | void,
): InstanceLab {
  // Before the directory goes.
  afterAll(async () => {
    await lab.skiff(["instance", "stop", "--all", "--force"]);
  });
  const dir = scratch();
  const env = { SKIFF_CONFIGDIR: `${dir}/config`, SKIFF_CACHEDIR: `${dir}/cache` };
  const options = { cwd: dir, extraEnv: env };
  const lab: InstanceLab = {
    dir,
    env,
    skiff: (words, { extraEnv, ...rest } = {}) =>
      run([skiffPath, ...words], { ...options, ...rest, extraEnv: { ...env, ...extraEnv } }),
    begin: (words) => start([skiffPath, ...words], options),
    list: async (...words) => {
      const listed = await lab.skiff(["instance", "list", "--json", ...words]);
      if (listed.code !== 0) throw new Error(listed.stderr);
      return (JSON.parse(listed.stdout) as { instances: Listed[] }).instances;
    },
  };
  if (tree !== undefined && noInstances === undefined) {
    beforeAll(async () => {
      await makeImages(lab, tree);
      await fill?.(dir);
    });
  }
  return lab;
}

async function makeImages(
  lab: InstanceLab,
  tree: Readonly<Record<string, TreeNode>>,
): Promise<void> {
  makeTree(`${lab.dir}/img`, tree);
  mkdirSync(`${lab.dir}/tmp`);
  const user = ordinaryUser();
  if (isRoot && user !== undefined) giveTo(lab.dir, user);
  const packed = await run(["mksquashfs", "img", "img.sqfs", "-quiet", "-no-progress"], {
    cwd: lab.dir,
  });
  if (packed.code !== 0) throw new Error(packed.stderr);
}

/** Waits until `look` gives something, at most ten seconds; then gives what it gave last. */
export async function until<T>(look: () => T | Promise<T>): Promise<T> {
  const end = Date.now() + 10_000;
  let seen = await look();
  while (!seen && Date.now() < end) {
    await Bun.sleep(20);
    seen = await look();
  }
  return seen;
}

/** Processes and mounts that know a directory, in words; those that only wait for their parent not. */
export function leftRunning(dir: string): string[] {
  const out: string[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    const read = (name: string): string => {
      try {
        return readFileSync(`/proc/${pid}/${name}`, "utf8");
      } catch {
        return "";
      }
    };
    const words = read("cmdline").replaceAll("\0", " ").trim();
    if (words.includes(dir)) out.push(`process ${pid}: ${words}`);
    if (read("mountinfo").includes(dir)) out.push(`mounts of ${pid}: ${words}`);
  }
  return out;
}

/** How many launches in the lab have a record to start again from. */
export function knownLaunches(lab: InstanceLab): number {
  const names = filesBelow(`${lab.dir}/cache/cache/launch`);
  return names.filter((path) => /\/[0-9a-f]{32}$/.test(path)).length;
}

/** All files below a directory. */
export function filesBelow(path: string): string[] {
  return existsSync(path)
    ? readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => `${entry.parentPath}/${entry.name}`)
    : [];
}
