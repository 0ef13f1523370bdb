import { median } from "./sample.ts";

/** A system call of the main process, with the time since the one before it in the same run. */
export interface Step {
  readonly call: string;
  readonly ms: number;
}

/**
 * Steps of one run from the output of `strace -f --seccomp-bpf -ttt`: those of the process that was
 * started, up to its end. Interrupted lines ("unfinished", "resumed") count once, at their beginning.
 */
export function readTrace(text: string): readonly Step[] {
  const steps: Step[] = [];
  let main = "";
  let last = Number.NaN;
  for (const line of text.split("\n")) {
    const match = /^(\d+) +(\d+\.\d+) (.*)$/.exec(line);
    if (match === null) continue;
    const [, pid = "", time = "", rest = ""] = match;
    if (main === "") main = pid;
    if (pid !== main || rest.startsWith("<...")) continue;
    const now = Number(time) * 1000;
    if (Number.isNaN(last)) last = now;
    steps.push({ call: shorten(rest), ms: now - last });
    last = now;
  }
  return steps;
}

// `mount("proc", "/x", …) = 0` becomes `mount "proc" "/x"`; numbers that differ from run to run vanish.
function shorten(call: string): string {
  if (call.startsWith("+++")) return "end of the program";
  const name = /^\w+/.exec(call)?.[0] ?? "?";
  const texts = [...call.matchAll(/"([^"]*)"/g)].map((match) => match[1] ?? "");
  const words = name === "execve" ? texts.slice(0, 1) : texts.slice(0, 2);
  const flags = /\b(?:MS_|CLONE_NEW|MNT_)[A-Z_|]+/.exec(call)?.[0] ?? "";
  return [name, ...words.map((word) => word.replace(/\d{4,}/g, "N")), flags].join(" ").trim();
}

/** Medians over runs, by position; runs with another sequence of calls than most are left out. */
export function mergeTraces(runs: readonly (readonly Step[])[]): readonly Step[] {
  const key = (steps: readonly Step[]): string => steps.map((step) => step.call).join("\n");
  const groups = Map.groupBy(runs, key);
  const largest = [...groups.values()].sort((a, b) => b.length - a.length)[0] ?? [];
  return (largest[0] ?? []).map(({ call }, at) => ({
    call,
    ms: median(largest.map((steps) => steps[at]?.ms ?? Number.NaN)),
  }));
}
