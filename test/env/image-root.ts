import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { STANDARD_SCRIPTS } from "../../src/plan/env/standard-scripts.ts";
import type { ScriptFiles } from "../../src/plan/shell/script-files.ts";
import { realFiles } from "./evaluate-here.ts";

/** Writes a root directory without programs, with /.singularity.d when `scripts` are given besides the standard ones. */
export function writeRoot(
  root: string,
  scripts: Readonly<Record<string, string>> | undefined,
): string {
  rmSync(root, { recursive: true, force: true });
  for (const dir of [
    "dev",
    "proc",
    "sys",
    "tmp",
    "etc",
    "home",
    "usr",
    "lib",
    "lib64",
    "bin",
    "root",
    "var/tmp",
  ]) {
    mkdirSync(`${root}/${dir}`, { recursive: true });
  }
  writeFileSync(`${root}/etc/passwd`, "root:x:0:0::/root:/bin/sh\n");
  writeFileSync(`${root}/etc/group`, "root:x:0:\n");
  if (scripts === undefined) return root;
  mkdirSync(`${root}/.singularity.d/env`, { recursive: true });
  mkdirSync(`${root}/.singularity.d/actions`, { recursive: true });
  symlinkSync(".singularity.d/actions/exec", `${root}/.exec`);
  for (const { path, text } of STANDARD_SCRIPTS) {
    writeFileSync(root + path, text);
    chmodSync(root + path, 0o755);
  }
  for (const [name, text] of Object.entries(scripts))
    writeFileSync(`${root}/.singularity.d/env/${name}`, text);
  return root;
}

/** A tree of this side as the root of a container. */
export function filesBelow(root: string): ScriptFiles {
  const real = realFiles(root);
  const outside = (path: string): string => (path === "/" ? root : root + path);
  return {
    ...real,
    view: {
      lstat: (path) => real.view.lstat(outside(path)),
      list: (path) => real.view.list(outside(path)),
      read: (path, limit) => real.view.read(outside(path), limit),
    },
    isKnown: () => true,
  };
}
