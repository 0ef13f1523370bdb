import { Fault } from "../base/fault.ts";
import { asksForOci } from "../cli/asks-for-oci.ts";
import type { Invocation } from "../cli/invocation.ts";
import type { Action, Given, LaunchRequest } from "../plan/request.ts";

/** Flags of the table that a plain launch does not act on yet: asking for them is refused, never ignored. */
const NOT_HERE: Readonly<Record<string, string>> = {
  "intel-hpu": "finding Intel HPU devices",
  data: "binding a data container",
};

/** Flags that limit resources. */
const LIMITS: readonly string[] = [
  "apply-cgroups",
  "blkio-weight",
  "blkio-weight-device",
  "cpu-shares",
  "cpus",
  "cpuset-cpus",
  "cpuset-mems",
  "memory",
  "memory-reservation",
  "memory-swap",
  "oom-kill-disable",
  "pids-limit",
];

/**
 * The launch that a command line asks for. `image` and the words after it are taken from the
 * positional words; of a launch `into` a running container most flags have no effect. `--compat` is spelled out (reference: cli.md section 2).
 *
 * @throws Fault for a value that no launch can use.
 */
export function requestOf(
  inv: Invocation,
  action: Action,
  calledAs: LaunchRequest["calledAs"],
  args: readonly string[],
  into: "new" | "running" = "new",
): LaunchRequest {
  const origins: Record<string, string> = {};
  for (const flag of inv.setNames()) {
    const what = NOT_HERE[flag];
    if (into === "new" && what !== undefined && !isOff(inv, flag)) {
      throw new Fault(
        "unsupported",
        `Cannot use --${flag}: ${what} is not available in this version`,
        { hint: `leave --${flag} out` },
      );
    }
    origins[flag] = originOf(flag, inv.source(flag));
  }
  const limits: Record<string, readonly string[]> = {};
  for (const flag of inv.setNames()) {
    if (LIMITS.includes(flag) && !isOff(inv, flag)) limits[flag] = inv.strings(flag);
  }
  // OCI runtimes isolate more than the native mode does, unless asked not to.
  const oci = asksForOci(inv);
  const compat = inv.bool("compat") || (oci && !inv.bool("no-compat"));
  const containAll = inv.bool("containall") || compat;
  const contain = inv.bool("contain") || containAll;
  if (inv.isSet("containall") && !inv.isSet("contain"))
    origins["contain"] = originOf("containall", inv.source("containall"));
  if (compat) {
    origins["contain"] = originOf("compat", inv.source("compat"));
    origins["containall"] = origins["contain"];
  }
  // Not every command that launches has every flag.
  const bool = (name: string): boolean => inv.has(name) && inv.bool(name);
  const optional = (name: string): string | undefined => {
    const value = inv.string(name);
    return value === "" ? undefined : value;
  };
  const given = (name: string): Given[] =>
    inv
      .settings(name)
      .map(({ value, source }) => ({ text: value, origin: originOf(name, source) }));
  return {
    action,
    calledAs,
    args,
    binds: given("bind"),
    mounts: given("mount"),
    home: optional("home"),
    noHome: inv.bool("no-home"),
    noMount: inv.strings("no-mount"),
    overlays: inv.strings("overlay"),
    writable: inv.bool("writable"),
    // The image's own overlay takes the writes where it is asked to.
    writableTmpfs: inv.bool("writable-tmpfs") || (compat && !(oci && inv.bool("writable"))),
    scratch: inv.strings("scratch"),
    workdir: optional("workdir"),
    contain,
    containAll,
    cleanEnv: inv.bool("cleanenv"),
    noEval: inv.bool("no-eval") || compat,
    noUmask: inv.bool("no-umask") || compat,
    noInit: inv.bool("no-init") || compat,
    // "A=1, B=2": a list is written with blanks as often as without.
    env: [...inv.map("env")].map(([name, value]) => `${name.trim()}=${value}`),
    onlyEnv: inv.bool("only-env"),
    noEnv: inv.strings("no-env"),
    cwd: inv.has("cwd") ? optional("cwd") : undefined,
    hostname: optional("hostname"),
    dns: optional("dns"),
    net: inv.bool("net"),
    network: optional("network"),
    networkArgs: inv.strings("network-args"),
    netnsPath: optional("netns-path"),
    pid: bool("pid"),
    noPid: bool("no-pid"),
    ipc: inv.bool("ipc"),
    uts: inv.bool("uts"),
    userns: inv.bool("userns"),
    fakeroot: inv.bool("fakeroot"),
    ignoreSubuid: inv.bool("ignore-subuid"),
    ignoreFakerootCommand: inv.bool("ignore-fakeroot-command"),
    ignoreUserns: inv.bool("ignore-userns"),
    security: inv.strings("security"),
    addCaps: optional("add-caps"),
    dropCaps: optional("drop-caps"),
    keepPrivs: inv.bool("keep-privs"),
    noPrivs: inv.bool("no-privs"),
    allowSetuid: inv.bool("allow-setuid"),
    oci,
    underlay: inv.bool("underlay"),
    unsquash: inv.bool("unsquash"),
    app: optional("app"),
    shell: action === "shell" ? optional("shell") : undefined,
    runscriptTimeoutMs: parseDuration(inv.string("runscript-timeout")),
    fusemounts: inv.strings("fusemount"),
    containLibs: inv.strings("containlibs"),
    limits,
    sharens: bool("sharens"),
    shareRanks:
      inv.has("share-ranks") && inv.isSet("share-ranks") ? inv.bool("share-ranks") : undefined,
    instance: undefined,
    boot: bool("boot"),
    origins,
  };
}

function isOff(inv: Invocation, flag: string): boolean {
  const values = inv.settings(flag).map((s) => s.value);
  return values.every((value) => value === "" || value === "false");
}

function originOf(name: string, source: string): string {
  return source === "command line" ? `--${name} on the command line` : source;
}

const UNITS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  ns: 0.000001,
};

/** A duration as `1m`, `90s`, `1h30m`, in milliseconds; empty: one minute. */
export function parseDuration(text: string): number {
  if (text === "") return 60_000;
  let total = 0;
  let rest = text;
  while (rest !== "") {
    const match = /^([0-9]+(?:\.[0-9]+)?)(h|ms|us|ns|m|s)/.exec(rest);
    const unit = UNITS[match?.[2] ?? ""];
    if (match === null || unit === undefined) {
      throw new Fault("usage", `Cannot use --runscript-timeout ${text}: not a duration`, {
        exitCode: 255,
        hint: "write a number with its unit, such as 90s or 2m",
      });
    }
    total += Number(match[1]) * unit;
    rest = rest.slice(match[0].length);
  }
  return Math.ceil(total);
}
