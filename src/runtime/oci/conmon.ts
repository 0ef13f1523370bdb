import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { Fault } from "../../base/fault.ts";
import { resolvePath } from "../../base/path.ts";
import type { OciContainer } from "./container.ts";
import type { LowLevel } from "./low-level.ts";
import { reasonOf } from "./low-level.ts";

/** A container to be created under a monitor. */
export interface MonitorInput {
  /** Path of conmon. */
  readonly conmon: string;
  readonly tool: LowLevel;
  readonly container: OciContainer;
  readonly bundle: string;
  readonly logPath: string | undefined;
  readonly pidFile: string | undefined;
  /** As the bundle's configuration says. */
  readonly terminal: boolean;
}

const SYNC_FD = 3;

/**
 * Creates a container under conmon, which keeps its output, its terminal and its exit status, and
 * outlives this process. Order: conmon forks, runs `create`, then writes one line of JSON to the sync
 * pipe: `{"pid": N}`, or `{"pid": -1, "message": "…"}` (reference: cri.md section 9).
 *
 * @throws Fault with the low-level runtime's reason.
 */
export async function createUnderMonitor(input: MonitorInput): Promise<void> {
  const { conmon, tool, container, bundle } = input;
  const { id, folder } = container;
  const words = [
    ...["-c", id, "-u", id, "-n", id, "-b", ownBundle(container, bundle)],
    ...["-r", tool.path, "--runtime-arg=--root", `--runtime-arg=${tool.root}`],
    ...["-p", input.pidFile ?? `${folder}/pid`, "-P", `${folder}/conmon.pid`],
    ...["-l", `k8s-file:${input.logPath ?? `${folder}/log`}`],
    ...["--persist-dir", folder, "--socket-dir-path", folder],
    input.terminal ? "-t" : "-i",
  ];
  const complaints = openSync(`${folder}/complaints`, "w", 0o600);
  try {
    const child = spawn(conmon, words, {
      stdio: ["ignore", "ignore", complaints, "pipe"],
      env: { ...process.env, _OCI_SYNCPIPE: String(SYNC_FD) },
      cwd: folder,
    });
    const { pid, message } = parse(await firstLine(child.stdio[SYNC_FD] as Readable));
    if (pid > 0) return;
    throw new Fault("failed", `container creation failed: ${message ?? complaintOf(folder)}`);
  } finally {
    closeSync(complaints);
  }
}

/**
 * A bundle directory of our own beside the user's: the monitor puts its sockets into it. The
 * configuration is the user's, with the paths that are relative to the bundle made absolute.
 */
function ownBundle({ folder }: OciContainer, bundle: string): string {
  const spec = JSON.parse(readFileSync(`${bundle}/config.json`, "utf8")) as {
    root?: { path?: string };
    mounts?: { source?: string; options?: readonly string[] }[];
  };
  if (typeof spec.root?.path === "string") spec.root.path = resolvePath(bundle, spec.root.path);
  for (const mount of spec.mounts ?? []) {
    const isBind = mount.options?.some((word) => word === "bind" || word === "rbind") === true;
    if (isBind && mount.source !== undefined) mount.source = resolvePath(bundle, mount.source);
  }
  mkdirSync(`${folder}/bundle`, { mode: 0o700 });
  writeFileSync(`${folder}/bundle/config.json`, JSON.stringify(spec), { mode: 0o600 });
  return `${folder}/bundle`;
}

/** The monitor keeps its end of the pipe: the line, not the end, is waited for. */
function firstLine(stream: Readable): Promise<string> {
  let text = "";
  return new Promise((resolve) => {
    const done = (): void => {
      stream.destroy();
      resolve(text.trim());
    };
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) done();
    });
    stream.on("end", done);
    stream.on("error", done);
  });
}

function parse(line: string): { pid: number; message?: string } {
  try {
    const told = JSON.parse(line.split("\n").at(-1) ?? "") as { pid?: number; message?: string };
    const message = told.message === undefined ? {} : { message: reasonOf(told.message) };
    return { pid: told.pid ?? -1, ...message };
  } catch {
    return { pid: -1 };
  }
}

function complaintOf(folder: string): string {
  const said = readFileSync(`${folder}/complaints`, "utf8");
  return said.trim() === "" ? "the monitor ended without a word" : reasonOf(said);
}
