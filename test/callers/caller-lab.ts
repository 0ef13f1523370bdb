import { chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, loginEnv, type RunOptions, run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { skiffPath } from "../support/tree.ts";

/** The names that callers know. */
export const NAMES = ["singularity", "apptainer", "run-singularity"] as const;

/** A directory of the ordinary user with links of every name to the binary under test. */
export interface CallerLab {
  readonly dir: string;
  /** Directory of the links, and a PATH that begins with it. */
  readonly bin: string;
  readonly path: string;
  /** Runs a command as the ordinary user in `dir`, with `bin` first in PATH. */
  run(argv: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Runs a line of bash in the same way. */
  sh(line: string, options?: RunOptions): Promise<Finished>;
  /** Writes a file of the user below `dir`, and gives its full path. */
  write(name: string, text: string | Uint8Array, mode?: number): string;
  /** Makes a directory of the user below `dir`, with those on the way, and gives its full path. */
  makeDir(name: string): string;
}

/** Opens a lab; to be called at the top level of a test file. */
export function callerLab(): CallerLab {
  const dir = scratch();
  const bin = scratch();
  for (const name of NAMES) symlinkSync(skiffPath, `${bin}/${name}`);
  const path = `${bin}:${loginEnv()["PATH"]}`;
  const start: CallerLab["run"] = (argv, { extraEnv, ...rest } = {}) =>
    run(argv, { cwd: dir, extraEnv: { PATH: path, ...extraEnv }, ...rest });
  return {
    dir,
    bin,
    path,
    run: start,
    sh: (line, options) => start(["/bin/bash", "-c", line], options),
    write: (name, text, mode = 0o644) => {
      writeFileSync(`${dir}/${name}`, text, { mode });
      return giveToUser(`${dir}/${name}`);
    },
    makeDir: (name) => {
      mkdirSync(`${dir}/${name}`, { recursive: true });
      return giveToUser(`${dir}/${name}`);
    },
  };
}

/** What root made for the user becomes the user's own. */
function giveToUser(path: string): string {
  const user = ordinaryUser();
  if (isRoot && user !== undefined) chownSync(path, user.uid, user.gid);
  return path;
}

/** Throws with all that was said when a program ended badly. */
export function mustSucceed({ code, stdout, stderr }: Finished): void {
  if (code !== 0) throw new Error(`ended with status ${code}\n${stdout}${stderr}`);
}
