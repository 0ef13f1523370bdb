import { Fault } from "../../base/fault.ts";
import { dirName } from "../../base/path.ts";
import { bindHost } from "./host-bind.ts";
import { isUnwanted, type MountInput } from "./mount-input.ts";
import { BIND_FLAGS, type MountList } from "./mount-list.ts";

/** An empty directory that lives in the session's memory. */
function addSessionDir(
  list: MountList,
  target: string,
  mode: number,
  what: string,
  why: string,
): void {
  const place = list.place(target, { kind: "dir", what, optional: "session" });
  if (place === undefined) return;
  list.add(
    { kind: "session-dir", target: place.target, mode, flags: BIND_FLAGS, why },
    undefined,
    target,
  );
}

/** The home directory (reference: runtime.md 4.3). */
export function addHome(list: MountList, input: MountInput): void {
  const { request, config, host, home } = input;
  if (request.noHome || isUnwanted(request, "home")) return;
  if (!config.values.mountHome && !home.custom) return;
  if (home.target === "/" || (home.source === "/" && !home.custom)) {
    list.notices.push({ level: "warning", text: "Not mounting the home directory: it is /" });
    return;
  }
  if (input.binds.some((b) => b.target === home.target)) return;
  if (!home.target.startsWith("/")) {
    throw new Fault(
      "usage",
      `Cannot use "${home.target}" as home: the destination must be an absolute path`,
      {
        exitCode: 255,
        hint: "write --home SRC:/absolute/path",
      },
    );
  }
  if (!list.canStub && !stageHomeParent(list, input)) return;
  if (request.contain && !home.custom) {
    if (request.workdir === undefined) {
      addSessionDir(
        list,
        home.target,
        0o755,
        "the home",
        `empty home: ${request.origins["contain"] ?? "--contain"}`,
      );
      return;
    }
    bindHost(list, host, {
      source: `${request.workdir}/home`,
      target: home.target,
      make: { mode: 0o700, below: request.workdir },
      why: `home below ${request.origins["workdir"] ?? "--workdir"}`,
    });
    return;
  }
  const source = home.source ?? "/";
  const real = host.realPath(source);
  if (real === undefined) {
    const what = home.custom ? home.why : "the home of the account";
    if (home.custom) {
      list.notices.push({
        level: "warning",
        text: `The home ${source} (${home.why}) does not exist on this host, using an empty one`,
      });
    }
    addSessionDir(list, home.target, 0o755, "the home", `${what} does not exist on this host`);
    return;
  }
  if (home.custom && host.files.lstat(real)?.kind !== "dir") {
    throw new Fault(
      "usage",
      `Cannot use "${source}" as home: could not mount ${source}: not a directory`,
      { exitCode: 255, hint: "give --home a directory" },
    );
  }
  bindHost(list, host, {
    source,
    target: home.target,
    why: home.why,
    ...(home.custom ? {} : { optional: "home" }),
  });
}

/**
 * Without a layer a missing home can still be shown: an empty directory over the nearest parent
 * that the image has, so that of the host's homes only the caller's appears.
 */
function stageHomeParent(list: MountList, input: MountInput): boolean {
  const ground = list.table.resolve(input.home.target);
  if (ground.entry !== undefined || ground.missing === undefined) return true;
  const parent = dirName(ground.missing);
  if (parent === "/") {
    list.notices.push({
      level: "warning",
      text: `Skipping mount ${input.home.source ?? ""} [home]: ${input.home.target} doesn't exist in container`,
    });
    return false;
  }
  addSessionDir(
    list,
    parent,
    0o755,
    "the home's parent",
    "holds the home, which the writable image lacks",
  );
  return true;
}

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
    if (request.workdir === undefined) {
      if (!list.canStub) list.place(target, { kind: "dir", what: target });
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
