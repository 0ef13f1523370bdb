import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import type { Config } from "./config.ts";
import type { HostFacts } from "./facts.ts";
import type { Notice } from "./plan.ts";
import type { LaunchRequest } from "./request.ts";

const NO_MOUNT_WORDS = [
  "proc",
  "sys",
  "dev",
  "devpts",
  "home",
  "tmp",
  "hostfs",
  "cwd",
  "bind-paths",
];

const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const SECURITY_WORDS = ["uid", "gid", "seccomp", "apparmor", "selinux"];

/**
 * The request with its implications drawn (`--containall` is `--contain` and more) and with what the
 * configuration forbids taken out, each with a warning.
 *
 * @throws Fault for options that cannot be had together or name what is not there.
 */
export function checkRequest(
  request: LaunchRequest,
  config: Config,
  host: HostFacts,
  notices: Notice[],
): LaunchRequest {
  for (const word of request.noMount) {
    if (!NO_MOUNT_WORDS.includes(word) && !word.startsWith("/")) {
      notices.push({ level: "warning", text: `Ignoring unknown mount type '${word}'` });
    }
    if (request.oci === true && word === "dev") {
      throw new Fault("usage", "Cannot leave out dev with --oci: OCI runtimes need it", {
        exitCode: 255,
        hint: "leave --no-mount dev out, or --oci",
      });
    }
  }
  for (const word of request.security) {
    const kind = word.slice(0, word.indexOf(":"));
    if (!SECURITY_WORDS.includes(kind)) {
      throw new Fault("usage", `Cannot use --security ${word}: unknown security option`, {
        exitCode: 255,
        hint: "use seccomp:FILE, apparmor:PROFILE, selinux:CONTEXT, uid:N or gid:N[:N...]",
      });
    }
  }
  if (host.uid !== 0) {
    for (const [flag, isSet] of [
      ["keep-privs", request.keepPrivs],
      ["allow-setuid", request.allowSetuid],
    ] as const) {
      if (!isSet) continue;
      throw new Fault(
        "denied",
        `Could not configure --${flag}: --${flag} requires root privileges`,
        {
          hint: `leave --${flag} out`,
        },
      );
    }
  }
  for (const pair of request.env) {
    const name = pair.split("=", 1)[0] ?? "";
    if (VARIABLE_NAME.test(name)) continue;
    notices.push({
      level: "warning",
      text: `--env ${name}: not a name that shells know, set as it is`,
    });
  }
  if (request.hostname !== undefined && !/^[A-Za-z0-9._-]{1,64}$/.test(request.hostname)) {
    throw new Fault(
      "usage",
      `Cannot use --hostname ${JSON.stringify(request.hostname)}: not a host name`,
      {
        exitCode: 255,
        hint: "use letters, digits, dots and hyphens, at most 64 of them",
      },
    );
  }
  let checked = request;
  if (!config.values.userBindControl) checked = withoutUserBinds(checked, notices);
  const workdir =
    checked.workdir === undefined ? undefined : resolvePath(host.cwd ?? "/", checked.workdir);
  if (
    workdir !== undefined &&
    (checked.contain || checked.containAll || checked.scratch.length > 0)
  ) {
    const real = host.realPath(workdir);
    if (real === undefined || host.files.lstat(real)?.kind !== "dir") {
      throw new Fault("not-found", `Cannot use "${workdir}" as work directory: no such directory`, {
        hint: "create it before the container starts",
      });
    }
  }
  return {
    ...checked,
    workdir,
    contain: checked.contain || checked.containAll,
    cleanEnv: checked.cleanEnv || checked.containAll,
  };
}

function withoutUserBinds(request: LaunchRequest, notices: Notice[]): LaunchRequest {
  if (request.home !== undefined) {
    throw new Fault(
      "denied",
      `Cannot use "${request.home}" as home: the configuration forbids it ("user bind control = no")`,
      {
        hint: "leave --home out",
      },
    );
  }
  const ignore = (what: string, given: boolean): void => {
    if (given) {
      notices.push({
        level: "warning",
        text: `Ignoring ${what}: user bind control disabled by system administrator`,
      });
    }
  };
  ignore("bind mount request", request.binds.length + request.mounts.length > 0);
  ignore("scratch request", request.scratch.length > 0);
  ignore("library binds", request.containLibs.length > 0);
  return { ...request, binds: [], mounts: [], scratch: [], containLibs: [] };
}
