import { Fault } from "../../base/fault.ts";
import { isWithin } from "../../base/path.ts";
import type { HostFacts } from "../../plan/facts.ts";

/** The program that makes containers of bundles. */
export interface LowLevel {
  readonly path: string;
  readonly name: "crun" | "runc";
  /** `--root` of its state. */
  readonly root: string;
}

/** What a run of it gave. */
export interface Answer {
  readonly code: number;
  readonly stdout: string;
  /** The reason in one line, without time and level. */
  readonly reason: string;
}

/**
 * crun, or runc where crun is missing or refuses to work: on control groups of both versions at once,
 * with controllers in the second.
 *
 * @throws Fault `missing-tool` when neither is installed.
 */
export function findLowLevel(host: HostFacts, root: string): LowLevel {
  const names = isMixed(host) ? (["runc", "crun"] as const) : (["crun", "runc"] as const);
  for (const name of names) {
    const path = host.tool(name);
    if (path !== undefined) return { path, name, root };
  }
  throw new Fault(
    "missing-tool",
    "Cannot manage OCI containers: neither crun nor runc is installed",
    {
      hint: "install the package crun or runc",
    },
  );
}

function isMixed(host: HostFacts): boolean {
  const trees = host.mounts.filter((m) => isWithin("/sys/fs/cgroup", m.target));
  const unified = trees.find((m) => m.fstype === "cgroup2");
  if (unified === undefined || !trees.some((m) => m.fstype === "cgroup")) return false;
  const controllers = host.files.read(`${unified.target}/cgroup.controllers`);
  return controllers !== undefined && controllers.some((byte) => byte > 0x20);
}

/** Words that begin every call. */
export function callOf(tool: LowLevel): readonly string[] {
  return [tool.path, "--root", tool.root];
}

/** Runs one short operation. `stdin`: what it reads; default nothing. */
export function ask(tool: LowLevel, words: readonly string[], stdin?: Uint8Array): Answer {
  const done = Bun.spawnSync([...callOf(tool), ...words], {
    stdin: stdin ?? "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  return {
    code: done.exitCode ?? 255,
    stdout: done.stdout.toString(),
    reason: reasonOf(done.stderr.toString()),
  };
}

/** The message of crun (`TIME: text`) or runc (`time="…" level=error msg="text"`) in one line. */
export function reasonOf(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const last = lines.at(-1) ?? "no reason given";
  const quoted = /msg="((?:[^"\\]|\\.)*)"/.exec(last)?.[1];
  if (quoted !== undefined) return quoted.replaceAll(/\\(.)/g, "$1");
  return last.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z: /, "");
}
