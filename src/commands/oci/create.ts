import { existsSync, rmSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { resolvePath } from "../../base/path.ts";
import { isTerminal } from "../../host/process-calls.ts";
import { attach } from "../../runtime/oci/attach.ts";
import { becomeProgram } from "../../runtime/oci/become-program.ts";
import { createUnderMonitor } from "../../runtime/oci/conmon.ts";
import { claim, type OciContainer, stateOf } from "../../runtime/oci/container.ts";
import { ask, callOf, type LowLevel } from "../../runtime/oci/low-level.ts";
import { bundleOf, refuseUnused } from "./bundle-word.ts";
import type { Desk } from "./desk.ts";
import { remove, start } from "./operate.ts";

const POLL_MS = 50;

/** `oci create`: a container of a bundle, under a monitor. */
export async function create(desk: Desk): Promise<number> {
  const { inv, host, tool, container } = desk;
  const { path, terminal } = bundleOf(desk);
  refuseUnused(desk);
  const conmon = host.tool("conmon");
  if (conmon === undefined) {
    throw new Fault("missing-tool", `Cannot create ${container.id}: conmon is not installed`, {
      hint: 'install the package conmon, or use "oci run"',
    });
  }
  claim(container, tool, path);
  const absolute = (flag: string): string | undefined => {
    const word = inv.string(flag);
    return word === "" ? undefined : resolvePath(host.cwd ?? "/", word);
  };
  try {
    await createUnderMonitor({
      ...{ conmon, tool, container, bundle: path, terminal },
      logPath: absolute("log-path"),
      pidFile: absolute("pid-file"),
    });
  } catch (error) {
    rmSync(container.folder, { recursive: true, force: true });
    throw error;
  }
  return 0;
}

/**
 * In place of this process: its streams, signals and exit status are the container's. Under a monitor
 * with a log, and for a terminal that this process has none for.
 */
export async function runBundle(desk: Desk): Promise<number> {
  const { inv, tool, container } = desk;
  const { path, terminal } = bundleOf(desk);
  refuseUnused(desk);
  if (inv.string("log-path") !== "" || (terminal && ![0, 1, 2].some(isTerminal))) {
    await create(desk);
    await attach(container, () => {
      start(desk);
    });
    const code = await exitCodeOf(container, tool);
    remove(desk);
    return code;
  }
  if (ask(tool, ["state", container.id]).code === 0) {
    throw new Fault("exists", `${container.id} already exists`);
  }
  const pidFile = inv.string("pid-file");
  const pid = pidFile === "" ? [] : ["--pid-file", pidFile];
  return becomeProgram([...callOf(tool), "run", "--bundle", path, ...pid, container.id]);
}

/** `oci attach`: gives the container's exit status. */
export async function attachTo({ container, tool }: Desk): Promise<number> {
  stateOf(container, tool);
  await attach(container);
  return exitCodeOf(container, tool);
}

/** The exit status that the monitor wrote down; it comes a moment after the end of the output. */
async function exitCodeOf(container: OciContainer, tool: LowLevel): Promise<number> {
  const MOST_TRIES = 40;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { exitCode } = stateOf(container, tool);
    if (exitCode !== undefined) return exitCode;
    if (!existsSync(container.folder)) break;
    await Bun.sleep(POLL_MS);
  }
  return 0;
}
