import type { Invocation } from "../cli/invocation.ts";
import { DIRECTIVES } from "../config/directives.ts";
import { loadConfig } from "../config/load.ts";
import { userDirectory } from "../config/user-directory.ts";
import { hostFacts } from "../host/facts.ts";
import { hostFiles } from "../host/host-files.ts";
import type { Check } from "../host/probe/check.ts";
import { canRunContainers, probeAll } from "../host/probe/probe-all.ts";
import type { HostFacts } from "../plan/facts.ts";
import { installPrefix } from "../runtime/installed.ts";
import type { Context } from "../terminal/context.ts";

/**
 * `doctor`: what this host offers and lacks, what that means, and the line that mends it; with
 * `--json` as data. Exit status 0 when containers can be started from SIF images, else 1.
 */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const named = inv.globals.string("config");
  const config = loadConfig({
    files: hostFiles(),
    prefix: installPrefix(),
    ...(named === "" ? {} : { file: named }),
  });
  const host = hostFacts({ binaryPath: config.values.binaryPath, env: ctx.env });
  const checks = await probeAll({
    host,
    config,
    directives: Object.values(DIRECTIVES).map((row) => row.name),
    cacheDirectory: directoryOf(ctx, "CACHEDIR") ?? `${userDirectoryOf(ctx, host)}/cache`,
    tmpDirectory: directoryOf(ctx, "TMPDIR") ?? "/tmp",
  });
  const canRun = canRunContainers(checks, host.isRealRoot);
  ctx.print(
    inv.bool("json")
      ? `${JSON.stringify({ canRun, checks }, undefined, 2)}\n`
      : `${render(checks)}\n${verdict(checks, canRun)}\n`,
  );
  return canRun ? 0 : 1;
}

/** A directory from the environment: with a prefix, and TMPDIR also without. */
function directoryOf(ctx: Context, name: "CACHEDIR" | "TMPDIR"): string | undefined {
  const names = ["SKIFF", "APPTAINER", "SINGULARITY"].map((prefix) => `${prefix}_${name}`);
  if (name === "TMPDIR") names.push(name);
  return names.map((variable) => ctx.env[variable]).find((path) => path?.startsWith("/"));
}

function userDirectoryOf(ctx: Context, host: HostFacts): string {
  const hasHome = ctx.env["HOME"] !== undefined || host.account !== undefined;
  if (!hasHome) return "/nonexistent";
  return userDirectory({ env: ctx.env, accountHome: host.account?.home, cwd: host.cwd });
}

/** One line a check; below those that are not ok what it means and what to do. */
export function render(checks: readonly Check[]): string {
  const width = Math.max(...checks.map((check) => check.name.length));
  const indent = " ".repeat(9);
  return checks
    .flatMap((check) => [
      `${check.state.padEnd(7)}  ${check.name.padEnd(width)}  ${check.found}`,
      ...(check.state === "ok" || check.means === undefined ? [] : [`${indent}${check.means}`]),
      ...(check.state === "ok" || check.remedy === undefined ? [] : [`${indent}→ ${check.remedy}`]),
    ])
    .map((line) => `${line}\n`)
    .join("");
}

function verdict(checks: readonly Check[], canRun: boolean): string {
  if (!canRun) return "Containers cannot run here: see what is missing above.";
  const limited = checks.filter((check) => check.state !== "ok").length;
  if (limited === 0) return "Containers can run here, with everything they may need.";
  return `Containers can run here; ${limited} ${limited === 1 ? "thing is" : "things are"} limited or missing.`;
}
