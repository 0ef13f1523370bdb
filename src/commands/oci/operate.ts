import { readFileSync, rmSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { UsageFault } from "../../cli/usage-fault.ts";
import { isTerminal } from "../../host/process-calls.ts";
import { becomeProgram } from "../../runtime/oci/become-program.ts";
import {
  type OciState,
  type OciStatus,
  renderState,
  stateOf,
  writeRecord,
} from "../../runtime/oci/container.ts";
import { ask, callOf } from "../../runtime/oci/low-level.ts";
import type { Desk } from "./desk.ts";

/*
 * What is done to a container that exists; each gives the exit status.
 */

const KILL_POLL_MS = 50;

export function start({ tool, container }: Desk): number {
  const { status, record } = stateOf(container, tool);
  if (status !== "created") {
    throw new Fault(
      "failed",
      `cannot start '${container.id}', the state of the container must be created`,
    );
  }
  writeRecord(container, { ...record, startedAt: String(BigInt(Date.now()) * 1_000_000n) });
  succeed(ask(tool, ["start", container.id]), `Cannot start ${container.id}`);
  return 0;
}

export function state({ inv, ctx, tool, container }: Desk): number {
  if (inv.isSet("sync-socket")) {
    throw new Fault(
      "unsupported",
      "Cannot use --sync-socket: reporting states to a socket is not available in this version",
    );
  }
  ctx.print(renderState(container, stateOf(container, tool)));
  return 0;
}

export function exec({ inv, tool, container }: Desk): number {
  const [, ...words] = inv.args;
  const { status } = stateOf(container, tool);
  if (status !== "running") {
    throw new Fault(
      "failed",
      `cannot execute command "${words[0]}", container '${container.id}' is not running`,
    );
  }
  const terminal = isTerminal(0) && isTerminal(1) ? ["--tty"] : [];
  return becomeProgram([...callOf(tool), "exec", ...terminal, container.id, ...words]);
}

export async function kill({ inv, tool, container }: Desk): Promise<number> {
  const { id } = container;
  stateOf(container, tool);
  const signal = inv.bool("force") ? "KILL" : (inv.args[1] ?? inv.string("signal"));
  const name = signal.toUpperCase().replace(/^SIG/, "");
  succeed(ask(tool, ["kill", id, name]), `Cannot send ${signal} to ${id}`);
  const seconds = inv.int("timeout");
  if (seconds <= 0) return 0;
  for (let waited = 0; waited < seconds * 1000; waited += KILL_POLL_MS) {
    if (!isAlive(stateOf(container, tool))) return 0;
    await Bun.sleep(KILL_POLL_MS);
  }
  if (isAlive(stateOf(container, tool))) {
    succeed(ask(tool, ["kill", id, "KILL"]), `Cannot kill ${id}`);
  }
  return 0;
}

function isAlive({ status }: OciState): boolean {
  return status !== "stopped";
}

export function remove({ tool, container }: Desk): number {
  const { id, folder } = container;
  const { status } = stateOf(container, tool);
  if (status !== "created" && status !== "stopped") {
    throw new Fault(
      "failed",
      `cannot delete '${id}', the state of the container must be created or stopped`,
    );
  }
  const force = status === "created" ? ["--force"] : [];
  succeed(ask(tool, ["delete", ...force, id]), `Cannot delete ${id}`);
  rmSync(folder, { recursive: true, force: true });
  return 0;
}

export function change(
  { tool, container }: Desk,
  verb: string,
  from: readonly OciStatus[],
  refusal: string,
): number {
  const { status } = stateOf(container, tool);
  if (!from.includes(status)) throw new Fault("failed", `container ${container.id} ${refusal}`);
  succeed(ask(tool, [verb, container.id]), `Cannot ${verb} ${container.id}`);
  return 0;
}

export function update({ inv, tool, container }: Desk): number {
  const word = inv.string("from-file");
  if (word === "") {
    throw new UsageFault('required flag(s) "from-file" not set', "args", inv.command, inv.path);
  }
  const { status } = stateOf(container, tool);
  if (status !== "running" && status !== "created") {
    throw new Fault(
      "failed",
      `cannot update '${container.id}', the state of the container must be created or running`,
    );
  }
  let text: string;
  try {
    text = readFileSync(word === "-" ? 0 : word, "utf8");
    JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("invalid", `Cannot read the limits in ${word}: ${reason}`, { cause });
  }
  const words = ["update", "--resources", "-", container.id];
  succeed(ask(tool, words, new TextEncoder().encode(text)), `Cannot update ${container.id}`);
  return 0;
}

function succeed(answer: { readonly code: number; readonly reason: string }, what: string): void {
  if (answer.code !== 0) throw new Fault("failed", `${what}: ${answer.reason}`);
}
