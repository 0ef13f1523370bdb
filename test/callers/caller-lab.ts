import { symlinkSync, writeFileSync } from "node:fs";
import { type Finished, loginEnv, type RunOptions, run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { skiffPath } from "../support/tree.ts";

/** The names that callers know. */
export const NAMES = ["singularity", "apptainer", "run-singularity"] as const;

/** A directory of the ordinary user with links of every name to the binary under test. */
export interface CallerLab {
  readonly dir: string;
  /** Directory of the links. */
  readonly bin: string;
  /** Runs a command as the ordinary user in `dir`, with `bin` first in PATH. */
  run(argv: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Runs a line of bash in the same way. */
  sh(line: string, options?: RunOptions): Promise<Finished>;
  /** Writes a file below `dir`. */
  write(name: string, text: string | Uint8Array, mode?: number): string;
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
    run: start,
    sh: (line, options) => start(["/bin/bash", "-c", line], options),
    write: (name, text, mode = 0o644) => {
      writeFileSync(`${dir}/${name}`, text, { mode });
      return `${dir}/${name}`;
    },
  };
}

/** Throws with all that was said when a program ended badly. */
export function mustSucceed({ code, stdout, stderr }: Finished): void {
  if (code !== 0) throw new Error(`ended with status ${code}\n${stdout}${stderr}`);
}
