import { Fault } from "../../base/fault.ts";
import { bindHost } from "./host-bind.ts";
import { isUnwanted, type MountInput } from "./mount-input.ts";
import type { MountList } from "./mount-list.ts";
import { addSessionDir } from "./session-dir.ts";

/** /tmp and /var/tmp. */
export function addTmp(list: MountList, input: MountInput): void {
  const { request, config, host, binds } = input;
  if (!config.values.mountTmp || isUnwanted(request, "tmp")) return;
  const targets = [
    { target: "/tmp", below: "tmp" },
    { target: "/var/tmp", below: "var_tmp" },
  ];
  for (const { target, below } of targets) {
    if (isUnwanted(request, target) || binds.some((b) => b.target === target)) continue;
    if (list.has(target)) continue;
    if (!request.contain) {
      bindHost(list, host, { source: target, target, why: "mount tmp = yes", optional: "tmp" });
    } else if (request.workdir === undefined) {
      addSessionDir(
        list,
        target,
        0o1777,
        target,
        `empty: ${request.origins["contain"] ?? "--contain"}`,
      );
    } else {
      bindHost(list, host, {
        source: `${request.workdir}/${below}`,
        target,
        make: { mode: 0o1777, below: request.workdir },
        why: `below ${request.origins["workdir"] ?? "--workdir"}`,
      });
    }
  }
}

/** `--scratch`: empty writable directories. */
export function addScratch(list: MountList, input: MountInput): void {
  const { request, host } = input;
  const why = request.origins["scratch"] ?? "--scratch";
  for (const target of request.scratch) {
    if (!target.startsWith("/")) {
      throw new Fault(
        "usage",
        `Cannot make the scratch directory "${target}": it must be an absolute path`,
        {
          exitCode: 255,
        },
      );
    }
    if (list.table.resolve(target).path === "/") {
      const text = `Skipping the scratch directory ${target}: the image is there`;
      list.notices.push({ level: "warning", text });
    } else if (request.workdir === undefined) {
      if (!list.canMakeMountPoint) list.place(target, { kind: "dir", what: target });
      addSessionDir(list, target, 0o755, target, why);
    } else {
      bindHost(list, host, {
        source: `${request.workdir}/scratch${target}`,
        target,
        make: { mode: 0o750, below: request.workdir },
        why,
      });
    }
  }
}
