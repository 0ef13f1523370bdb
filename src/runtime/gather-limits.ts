import { Fault } from "../base/fault.ts";
import { decodeOsText } from "../base/os-text.ts";
import { resolvePath } from "../base/path.ts";
import { cgroupFacts } from "../host/cgroups.ts";
import type { Config } from "../plan/config.ts";
import type { HostFacts } from "../plan/facts.ts";
import { limitsOfFile } from "../plan/limits/limit-file.ts";
import { limitsOfFlags } from "../plan/limits/limit-flags.ts";
import { planLimits } from "../plan/limits/plan-limits.ts";
import type { ResourceLimits } from "../plan/limits/resource-limits.ts";
import type { LimitsPlan, Notice } from "../plan/plan.ts";
import type { LaunchRequest } from "../plan/request.ts";

/** The limits that flags or a file ask for; undefined when there are none. */
export async function gatherLimits(
  request: LaunchRequest,
  config: Config,
  host: HostFacts,
  notices: Notice[],
): Promise<LimitsPlan | undefined> {
  const { "apply-cgroups": file, ...flags } = request.limits;
  const names = Object.keys(flags);
  if (file === undefined && names.length === 0) return undefined;
  if (file !== undefined && names.length > 0) {
    throw new Fault(
      "usage",
      `Cannot use --apply-cgroups together with --${names.join(", --")}: the file or the flags set the limits`,
      { exitCode: 255, hint: "write all limits into the file" },
    );
  }
  const asked = Object.keys(request.limits);
  const why = [...new Set(asked.map((name) => request.origins[name] ?? `--${name}`))].join(", ");
  const { statSync } = await import("node:fs");
  const limits =
    file === undefined
      ? limitsOfFlags(flags, {
          processors: navigator.hardwareConcurrency,
          device: (path) => blockDevice(path, statSync),
        })
      : readLimits(file.at(-1) ?? "", host, notices);
  const allow = { systemd: config.values.systemdCgroups, isRoot: host.isRealRoot };
  return planLimits(limits, cgroupFacts(host), allow, why);
}

function readLimits(file: string, host: HostFacts, notices: Notice[]): ResourceLimits {
  const path = resolvePath(host.cwd ?? "/", file);
  const real = host.realPath(path);
  const bytes = real === undefined ? undefined : host.files.read(real);
  if (bytes === undefined) {
    throw new Fault(
      "not-found",
      `Cannot apply the limits of "${file}": no such file, or it is not readable`,
    );
  }
  const invalid = (why: unknown): Fault =>
    new Fault("invalid", `Cannot apply the limits of "${file}": ${why}`);
  let tables: unknown;
  try {
    tables = Bun.TOML.parse(withWideNumbers(decodeOsText(bytes)));
  } catch (error) {
    throw invalid(`it is not TOML: ${error instanceof Error ? error.message : error}`);
  }
  try {
    return limitsOfFile(tables, (member) => {
      notices.push({ level: "warning", text: `Ignoring ${member} in ${file}: no such limit` });
    });
  } catch (error) {
    throw error instanceof Fault ? invalid(error.message) : error;
  }
}

/** "No limit" is often a number that the parser refuses as too long to be exact: it is handed over as a text. */
function withWideNumbers(text: string): string {
  return text.replaceAll(/^(\s*[\w."-]+\s*=\s*)(-?[0-9]{16,19})(\s*(?:#.*)?)$/gm, '$1"$2"$3');
}

/** Numbers of a block device (makedev(3)). */
function blockDevice(
  path: string,
  stat: (path: string) => { rdev: number; isBlockDevice(): boolean },
): { major: number; minor: number } | undefined {
  try {
    const found = stat(path);
    if (!found.isBlockDevice()) return undefined;
    const device = BigInt(found.rdev);
    return {
      major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)),
      minor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
    };
  } catch {
    return undefined;
  }
}
