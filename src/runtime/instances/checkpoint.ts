import { Fault } from "../../base/fault.ts";
import { dirName } from "../../base/path.ts";
import type { Invocation } from "../../cli/invocation.ts";
import { userDirectory } from "../../config/user-directory.ts";
import { gpuFacts } from "../../host/gpu-facts.ts";
import { stat } from "../../host/syscall.ts";
import {
  CHECKPOINT_TARGET,
  type CheckpointRequest,
  checkCheckpointName,
  DMTCP_LIST,
  dmtcpWords,
  LIBRARY_FOLDER,
  RESTART_SCRIPT,
} from "../../plan/dmtcp.ts";
import type { HostFacts } from "../../plan/facts.ts";
import { parseGpuList } from "../../plan/gpu/gpu-list.ts";
import { listedFiles } from "../../plan/gpu/legacy-binds.ts";
import type { LaunchFacts } from "../../plan/launch.ts";
import { installPrefix } from "../installed.ts";

/** Directory of the checkpoints of a user. */
export function checkpointFolder(
  host: Pick<HostFacts, "account" | "cwd">,
  env: Readonly<Record<string, string>>,
): string {
  const own = userDirectory({ env, accountHome: host.account?.home, cwd: host.cwd });
  return `${own}/checkpoint/dmtcp`;
}

/** What the flags ask for; undefined: nothing. */
export function checkpointOf(inv: Invocation): CheckpointRequest | undefined {
  const [launch, restart] = [inv.string("dmtcp-launch"), inv.string("dmtcp-restart")];
  if (launch !== "" && restart !== "") {
    throw new Fault("usage", "Cannot use --dmtcp-launch with --dmtcp-restart", {
      exitCode: 255,
      hint: "start the instance anew, or from what was saved",
    });
  }
  const name = launch === "" ? restart : launch;
  if (name === "") return undefined;
  checkCheckpointName(name);
  const kind = launch === "" ? "restart" : "launch";
  return { kind, name, why: `--dmtcp-${kind}` };
}

/** The installation that is missing. */
export function noDmtcp(what: string, tool: string): Fault {
  return new Fault("missing-tool", `${what}: ${tool} is not installed`, {
    hint: "install DMTCP (package dmtcp, or its source where the distribution has none)",
  });
}

/**
 * The launch with DMTCP's programs and libraries, the directory of the checkpoint, and the words that
 * start the program under it.
 *
 * @throws Fault when DMTCP or the checkpoint is missing.
 */
export function underDmtcp(
  facts: LaunchFacts,
  { kind, name, why }: CheckpointRequest,
  env: Readonly<Record<string, string>>,
): LaunchFacts {
  const { host, config, image, gpu } = facts;
  const what = `Cannot use ${why}`;
  const tool = kind === "launch" ? "dmtcp_launch" : "dmtcp_restart";
  if (host.tool(tool) === undefined) throw noDmtcp(what, tool);
  const directory = `${checkpointFolder(host, env)}/${name}`;
  if (stat(directory)?.kind !== "dir") {
    throw new Fault("not-found", `${what}: checkpoint "${name}" not found`, {
      hint: `make it: checkpoint create ${name}`,
    });
  }
  if (kind === "restart" && stat(`${directory}/${RESTART_SCRIPT}`) === undefined) {
    throw new Fault("not-found", `${what}: nothing was saved to checkpoint "${name}"`, {
      hint: "start an instance with --dmtcp-launch and save it: checkpoint instance",
    });
  }
  const places = { host, tree: image.tree, configFile: config.file, prefix: installPrefix() };
  const found = listedFiles(
    parseGpuList(DMTCP_LIST),
    why,
    host,
    gpuFacts({ ...places, cdiDirectories: [] }),
  );
  const state = { source: directory, target: CHECKPOINT_TARGET, readOnly: false, why };
  // An installation with a prefix of its own is not in the linker's cache.
  const program = host.realPath(host.tool(tool) ?? "") ?? "/";
  const folder = `${dirName(dirName(program))}/${LIBRARY_FOLDER}`;
  const own =
    stat(folder)?.kind !== "dir"
      ? []
      : [{ source: folder, target: `/usr/${LIBRARY_FOLDER}`, readOnly: true, why }];
  return {
    ...facts,
    request: { ...facts.request, under: dmtcpWords(kind) },
    gpu: {
      ...gpu,
      libraries: [...gpu.libraries, ...found.libraries],
      files: [...gpu.files, ...found.files, ...own, state],
    },
    notices: [...facts.notices, ...found.check.notices("DMTCP")],
  };
}
