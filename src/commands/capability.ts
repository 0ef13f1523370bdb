import { Fault } from "../base/fault.ts";
import type { Invocation } from "../cli/invocation.ts";
import { type Grants, ownedBy, parseGrants, renderGrants, withOwned } from "../config/grants.ts";
import { replaceFile } from "../config/replace-file.ts";
import { hostFacts } from "../host/facts.ts";
import { getuid } from "../host/process-calls.ts";
import { readHostText } from "../host/read-text.ts";
import { CAPABILITIES, hasBit, parseCapabilities } from "../plan/capabilities.ts";
import { grantsFile } from "../runtime/installed.ts";
import { readConfig } from "../runtime/read-config.ts";
import type { Context } from "../terminal/context.ts";

/** What each capability allows, in one line, by bit number as in `CAPABILITIES` (capabilities(7)). */
const MEANINGS: readonly string[] = [
  "Change owner and group of any file.",
  "Pass over permission bits when reading, writing and executing.",
  "Pass over permission bits when reading files and searching directories.",
  "Act as the owner of any file.",
  "Keep set-id bits when a file is changed, and set them for other groups.",
  "Send signals to any process.",
  "Take any group id, and set the list of groups.",
  "Take any user id.",
  "Change the bounding and inheritable capability sets.",
  "Set the immutable and append-only attributes of files.",
  "Bind to ports below 1024.",
  "Send broadcasts and listen to multicasts.",
  "Configure interfaces, routes and filters of a network namespace.",
  "Open raw and packet sockets.",
  "Lock memory.",
  "Pass over permissions of System V IPC objects.",
  "Load and unload kernel modules.",
  "Use I/O ports and raw devices.",
  "Change the root directory, and enter mount namespaces.",
  "Trace and read the memory of any process.",
  "Switch process accounting.",
  "Administer the system: mount, namespaces, quotas, host name and much more.",
  "Reboot and load another kernel.",
  "Raise priorities and set scheduling and affinity of any process.",
  "Pass over resource limits, quotas and reserved space.",
  "Set the clock.",
  "Configure terminals and hang them up.",
  "Make device nodes.",
  "Take leases on any file.",
  "Write to the audit log.",
  "Configure auditing.",
  "Set capabilities of files.",
  "Pass over mandatory access control.",
  "Configure mandatory access control.",
  "Read the kernel's log and addresses.",
  "Wake the system up from sleep.",
  "Keep the system from sleeping.",
  "Read the audit log.",
  "Watch performance counters.",
  "Load BPF programs of the privileged kinds.",
  "Save and restore processes.",
];

/**
 * `capability add|drop|list` keep the table of grants, which decides for root's containers with
 * "root default capabilities = file"; `avail [NAME,…]` describes capabilities.
 */
export function run(inv: Invocation, ctx: Context): number {
  const [, verb] = inv.path;
  if (verb === "avail") return describe(inv.args[0], ctx);
  if (verb === "list") return list(inv, ctx);
  return change(inv, ctx, verb === "add" ? "add" : "drop");
}

function tableFile(inv: Invocation): string {
  return grantsFile(readConfig(inv).file);
}

function readTable(file: string): Grants {
  return parseGrants(readHostText(file), file);
}

function list(inv: Invocation, ctx: Context): number {
  const grants = readTable(tableFile(inv));
  const [wanted] = inv.args;
  const lines = (["users", "groups"] as const).flatMap((part) =>
    Object.entries(grants[part])
      .filter(([owner, names]) => names.length > 0 && (wanted ?? owner) === owner)
      .map(([owner, names]) => `${owner} [${part.slice(0, -1)}]: ${names.join(",")}\n`),
  );
  if (lines.length === 0) {
    throw new Fault(
      "not-found",
      `Unable to list capabilities: no capability set for ${
        wanted === undefined ? "users or groups" : `user/group ${wanted}`
      }`,
    );
  }
  for (const line of lines) ctx.print(line);
  return 0;
}

function change(inv: Invocation, ctx: Context, verb: "add" | "drop"): number {
  const failed = `Unable to ${verb} capabilities`;
  if (getuid() !== 0) {
    throw new Fault(
      "denied",
      `${failed}: while managing capability file: only root user can manage capabilities`,
      { hint: "in a user namespace --add-caps needs no grant" },
    );
  }
  const { mask, unknown } = parseCapabilities(inv.args[0] ?? "");
  if (unknown.length > 0) {
    ctx.log.warning(`Ignoring unknown capabilities: [${unknown.join(" ").toUpperCase()}]`);
  }
  const asked = CAPABILITIES.filter((_, bit) => hasBit(mask, bit));
  const owners = (
    [
      ["users", "user", inv.string("user")],
      ["groups", "group", inv.string("group")],
    ] as const
  ).filter(([, , owner]) => owner !== "");
  if (owners.length === 0)
    throw new Fault("usage", `${failed}: no user or group specified`, NAME_ONE);
  const file = tableFile(inv);
  let grants = readTable(file);
  for (const [part, kind, owner] of owners) {
    const has = ownedBy(grants[part], owner);
    const where = `${failed}: while setting capabilities for ${kind} ${owner}`;
    if (!isKnown(kind, owner)) throw new Fault("not-found", `${where}: ${kind} does not exist`);
    if (verb === "drop" && has.length === 0) {
      throw new Fault(
        "not-found",
        `${where}: ${kind} '${owner}' doesn't have any capability assigned`,
      );
    }
    for (const name of asked) {
      if (has.includes(name) === (verb === "drop")) continue;
      ctx.log.warning(
        verb === "add"
          ? `Won't add capability '${name}', already assigned to ${kind} ${owner}`
          : `Won't drop capability '${name}', not assigned to ${kind} ${owner}`,
      );
    }
    const left = has.filter((name) => !asked.includes(name));
    const names = verb === "drop" ? left : [...has, ...asked.filter((name) => !has.includes(name))];
    grants = withOwned(grants, part, owner, names);
  }
  replaceFile(file, renderGrants(grants));
  return 0;
}

const NAME_ONE = { exitCode: 255, hint: "say --user NAME or --group NAME" };

function isKnown(kind: "user" | "group", owner: string): boolean {
  if (kind === "user")
    return hostFacts({ binaryPath: "", env: {} }).accountByName(owner) !== undefined;
  return readHostText("/etc/group")
    .split("\n")
    .some((line) => line.startsWith(`${owner}:`));
}

function describe(names: string | undefined, ctx: Context): number {
  const { mask, unknown } = parseCapabilities(names ?? "all");
  if (unknown.length > 0) {
    const text = unknown.map((name) => name.toUpperCase()).join(",");
    throw new Fault(
      "not-found",
      `Unable to list available capabilities: unknown capabilities found in: ${text}`,
    );
  }
  for (const [bit, name] of CAPABILITIES.entries()) {
    if (hasBit(mask, bit)) ctx.print(`${name}:\n\t${MEANINGS[bit] ?? ""}\n\n`);
  }
  return 0;
}
