import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { Fault } from "../../base/fault.ts";
import type { CniAttachment, CniTask } from "../../plan/network/cni-network.ts";

/*
 * Networks by CNI plugins (CNI specification 1.0): each plugin is a program that gets its
 * configuration on standard input and its task in the environment.
 *
 *   ADD   eth0: plugin 1 ─ result ─► plugin 2 ─ result ─► … then eth1: …
 *   DEL   the same in reverse, each with the last result of its network
 *
 * What DEL needs is kept in a file of its own below /run; one that a killed helper left is found by
 * the next ADD, which then does that DEL.
 */

const STATE = "/run/skiff/network";

/** What is kept between ADD and DEL. */
interface State {
  readonly id: string;
  /** Process of the launch, and when it started (clock ticks after boot): together they name it for ever. */
  readonly pid: number;
  readonly startTicks: string;
  /** The same of the helper that will do the DEL. */
  readonly helper: { readonly pid: number; readonly startTicks: string };
  /** Device and inode of the network namespace. */
  readonly namespace: string;
  readonly task: CniTask;
  readonly done: Done[];
}

/** One network that is connected, at least in part. */
interface Done {
  readonly attachment: CniAttachment;
  readonly result: unknown;
}

/**
 * Connects the networks to the namespace of a process. When one fails, what was done is undone.
 *
 * @throws Fault with the plugin's own message.
 */
export function addNetworks(task: CniTask, pid: number, namespace: string): void {
  sweep();
  const startTicks = startTicksOf(pid);
  const id = `skiff-${pid}-${startTicks}`;
  const helper = { pid: process.ppid, startTicks: startTicksOf(process.ppid) };
  const state: State = {
    ...{ id, pid, startTicks, helper, task, done: [] },
    namespace: namespaceId(namespace),
  };
  keep(state);
  try {
    for (const attachment of task.attachments) {
      const done = { attachment, result: undefined as unknown };
      state.done.push(done);
      for (const plugin of attachment.plugins) {
        const input = inputOf(attachment, plugin, done.result);
        done.result = call("ADD", String(plugin["type"]), input, attachment, state, namespace);
      }
    }
    keep(state);
  } catch (error) {
    removeNetworks(state, namespace);
    throw error;
  }
}

/** Disconnects what `addNetworks` connected for a process; failures are passed over: the rest is still undone. */
export function deleteNetworks(pid: number, namespace: string): void {
  for (const state of states()) if (state.pid === pid) removeNetworks(state, namespace);
}

/** IP addresses of the container that a process is in, as its plugins gave them; for root. */
export function addressesOf(pid: number): readonly string[] {
  const namespace = namespaceId(`/proc/${pid}/ns/net`);
  const results = states()
    .filter((state) => namespace !== "" && state.namespace === namespace)
    .flatMap(({ done }) => done);
  return results.flatMap(({ result }) => {
    const ips = isRecord(result) && Array.isArray(result["ips"]) ? result["ips"] : [];
    return ips.map((ip: { address?: string }) => (ip.address ?? "").split("/")[0] ?? "");
  });
}

function removeNetworks(state: State, namespace: string): void {
  for (const { attachment, result } of state.done.toReversed()) {
    for (const plugin of attachment.plugins.toReversed()) {
      const input = inputOf(attachment, plugin, result);
      try {
        call("DEL", String(plugin["type"]), input, attachment, state, namespace);
      } catch (error) {
        console.error(error instanceof Error ? error.message : error);
      }
    }
  }
  rmSync(`${STATE}/${state.id}.json`, { force: true });
}

function inputOf(
  attachment: CniAttachment,
  plugin: Readonly<Record<string, unknown>>,
  result: unknown,
): string {
  const { capabilities: offered, ...configuration } = plugin;
  const runtimeConfig = Object.fromEntries(
    Object.entries(attachment.capabilities).filter(
      ([name]) => isRecord(offered) && offered[name] === true,
    ),
  );
  return JSON.stringify({
    ...configuration,
    name: attachment.name,
    cniVersion: attachment.cniVersion,
    ...(Object.keys(runtimeConfig).length === 0 ? {} : { runtimeConfig }),
    ...(result === undefined ? {} : { prevResult: result }),
  });
}

function call(
  command: "ADD" | "DEL",
  type: string,
  input: string,
  attachment: CniAttachment,
  { id, task }: State,
  namespace: string,
): unknown {
  const { exitCode, stdout, stderr } = Bun.spawnSync([pluginFile(type, task)], {
    stdin: Buffer.from(input),
    env: {
      PATH: process.env["PATH"] ?? "",
      CNI_COMMAND: command,
      CNI_CONTAINERID: id,
      CNI_NETNS: namespace,
      CNI_IFNAME: attachment.interface,
      CNI_ARGS: attachment.args,
      CNI_PATH: task.pluginPath.join(":"),
    },
  });
  const text = stdout.toString();
  if (exitCode === 0) return text.trim() === "" ? undefined : JSON.parse(text);
  throw new Fault("failed", `the plugin ${type} says: ${messageOf(text, stderr.toString())}`);
}

function pluginFile(type: string, task: CniTask): string {
  const found = task.pluginPath.map((dir) => `${dir}/${type}`).find((path) => Bun.which(path));
  if (found === undefined) throw new Fault("missing-tool", `the plugin ${type} is gone`);
  return found;
}

/** The error object of a plugin: code, msg, details. */
function messageOf(stdout: string, stderr: string): string {
  try {
    const { msg = "", details = "" } = JSON.parse(stdout);
    return [msg, details].filter((part) => part !== "").join(": ");
  } catch {
    return `${stdout}${stderr}`.trim();
  }
}

function keep(state: State): void {
  mkdirSync(STATE, { recursive: true, mode: 0o700 });
  const path = `${STATE}/${state.id}.json`;
  writeFileSync(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function states(): State[] {
  return namesIn(STATE).flatMap((name): State[] => {
    if (!name.endsWith(".json")) return [];
    try {
      return [JSON.parse(readFileSync(`${STATE}/${name}`, "utf8"))];
    } catch {
      // Another helper has just removed it.
      return [];
    }
  });
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** Undoes what launches left whose helper was killed too: addresses and rules would stay for ever. */
function sweep(): void {
  for (const state of states()) {
    const isAlive = [state, state.helper].some((one) => startTicksOf(one.pid) === one.startTicks);
    if (!isAlive) removeNetworks(state, "");
  }
}

/** Field 22 of /proc/PID/stat; "" when there is no such process, or only its entry is left. */
function startTicksOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? "" : (fields[18] ?? "");
  } catch {
    return "";
  }
}

function namespaceId(path: string): string {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return "";
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
