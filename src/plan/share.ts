import type { HostFacts } from "./facts.ts";
import type { LimitsPlan, NamespacePlan, NetworkPlan, Notice, RootPlan, Why } from "./plan.ts";
import type { LaunchRequest } from "./request.ts";

/** The container is that of other processes of the same step, if one of them is there. */
export interface SharePlan {
  /** Variables whose values name the step. */
  readonly variables: readonly string[];
  /** Without any of them the children of one parent are a step. */
  readonly parent: boolean;
  /** The variables are not the program's: the environment is clean. */
  readonly drop: boolean;
  /** Joins the environment of the process that makes the container. */
  readonly firstEnv: readonly string[];
  readonly why: Why;
}

/** A launcher of ranks: a variable that only its ranks have, and those that name the step. */
interface Launcher {
  readonly name: string;
  readonly sign: string;
  readonly step: readonly string[];
}

const LAUNCHERS: readonly Launcher[] = [
  { name: "Slurm", sign: "SLURM_STEP_ID", step: ["SLURM_JOB_ID", "SLURM_STEP_ID"] },
  { name: "PMIx", sign: "PMIX_NAMESPACE", step: ["PMIX_NAMESPACE"] },
  { name: "PALS", sign: "PALS_APID", step: ["PALS_APID"] },
  { name: "Flux", sign: "FLUX_TASK_RANK", step: ["FLUX_JOB_ID"] },
  // A process manager of the old kind names no step: its ranks on a node are children of one proxy.
  { name: "PMI", sign: "PMI_RANK", step: [] },
  { name: "PMI", sign: "PMI_ID", step: [] },
];

/** What decides about sharing besides the request. */
interface Parts {
  readonly namespaces: NamespacePlan;
  readonly root: RootPlan;
  readonly limits: LimitsPlan | undefined;
  readonly network: NetworkPlan | undefined;
}

/**
 * Whether this launch is one of many that share a container: with --sharens those of one parent, with
 * --share-ranks, and by default below a launcher of ranks, those of one job step on this node.
 */
export function planShare(
  request: LaunchRequest,
  host: HostFacts,
  parts: Parts,
  notices: Notice[],
): SharePlan | undefined {
  const { sharens, shareRanks } = request;
  if (request.instance !== undefined) return undefined;
  if (!sharens && shareRanks === false) return undefined;
  const launcher = launcherOf(host.env);
  const isAsked = sharens || shareRanks === true;
  if (!isAsked && launcher === undefined) return undefined;
  const obstacle = whatIsOnesOwn(request, parts);
  if (obstacle !== undefined) {
    if (isAsked) {
      notices.push({
        level: "warning",
        text: `This process does not share its container with others: ${obstacle} is its own`,
      });
    }
    return undefined;
  }
  const drop = request.cleanEnv;
  if (sharens) {
    const firstEnv = ["APPTAINER_SHARENS_MASTER=1", "SINGULARITY_SHARENS_MASTER=1"];
    const why = request.origins["sharens"] ?? "--sharens";
    return { variables: [], parent: true, drop, firstEnv, why };
  }
  // What is thrown away belongs to one process, unless it says otherwise; and an image that is
  // changed is no rank's.
  if (!isAsked && (parts.root.tmpfsUpper || request.writable)) return undefined;
  return {
    variables: launcher?.step ?? [],
    parent: launcher === undefined || launcher.step.length === 0,
    drop,
    firstEnv: [],
    why: isAsked
      ? (request.origins["share-ranks"] ?? "--share-ranks")
      : `a rank of ${launcher?.name ?? "a job"} (${launcher?.sign ?? ""} is set)`,
  };
}

/** Every launch asks: a loop, because an array's methods cost 20 to 80 microseconds at their first call. */
function launcherOf(env: HostFacts["env"]): Launcher | undefined {
  for (const launcher of LAUNCHERS) if (env[launcher.sign]) return launcher;
  return undefined;
}

/** What one process of a step cannot have in common with the others. */
function whatIsOnesOwn(
  request: LaunchRequest,
  { namespaces, root, limits, network }: Parts,
): string | undefined {
  if (namespaces.pid) return "a PID namespace";
  if (namespaces.net || network !== undefined) return "a network namespace";
  if (limits !== undefined) return "a control group";
  if (request.fusemounts.length > 0) return "a FUSE program";
  if (root.image.mounter.kind === "unpack") return "an unpacked image";
  return undefined;
}
