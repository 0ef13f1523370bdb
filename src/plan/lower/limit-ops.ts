import type { WiredOp } from "../../ops/op.ts";
import type { LimitsPlan } from "../plan.ts";
import { escapePercent } from "./fault-texts.ts";
import { HOST } from "./layout.ts";

const ENOENT = 2;

/**
 * Ops that make the container's control groups, set them, and, at the end of the set-up, put the
 * process into them: what serves the image stays outside.
 */
export function limitOps(
  limits: LimitsPlan,
  options: { readonly pid: number; readonly scope?: string },
): { readonly make: readonly WiredOp[]; readonly join: readonly WiredOp[] } {
  const { place } = limits;
  const isScope = place.kind === "systemd";
  const groups = isScope
    ? [{ parent: options.scope ?? "", controllers: [], enable: place.enable }]
    : place.groups;
  const moveFirst = isScope || place.moveFirst;
  const name = `skiff-${options.pid}`;
  const dirs = groups.map(({ parent }) => `${parent}/${name}`);
  const make: WiredOp[] = [
    {
      // A watcher would be in the very group that has to be empty; what systemd made, it removes.
      op: { kind: "cgroup", dirs, watch: moveFirst ? 0 : 1 },
      faults: limitFault(`cannot make the control group ${dirs.join(" ")}`),
    },
  ];
  const move = (root: string): WiredOp[] =>
    dirs.map((dir) => write(root, `${dir}/cgroup.procs`, "0", `cannot enter ${dir}`));
  if (moveFirst) make.push(...move(""));
  for (const { parent, enable } of groups) {
    if (enable.length === 0) continue;
    const words = enable.map((one) => `+${one}`).join(" ");
    make.push(
      write(
        "",
        `${parent}/cgroup.subtree_control`,
        words,
        `cannot use the controllers ${enable.join(", ")} in ${parent}`,
      ),
    );
  }
  for (const { controller, file, value, what } of limits.settings) {
    const at = groups.findIndex((group) => group.controllers.includes(controller));
    const dir = dirs[Math.max(0, at)] ?? "";
    make.push(write("", `${dir}/${file}`, value, `cannot limit ${what} (${file} = ${value})`));
  }
  return { make, join: moveFirst ? [] : move(HOST) };
}

function write(root: string, path: string, value: string, what: string): WiredOp {
  return { op: { kind: "write", root, path, value, warning: "" }, faults: limitFault(what) };
}

function limitFault(what: string): WiredOp["faults"] {
  const head = `Cannot limit the container: ${escapePercent(what)}`;
  return [
    { errno: ENOENT, text: `${head}: the kernel has no such file; leave the limit out` },
    { errno: 0, text: `${head}: %e` },
  ];
}
