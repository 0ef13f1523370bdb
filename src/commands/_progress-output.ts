import { isTerminal, terminalColumns } from "../host/process-calls.ts";
import type { Context } from "../terminal/context.ts";
import { LOG_LEVELS } from "../terminal/log.ts";
import type { ProgressOutput } from "../terminal/progress.ts";

/** Where terminal/progress.ts shows the steps of a command: standard error. */
export function progressOutput(context: Context): ProgressOutput {
  return {
    // A dumb one cannot go back to a line.
    isTerminal: isTerminal(2) && context.env["TERM"] !== "dumb",
    isQuiet: context.log.level < LOG_LEVELS.info,
    columns: terminalColumns(2) ?? (Number(context.env["COLUMNS"]) || 80),
    write: (text) => context.printError(text),
    now: () => Bun.nanoseconds() / 1e6,
  };
}
