import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import type { Invocation } from "../cli/invocation.ts";
import { userDirectory } from "../config/user-directory.ts";
import { hostFacts } from "../host/facts.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { Context } from "../terminal/context.ts";

const NAME = /^[A-Za-z0-9_.-]+$/;
const MODE = 0o700;

/** `checkpoint list|create|delete|instance`: directories that DMTCP keeps the state of instances in. */
export function run(inv: Invocation, ctx: Context): number {
  const host = hostFacts({ binaryPath: "$PATH:/usr/local/bin:/usr/bin", env: ctx.env });
  const folder = `${userDirectory({
    env: ctx.env,
    accountHome: host.account?.home,
    cwd: host.cwd,
  })}/checkpoint/dmtcp`;
  const [name = ""] = inv.args;
  const verb = inv.path[1];
  if (verb === "instance") throw cannotSave(name, host);
  warnWithoutDmtcp(host, ctx);
  if (verb === "list") {
    ctx.print(["NAME", ...entries(folder)].map((line) => `${line}\n`).join(""));
    return 0;
  }
  if (!NAME.test(name) || name === "." || name === "..") {
    throw new Fault("usage", `Cannot use "${name}" as a checkpoint's name`, {
      exitCode: 255,
      hint: "use letters, digits and _ . -",
    });
  }
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

function cannotSave(name: string, host: HostFacts): Fault {
  const what = `Cannot save the instance ${name}`;
  return host.tool("dmtcp_command") === undefined
    ? new Fault("missing-tool", `${what}: dmtcp_command is not installed`, {
        hint: "install DMTCP (package dmtcp, or its source where the distribution has none)",
      })
    : new Fault("unsupported", `${what}: this version starts no instances under DMTCP`, {
        hint: "let the program save its own state",
      });
}
