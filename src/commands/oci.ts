import { existsSync, readFileSync, rmSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import type { Invocation } from "../cli/invocation.ts";
import { UsageFault } from "../cli/usage-fault.ts";
import { hostFacts } from "../host/facts.ts";
import { isTerminal } from "../host/process-calls.ts";
import type { HostFacts } from "../plan/facts.ts";
import { readConfig } from "../runtime/gather.ts";
import { attach } from "../runtime/oci/attach.ts";
import { becomeProgram } from "../runtime/oci/become-program.ts";
import { mountBundle, unmountBundle } from "../runtime/oci/bundle.ts";
import { createUnderMonitor } from "../runtime/oci/conmon.ts";
import {
  claim,
  containerOf,
  type OciContainer,
  type OciState,
  type OciStatus,
  renderState,
  stateOf,
  writeRecord,
} from "../runtime/oci/container.ts";
import { ask, callOf, findLowLevel, type LowLevel } from "../runtime/oci/low-level.ts";
import { ociPlaces } from "../runtime/oci/places.ts";
import type { Context } from "../terminal/context.ts";

const KILL_POLL_MS = 50;

/** What every operation on a container has at hand. */
interface Desk {
  readonly inv: Invocation;
  readonly ctx: Context;
  readonly host: HostFacts;
  readonly tool: LowLevel;
  readonly container: OciContainer;
}

type Operation = (desk: Desk) => number | Promise<number>;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  create,
  run: runBundle,
  start,
  state,
  exec,
  kill,
  delete: remove,
  pause: (desk) => change(desk, "pause", ["running"], "is not running"),
  resume: (desk) => change(desk, "resume", ["paused"], "is not paused"),
  update,
  attach: async ({ container, tool }) => {
    stateOf(container, tool);
    await attach(container);
    return exitCodeOf(container, tool);
  },
};

/** `oci create|run|start|state|exec|kill|delete|pause|resume|update|attach|mount|umount`: containers of OCI bundles, by crun or runc. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const verb = inv.path[1] ?? "";
  const config = readConfig(inv);
  const host = hostFacts({ binaryPath: config.values.binaryPath, env: ctx.env });
  const [first = "", second = ""] = inv.args;
  const cwd = host.cwd ?? "/";
  if (verb === "mount") {
    mountBundle(resolvePath(cwd, first), resolvePath(cwd, second), host);
    return 0;
  }
  if (verb === "umount") {
    unmountBundle(resolvePath(cwd, first), host);
    return 0;
  }
  const places = ociPlaces(host);
  const tool = findLowLevel(host, places.runtime);
  const operation = OPERATIONS[verb];
  if (operation === undefined) throw new Fault("usage", `unknown command "oci ${verb}"`);
  return await operation({ inv, ctx, host, tool, container: containerOf(first, places) });
}

interface Bundle {
  readonly path: string;
  readonly terminal: boolean;
}

function bundleOf({ inv, host }: Desk): Bundle {
  const word = inv.string("bundle");
  if (word === "") {
    throw new UsageFault('required flag(s) "bundle" not set', "args", inv.command, inv.path);
  }
  const path = resolvePath(host.cwd ?? "/", word);
  const config = `${path}/config.json`;
  let text: string;
  try {
    text = readFileSync(config, "utf8");
  } catch (cause) {
    throw new Fault("not-found", `Cannot use the bundle ${word}: there is no readable ${config}`, {
      cause,
      hint: 'make one with "oci mount IMAGE BUNDLE"',
    });
  }
  try {
    const spec = JSON.parse(text) as { process?: { terminal?: boolean } } | null;
    return { path, terminal: spec?.process?.terminal === true };
  } catch (cause) {
    throw new Fault("invalid", `Cannot use the bundle ${word}: ${config} is not JSON`, { cause });
  }
}

function refuseUnused({ inv }: Desk): void {
  for (const [flag, what] of [
    ["sync-socket", "reporting states to a socket"],
    ["empty-process", "a container without its process"],
  ] as const) {
    if (!inv.isSet(flag)) continue;
    throw new Fault(
      "unsupported",
      `Cannot use --${flag}: ${what} is not available in this version`,
    );
  }
  const format = inv.string("log-format");
  if (inv.string("log-path") === "" || format === "kubernetes") return;
  throw new Fault("unsupported", `Cannot use --log-format ${format}: conmon writes kubernetes`);
}

async function create(desk: Desk): Promise<number> {
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

/** In place of this process: its streams, signals and exit status are the container's. With a log: under a monitor. */
async function runBundle(desk: Desk): Promise<number> {
  const { inv, tool, container } = desk;
  const { path } = bundleOf(desk);
  refuseUnused(desk);
  if (inv.string("log-path") !== "") {
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

function start({ tool, container }: Desk): number {
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

function state({ inv, ctx, tool, container }: Desk): number {
  if (inv.isSet("sync-socket")) {
    throw new Fault(
      "unsupported",
      "Cannot use --sync-socket: reporting states to a socket is not available in this version",
    );
  }
  ctx.print(renderState(container, stateOf(container, tool)));
  return 0;
}

function exec({ inv, tool, container }: Desk): number {
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

async function kill({ inv, tool, container }: Desk): Promise<number> {
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

function remove({ tool, container }: Desk): number {
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

function change(
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

function update({ inv, tool, container }: Desk): number {
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

/** The exit status that the monitor wrote down; it comes a moment after the end of the output. */
async function exitCodeOf(container: OciContainer, tool: LowLevel): Promise<number> {
  const MOST_TRIES = 40;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { exitCode } = stateOf(container, tool);
    if (exitCode !== undefined) return exitCode;
    if (!existsSync(container.folder)) break;
    await Bun.sleep(KILL_POLL_MS);
  }
  return 0;
}
