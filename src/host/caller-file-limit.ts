import { getRlimit } from "./process-calls.ts";
import { readHostText } from "./read-text.ts";

const RLIMIT_NOFILE = 7;
const LINE = "Max open files";

export interface FileLimit {
  readonly soft: number;
  readonly hard: number;
}

/**
 * The caller's limit on open files, when this process has another one. Bun raises the soft limit to
 * the hard one before any of our code runs and keeps no note of it; programs that close or select
 * over "all descriptors" suffer from that. The parent, which handed its limits down, still has the
 * number. `undefined`: leave the limit alone (the same, or the parent is no witness because its hard
 * limit differs, or there is no /proc). A shell that changes its limit and then becomes this process
 * by exec is the one case that is not seen.
 *
 * @param limitsText content of the parent's /proc/PID/limits; read when absent.
 */
export function callerFileLimit(
  own: FileLimit | undefined = getRlimit(RLIMIT_NOFILE),
  limitsText: string | undefined = own?.soft === own?.hard
    ? readHostText(`/proc/${process.ppid}/limits`)
    : undefined,
): FileLimit | undefined {
  if (own === undefined || own.soft !== own.hard || limitsText === undefined) return undefined;
  // `Max open files            1024                 524288               files`
  const at = limitsText.indexOf(LINE);
  if (at < 0) return undefined;
  const [soft, hard] = limitsText
    .slice(at + LINE.length, limitsText.indexOf("\n", at))
    .trim()
    .split(/ +/, 2)
    .map(limitNumber);
  if (soft === undefined || hard !== own.hard || soft >= own.soft) return undefined;
  return { soft, hard };
}

function limitNumber(text: string): number {
  return text === "unlimited" ? Number.POSITIVE_INFINITY : Number(text);
}
