import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import type { Invocation } from "../cli/invocation.ts";
import { hostFacts } from "../host/facts.ts";
import { checkCheckpointName, PORT_FILE, saveWords } from "../plan/dmtcp.ts";
import type { HostFacts } from "../plan/facts.ts";
import { ownBinary } from "../runtime/installed.ts";
import { checkpointFolder, noDmtcp } from "../runtime/instances/checkpoint.ts";
import { recordDirectory } from "../runtime/instances/places.ts";
import { lifeOf, readRecord } from "../runtime/instances/records.ts";
import { becomeProgram } from "../runtime/oci/become-program.ts";
import type { Context } from "../terminal/context.ts";

const MODE = 0o700;

/** `checkpoint list|create|delete|instance`: directories that DMTCP keeps the state of instances in. */
export function run(inv: Invocation, ctx: Context): number {
  const host = hostFacts({ binaryPath: "$PATH:/usr/local/bin:/usr/bin", env: ctx.env });
  const folder = checkpointFolder(host, ctx.env);
  const [name = ""] = inv.args;
  const verb = inv.path[1];
  if (verb === "instance") save(name, folder, host, inv.string("home"));
  warnWithoutDmtcp(host, ctx);
  if (verb === "list") {
    ctx.print(["NAME", ...entries(folder)].map((line) => `${line}\n`).join(""));
    return 0;
  }
  checkCheckpointName(name);
  const isThere = entries(folder).includes(name);
  if (verb === "create") {
    if (isThere) throw new Fault("exists", `Failed to create checkpoint: "${name}" already exists`);
    mkdirSync(`${folder}/${name}`, { recursive: true, mode: MODE });
    ctx.log.info(`Checkpoint "${name}" created.`);
    return 0;
  }
  if (!isThere) {
    throw new Fault(
      "not-found",
      `Failed to delete checkpoint entries: checkpoint "${name}" not found`,
      { hint: '"checkpoint list" shows the names' },
    );
  }
  rmSync(`${folder}/${name}`, { recursive: true });
  ctx.log.info(`Checkpoint "${name}" deleted.`);
  return 0;
}

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function warnWithoutDmtcp(host: HostFacts, ctx: Context): void {
  if (host.tool("dmtcp_launch") !== undefined) return;
  ctx.log.warning(
    "Unable to locate a dmtcp installation: checkpoints can be made and deleted, instances not be saved; install DMTCP (package dmtcp, or its source where the distribution has none)",
  );
}

/** Becomes DMTCP's own program in the instance, which tells the coordinator there to save. */
function save(name: string, folder: string, host: HostFacts, home: string): never {
  const what = `Cannot save the instance ${name}`;
  if (host.tool("dmtcp_command") === undefined) throw noDmtcp(what, "dmtcp_command");
  const found = readRecord(recordDirectory(host), name);
  if (found.kind !== "record" || lifeOf(found.record) !== "running") {
    throw new Fault("not-found", `${what}: no instance found with that name`, {
      hint: "instance list shows those that run",
    });
  }
  const { checkpoint } = found.record;
  if (checkpoint === undefined) {
    throw new Fault("unsupported", `${what}: it was not started under DMTCP`, {
      hint: "start it with --dmtcp-launch NAME",
    });
  }
  const port = readPort(`${folder}/${checkpoint}/${PORT_FILE}`);
  if (port === undefined) {
    throw new Fault(
      "failed",
      `${what}: its coordinator has left no port in checkpoint "${checkpoint}"`,
      { hint: "see the logs of the instance: instance list --logs" },
    );
  }
  const homeWords = home === "" ? [] : ["--home", home];
  const words = ["exec", ...homeWords, `instance://${name}`, ...saveWords(port)];
  return becomeProgram([ownBinary(), ...words]);
}

function readPort(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
  return /^[0-9]{1,5}(?=\s|$)/.exec(text)?.[0];
}
