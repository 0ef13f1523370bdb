import { Fault } from "../../base/fault.ts";
import { dirName, isWithin } from "../../base/path.ts";
import type { BindSpec } from "../bind-spec.ts";
import { bindHost } from "./host-bind.ts";
import { isUnwanted, type MountInput } from "./mount-input.ts";
import { BIND_FLAGS, type MountList } from "./mount-list.ts";
import { addTmp } from "./scratch.ts";
import { addSessionDir } from "./session-dir.ts";

function hasHome({ request, config, home }: MountInput): boolean {
  if (request.noHome || isUnwanted(request, "home")) return false;
  return config.values.mountHome || home.custom;
}

/** The home directory (reference: runtime.md 4.3). */
function addHome(list: MountList, input: MountInput): void {
  const { request, host, home } = input;
  if (!hasHome(input)) return;
  if (home.target === "/" || (home.source === "/" && !home.custom)) {
    list.notices.push({ level: "warning", text: "Not mounting the home directory: it is /" });
    return;
  }
  if (input.binds.some((b) => b.target === home.target) || coverOf(input) !== undefined) return;
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
  if (!list.canMakeMountPoint && !stageHomeParent(list, input)) return;
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
  const { source, target, custom } = input.home;
  if (parent === "/" && custom) {
    throw new Fault(
      "invalid",
      `container creation failed: mount ${source}->${target} error: destination ${target} doesn't exist in container`,
      {
        hint: "create it in the image, choose another destination for --home, or leave --writable out",
      },
    );
  }
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

/** The bind of a directory in which the home lies: `--bind data:/home` gives the home, too. */
function coverOf({ binds, home }: MountInput): BindSpec | undefined {
  return binds.find(
    (bind) =>
      bind.target !== home.target &&
      isWithin(bind.target, home.target) &&
      bind.imageSrc === undefined &&
      bind.id === undefined,
  );
}

/**
 * The home in a directory that the user bound over its place: made there when it is missing. A mount
 * of its own, also where it is there, so that a working directory does not cover it.
 */
export function addCoveredHome(list: MountList, input: MountInput): void {
  const { home, host } = input;
  const cover = hasHome(input) ? coverOf(input) : undefined;
  if (cover === undefined) return;
  const below = host.realPath(cover.source);
  if (below === undefined) return;
  bindHost(list, host, {
    source: `${below}${home.target.slice(cover.target === "/" ? 0 : cover.target.length)}`,
    target: home.target,
    flags: cover.readOnly ? ["ro", ...BIND_FLAGS] : BIND_FLAGS,
    make: { mode: 0o755, below },
    why: `home below ${cover.source}: ${cover.origin}`,
    optional: "home",
  });
}

/** Home and temporary directories, that one first in which the other lies. */
export function addHomeAndTmp(list: MountList, input: MountInput): void {
  const { source, target } = input.home;
  const isTmp = source === target && (target === "/tmp" || target === "/var/tmp");
  const isInTmp = target.startsWith("/tmp/") || target.startsWith("/var/tmp/");
  if (!isTmp && !isInTmp) addHome(list, input);
  addTmp(list, input);
  // `--home /tmp` means the one of the container: with --contain it is empty, or below --workdir.
  if (isInTmp || (isTmp && !list.has(target))) addHome(list, input);
}
