import { errnoText } from "../../base/errno-text.ts";
import { Fault } from "../../base/fault.ts";
import { encodeOsText } from "../../base/os-text.ts";
import { baseName, dirName, resolvePath } from "../../base/path.ts";
import type { Invocation } from "../../cli/invocation.ts";
import {
  lstat,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  O_RDWR,
  open,
  unlink,
} from "../../host/syscall.ts";
import type { HostFacts } from "../../plan/facts.ts";
import { type LaunchFacts, planLaunch } from "../../plan/launch.ts";
import type { InstancePlaces } from "../../plan/lower/instance-op.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Action, LaunchRequest } from "../../plan/request.ts";
import { gatherLaunch, type RareGatherers } from "../gather.ts";
import { announce, INSTANCE, type Launcher, startOptions } from "../launcher.ts";
import { startPlan } from "../start.ts";
import { claimName, refuseTaken } from "./claim.ts";
import { logDirectory, makeDirectories, recordDirectory } from "./places.ts";
import { isInstanceName, ownPlace, type RecordText, readRecord, recordPath } from "./records.ts";

/**
 * `instance start` and `instance run`: becomes the starter, which ends when the program of the
 * instance runs. `command` is what a unit would call again, `temporary` a directory that goes with the
 * instance.
 *
 * @throws Fault before anything happened, when the name is no name or is taken.
 */
export async function startInstance(
  inv: Invocation,
  by: Launcher,
  rare: RareGatherers,
  command: RecordText["command"]["words"],
  temporary: string | undefined,
): Promise<number> {
  const [image = "", name = "", ...args] = inv.args;
  if (image.startsWith(INSTANCE)) {
    throw new Fault("usage", "starting an instance from another is not allowed", {
      exitCode: 255,
      hint: "name the image itself",
    });
  }
  if (!isInstanceName(name)) {
    throw new Fault("usage", `${name} is not a valid instance name`, {
      exitCode: 255,
      hint: "use letters, digits, dots, hyphens and underscores, at most 200 of them",
    });
  }
  const action: Action = inv.path[1] === "run" ? "run" : "start";
  const call = inv.withArgs([image, ...args]);
  const gathered = await gatherLaunch(call, action, by.program, by.env, rare);
  const plain = { ...gathered, request: asInstance(gathered.request, name) };
  const { facts, checkpoint } = await withCheckpoint(plain, inv, by);
  const { host } = facts;
  if (facts.request.boot && host.uid !== 0) {
    throw new Fault("denied", "Could not configure --boot: --boot requires root privileges", {
      hint: "leave --boot out",
    });
  }
  const directory = recordDirectory(host);
  refuseTaken(directory, name, readRecord(directory, name));
  const plan = announce(planLaunch(facts), by);
  if (typeof plan === "number") return plan;
  const options = startOptions(call, by, facts, plan.environment, undefined);
  const dirFd = claimName(directory, name, (text) => by.log.info(text));
  try {
    const instance = openPlaces(plan, host, dirFd, inv.string("pid-file"), {
      command,
      checkpoint,
    });
    const { outFd, errFd, pidDirFd } = instance;
    const inherited = [outFd, errFd, dirFd, pidDirFd].filter((fd) => fd >= 0);
    const { limits } = plan;
    const scope =
      limits?.place.kind === "systemd" ? await rare.scope(limits.place, host) : undefined;
    return await startPlan(plan, host, { ...options, inherited, instance, scope, temporary });
  } catch (error) {
    unlink(recordPath(directory, name));
    throw error;
  }
}

/** The launch under DMTCP, where that is asked for, with the name of the checkpoint. */
async function withCheckpoint(
  facts: LaunchFacts,
  inv: Invocation,
  by: Launcher,
): Promise<{ readonly facts: LaunchFacts; readonly checkpoint?: string }> {
  if (!inv.isSet("dmtcp-launch") && !inv.isSet("dmtcp-restart")) return { facts };
  const { checkpointOf, underDmtcp } = await import("./checkpoint.ts");
  const checkpoint = checkpointOf(inv);
  return checkpoint === undefined
    ? { facts }
    : { facts: underDmtcp(facts, checkpoint, by.env), checkpoint: checkpoint.name };
}

/** The request with what an instance, and a booted one above all, always has (reference: runtime.md section 5). */
function asInstance(request: LaunchRequest, name: string): LaunchRequest {
  if (!request.boot) return { ...request, instance: name };
  const dropped = "CAP_SYS_BOOT,CAP_SYS_RAWIO";
  return {
    ...request,
    instance: name,
    net: true,
    hostname: request.hostname ?? name,
    dropCaps: request.dropCaps === undefined ? dropped : `${request.dropCaps},${dropped}`,
  };
}

/** Opens what the instance writes to, and composes its record. */
function openPlaces(
  plan: Plan,
  host: HostFacts,
  dirFd: number,
  pidFile: string,
  about: {
    readonly command: RecordText["command"]["words"];
    readonly checkpoint: string | undefined;
  },
): InstancePlaces {
  const { instance } = plan;
  if (instance === undefined) throw new TypeError("the plan is none of an instance");
  const logs = logDirectory(host);
  const made = makeDirectories(logs);
  if (made < 0) throw cannotOpen(logs, -made);
  const logErrPath = `${logs}/${instance.name}.err`;
  const logOutPath = `${logs}/${instance.name}.out`;
  const record: RecordText = {
    version: 1,
    name: instance.name,
    user: host.account?.name ?? String(host.uid),
    image: plan.image.path,
    place: ownPlace(),
    logErrPath,
    logOutPath,
    isLimited: plan.limits !== undefined,
    namespaces: {
      ...plan.namespaces,
      net: plan.namespaces.net || plan.network?.kind === "join",
    },
    identity: {
      uid: plan.identity.uid,
      gid: plan.identity.gid,
      become: plan.identity.become,
    },
    security: plan.security,
    plan: instance,
    ...(about.checkpoint === undefined ? {} : { checkpoint: about.checkpoint }),
    command: { words: about.command, cwd: host.cwd ?? "/" },
  };
  const places = {
    dirFd,
    errFd: openLog(logErrPath),
    outFd: openLog(logOutPath),
    record: encodeOsText(`${JSON.stringify(record)}\n`),
  };
  if (pidFile === "") return { ...places, pidDirFd: -1, pidName: "" };
  const path = resolvePath(host.cwd ?? "/", pidFile);
  if (lstat(path)?.kind === "dir") throw cannotOpen(path, 21);
  const pidDirFd = open(dirName(path), O_RDONLY | O_DIRECTORY);
  if (pidDirFd < 0) throw cannotOpen(path, -pidDirFd);
  return { ...places, pidDirFd, pidName: baseName(path) };
}

/** A log is appended to and never removed (reference: runtime.md section 9). */
function openLog(path: string): number {
  // For reading, too: what the program says while it starts is shown.
  const fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0o644);
  if (fd < 0) throw cannotOpen(path, -fd);
  return fd;
}

function cannotOpen(path: string, errno: number): Fault {
  return new Fault("io", `Cannot start the instance: cannot write ${path}: ${errnoText(errno)}`, {
    hint: "make its directory writable, or choose another",
  });
}
