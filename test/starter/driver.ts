import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { type EncodeOptions, encodeOps } from "../../src/ops/encode.ts";
import type { Op, WiredOp } from "../../src/ops/op.ts";
import { asOrdinaryUser } from "../support/ordinary-user.ts";
import { type Finished, loginEnv, type RunOptions, start } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { treeRoot } from "../support/tree.ts";

/** Options of a launch by the starter alone. */
export interface LaunchOptions extends RunOptions, Partial<EncodeOptions> {
  /** Shell words that come before the starter replaces the shell: redirections, traps, limits. */
  readonly before?: string;
  /** Another starter than the usual one. */
  readonly starter?: string;
}

/** The starter for one test file, with a directory that goes when the file is done. */
export interface Driver {
  /** Below /var/tmp, the ordinary user's. */
  readonly place: string;
  readonly path: string;
  /** Compiles a variant and gives its path. */
  build(...flags: string[]): string;
  /** Writes a stream to a file that the ordinary user can read. */
  writeStream(bytes: Uint8Array): string;
  /** Starts the starter on ops; its PID is the child's. */
  start(ops: readonly (Op | WiredOp)[], options?: LaunchOptions): ReturnType<typeof start>;
  /** Runs ops to their end. */
  run(ops: readonly (Op | WiredOp)[], options?: LaunchOptions): Promise<Finished>;
  /** A shell script as the ordinary user, for setting things up; throws when it fails. */
  prepare(script: string): void;
}

/** To be called at the top level of a test file. */
export function useStarter(as: "user" | "self" = "user"): Driver {
  const place = scratch(as);
  let streams = 0;

  function build(...flags: string[]): string {
    const path = `${place}/starter${flags.join("")}`;
    const built = Bun.spawnSync(["sh", `${treeRoot}/scripts/build-starter.sh`, ...flags, path]);
    if (built.exitCode !== 0) throw new Error(built.stderr.toString());
    return path;
  }

  const path = process.env["SKIFF_STARTER"] ?? builtStarter() ?? build();

  function writeStream(bytes: Uint8Array): string {
    const file = `${place}/stream-${++streams}`;
    writeFileSync(file, bytes, { mode: 0o644 });
    return file;
  }

  function startOps(ops: readonly (Op | WiredOp)[], options: LaunchOptions = {}) {
    const { before = "", starter = path, ...rest } = options;
    const bytes = encodeOps(wire(ops), { debug: false, procPath: "/proc", ...options });
    const argv = ["/bin/bash", "-c", `${before} exec "$0" 3 3<"$1"`, starter, writeStream(bytes)];
    return start(argv, { cwd: "/", as, ...rest });
  }

  async function runOps(ops: readonly (Op | WiredOp)[], options: LaunchOptions = {}) {
    const child = startOps(ops, options);
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { code: await child.exited, stdout, stderr };
  }

  function prepare(script: string): void {
    const prefix = as === "user" ? asOrdinaryUser() : [];
    const env = loginEnv(as);
    const done = Bun.spawnSync([...prefix, "/bin/bash", "-ec", script], { cwd: place, env });
    if (done.exitCode !== 0) throw new Error(`${script}: ${done.stderr.toString()}`);
  }

  return { place, path, build, writeStream, start: startOps, run: runOps, prepare };
}

/** What the build made, if no source is newer. */
function builtStarter(): string | undefined {
  const built = `${treeRoot}/build/embed/starter`;
  const sources = readdirSync(`${treeRoot}/starter`).map((name) => `${treeRoot}/starter/${name}`);
  const newest = Math.max(...sources.map((source) => statSync(source).mtimeMs));
  return existsSync(built) && statSync(built).mtimeMs > newest ? built : undefined;
}

/** Ops with a text for every failure that names the op and the error. */
export function wire(ops: readonly (Op | WiredOp)[]): WiredOp[] {
  return ops.map((op) =>
    "op" in op ? op : { op, faults: [{ errno: 0, text: `${op.kind}: %e` }] },
  );
}
