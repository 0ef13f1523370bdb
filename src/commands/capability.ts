import { Fault } from "../base/fault.ts";
import type { Invocation } from "../cli/invocation.ts";
import { CAPABILITIES, hasBit, parseCapabilities } from "../plan/capabilities.ts";
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
 * `capability avail [NAME,…]` describes capabilities. The other sub-commands keep a table of what
 * users are granted by a setuid program; here nobody needs a grant, and they say so.
 */
export function run(inv: Invocation, ctx: Context): number {
  const verb = inv.path[1];
  if (verb === "avail") return describe(inv.args[0], ctx);
  if (verb === "list") {
    throw new Fault(
      "not-found",
      "Unable to list capabilities: no capability set for users or groups",
    );
  }
  throw new Fault(
    "unsupported",
    `Cannot ${verb} capabilities: nothing is granted by a table here`,
    {
      hint: "in a user namespace --add-caps gives them to every user",
    },
  );
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
