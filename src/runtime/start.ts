import { errnoText } from "../base/errno-text.ts";
import { Fault } from "../base/fault.ts";
import { endTrace, notePath } from "../host/launch-trace.ts";
import type { LaunchKey } from "../host/launcher-note.ts";
import { memfdCreate, O_CLOEXEC, O_RDONLY, open, setCloseOnExec } from "../host/syscall.ts";
import { encodeOps } from "../ops/encode.ts";
import type { WiredOp } from "../ops/op.ts";
import type { HostFacts } from "../plan/facts.ts";
import { type LowerOptions, lower } from "../plan/lower/lower.ts";
import { removalOps } from "../plan/lower/unpack-ops.ts";
import type { Plan } from "../plan/plan.ts";
import { becomeStarter, fillMemfd } from "./become-starter.ts";
import { installedHelper, ownBinary } from "./installed.ts";
import { remember } from "./replay/remember.ts";
import { noteSeen } from "./replay/seen.ts";
import { sharePlaces } from "./share.ts";
import { planUnpacking } from "./unpack.ts";

export interface StartOptions {
  readonly says: LowerOptions["says"];
  /** Descriptors of the caller that the program gets. */
  readonly inherited: readonly number[];
  /** Where an instance logs and is recorded. */
  readonly instance?: LowerOptions["instance"];
  /** Directory to be removed when the container is gone. */
  readonly temporary?: string | undefined;
  /** The launch is remembered under it; absent: it is not. */
  readonly key: LaunchKey | undefined;
  /** How the caller's variables pass into the container. */
  readonly cleanEnv: boolean;
  readonly noEnv: readonly string[];
  /** Variables of the caller that the starter needs and the program does not get. */
  readonly stepVariables?: readonly string[];
  /** Directory of the control group that systemd made for this process. */
  readonly scope: string | undefined;
  /** Every op is told on stderr. */
  readonly debug: boolean;
  readonly colour: boolean;
}

const OWN_DESCRIPTORS = "/proc/self/fd/";
/** Directories that a launch may cover in its own mount namespace while it sets up; the first that exists. */
const BASES = ["/tmp", "/mnt", "/run", "/var", "/srv", "/opt", "/home", "/usr", "/etc"];

/**
 * Replaces this process by the starter, and that by the program of the plan: same process id, same
 * descriptors. Returns only by throwing.
 *
 * @throws Fault when the starter cannot be had, or the image cannot be unpacked.
 */
export async function startPlan(
  plan: Plan,
  host: HostFacts,
  options: StartOptions,
): Promise<never> {
  const ops = [...temporaryOps(host, options), ...(await opsOf(plan, host, options))];
  const stepVariables = plan.share?.drop === true ? plan.share.variables : [];
  return becomeProgram(ops, plan.environment, host, { ...options, stepVariables });
}

/** What comes before anything else where the image is removed after its launch. */
export function temporaryOps(host: HostFacts, { temporary, instance }: StartOptions): WiredOp[] {
  if (temporary === undefined) return [];
  const remove = [host.tool("rm") ?? "/bin/rm", "-rf", "--", temporary];
  return removalOps(remove, instance === undefined, "", "the fetched image");
}

/** The last step of every launch: these operations, and the environment of the plan. */
export async function becomeProgram(
  ops: readonly WiredOp[],
  environment: Plan["environment"],
  host: HostFacts,
  options: StartOptions,
): Promise<never> {
  const encode = (list: readonly WiredOp[]): Uint8Array =>
    encodeOps(list, { debug: options.debug, procPath: "/proc", colour: options.colour });
  const variables = environment.kind === "direct" ? environment.variables : [];
  const { stepVariables = [] } = options;
  const starter = await (host.isRealRoot ? sealedStarter(host) : helperPath("starter"));
  if (options.key !== undefined) {
    // A descriptor holds the copy that the binary carries.
    if (!starter.startsWith(OWN_DESCRIPTORS)) notePath(starter, "content");
    notePath(ownBinary(), "content");
    const trace = endTrace();
    if (trace === undefined) noteSeen(options.key);
    else {
      const said = trace.lines.map((text): WiredOp => ({ op: { kind: "say", text }, faults: [] }));
      remember(options.key, {
        stamps: trace.stamps,
        starter,
        variables,
        hostEnv: host.env,
        cleanEnv: options.cleanEnv,
        noEnv: options.noEnv,
        stepVariables,
        ops: encode([...said, ...ops]),
      });
    }
  }
  const env = variables.map(({ name, value }) => `${name}=${value}`);
  for (const name of stepVariables) {
    if (name in host.env) env.push(`${name}=${host.env[name]}`);
  }
  const errno = -becomeStarter(starter, encode(ops), env, options.inherited);
  throw new Fault("unsupported", `Cannot start ${starter}: ${errnoText(errno)}`, {
    hint: "the installation is damaged, or a file system is mounted noexec; install skiff again",
  });
}

