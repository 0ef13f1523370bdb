import { Fault } from "../base/fault.ts";
import { cgroupFacts } from "../host/cgroups.ts";
import type { HostFacts } from "../plan/facts.ts";

const MANAGER = [
  "org.freedesktop.systemd1",
  "/org/freedesktop/systemd1",
  "org.freedesktop.systemd1.Manager",
];
const WAIT_MS = 5000;
const STEP_MS = 2;

/**
 * Has systemd put this process into a scope of its own, delegated to the caller, and gives the
 * scope's directory. systemd removes it when the last process in it has ended.
 *
 * @throws Fault with systemd's own words when it refuses.
 */
export async function startScope(
  systemd: { readonly tool: string; readonly bus: "user" | "system" },
  host: HostFacts,
): Promise<string> {
  const name = `skiff-${process.pid}.scope`;
  const properties = [
    ...["Description", "s", "skiff container"],
    ...["PIDs", "au", "1", String(process.pid)],
    ...["Delegate", "b", "true"],
    ...["CollectMode", "s", "inactive-or-failed"],
  ];
  const unit = ["StartTransientUnit", "ssa(sv)a(sa(sv))", name, "fail", "4", ...properties, "0"];
  const { exitCode, stderr } = Bun.spawnSync(
    [systemd.tool, `--${systemd.bus}`, "call", ...MANAGER, ...unit],
    { env: { ...host.env }, stdin: "ignore", stdout: "ignore" },
  );
  if (exitCode !== 0) throw refused(stderr.toString().trim());
  // The manager answers before it has moved the process.
  for (let waited = 0; waited < WAIT_MS; waited += STEP_MS) {
    const own = cgroupFacts(host).trees.find((tree) => tree.version === 2)?.own;
    if (own?.endsWith(`/${name}`)) return own;
    await Bun.sleep(STEP_MS);
  }
  throw refused(`it did not make ${name} within ${WAIT_MS / 1000} seconds`);
}

/**
 * Has systemd move this process into the groups that it made for an instance: from a login session
 * nobody else may. What it refuses is left to be found out when the group is entered.
 */
export function attachToScopes(groups: readonly string[], host: HostFacts): void {
  const { systemd } = cgroupFacts(host);
  if (systemd === undefined) return;
  for (const group of groups) {
    const [, unit, below] = /\/(skiff-[0-9]+\.scope)(\/skiff-[0-9]+)$/.exec(group) ?? [];
    if (unit === undefined || below === undefined) continue;
    const call = ["AttachProcessesToUnit", "ssau", unit, below, "1", String(process.pid)];
    Bun.spawnSync([systemd.tool, `--${systemd.bus}`, "call", ...MANAGER, ...call], {
      env: { ...host.env },
      stdio: ["ignore", "ignore", "ignore"],
    });
  }
}

function refused(why: string): Fault {
  return new Fault(
    "denied",
    `Cannot limit the container: cannot use cgroups - systemd gives no scope: ${why}`,
    { hint: 'see "systemctl status", or leave the limits out' },
  );
}