/** The operations of a plan on this machine; unpacks the image when it cannot be mounted. */
export async function opsOf(
  plan: Plan,
  host: HostFacts,
  options: Pick<StartOptions, "says" | "scope" | "instance">,
): Promise<WiredOp[]> {
  return lower(plan, await lowerOptions(plan, host, options));
}

/** What is only known when a launch happens. Throws a Fault where there is no directory to set it up on. */
export async function lowerOptions(
  plan: Plan,
  host: HostFacts,
  { says, scope, instance }: Pick<StartOptions, "says" | "scope" | "instance">,
): Promise<LowerOptions> {
  const base = BASES.find((dir) => host.files.lstat(dir)?.kind === "dir");
  if (base === undefined)
    throw new Fault("unsupported", "Cannot set up the container: no directory to set it up on");
  const { image } = plan.root;
  const unpacking = image.mounter.kind === "unpack" ? planUnpacking(image, host) : undefined;
  const share = plan.share === undefined ? undefined : sharePlaces(plan);
  return {
    base,
    says,
    pid: process.pid,
    ...(scope === undefined ? {} : { scope }),
    ...(await shellFor(plan.environment)),
    ...(instance === undefined ? {} : { instance }),
    ...(share === undefined ? {} : { share }),
    ...(unpacking === undefined ? {} : { unpacking }),
  };
}

/** Where the starter finds the carried shell, when the environment needs it. */
export async function shellFor(
  environment: Plan["environment"],
): Promise<Pick<LowerOptions, "shellFd" | "shellPath">> {
  return { shellFd: environment.kind === "shell" ? await openShell() : -1, shellPath: "" };
}

/**
 * The starter as a copy in memory that nobody can write to. In a container of the real root it can be
 * reached as /proc/PID/exe by those who may write any file: the one on disk must not be.
 */
async function sealedStarter(host: HostFacts): Promise<string> {
  const installed = installedHelper("starter");
  const bytes = installed === undefined ? undefined : host.files.read(installed);
  return bytes === undefined
    ? await helperPath("starter")
    : `${OWN_DESCRIPTORS}${sealedFd("starter", bytes, false)}`;
}

/** Path by which a helper program can be executed: its file, or a descriptor of the embedded copy. */
async function helperPath(name: "starter"): Promise<string> {
  const installed = installedHelper(name);
  if (installed !== undefined) return installed;
  return `${OWN_DESCRIPTORS}${await embeddedFd(name, false)}`;
}

/** An inherited descriptor of the carried shell. */
async function openShell(): Promise<number> {
  const installed = installedHelper("bash");
  if (installed === undefined) return embeddedFd("bash", true);
  const fd = open(installed, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return embeddedFd("bash", true);
  setCloseOnExec(fd, false);
  return fd;
}

async function embeddedFd(name: "starter" | "bash", inherit: boolean): Promise<number> {
  // Loaded only by a binary that stands alone: an installation has the files.
  const { embeddedHelper } = await import("./embedded.ts");
  return sealedFd(name, await embeddedHelper(name), inherit);
}

function sealedFd(name: "starter" | "bash", bytes: Uint8Array, inherit: boolean): number {
  const fd = memfdCreate(`skiff-${name}`, inherit);
  if (fd < 0)
    throw new Fault(
      "unsupported",
      `Cannot unpack the embedded ${name}: memfd_create is refused by the kernel`,
    );
  fillMemfd(fd, bytes, `unpack the embedded ${name}`);
  return fd;
}
