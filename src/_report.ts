import { Fault } from "./base/fault.ts";
import { UsageFault } from "./cli/usage-fault.ts";
import type { Context } from "./terminal/context.ts";

/** Tells the user about a failure and gives the exit status. */
export async function reportFailure(context: Context, error: unknown): Promise<number> {
  if (error instanceof UsageFault) {
    const { showUsageFault } = await import("./commands/help.ts");
    return await showUsageFault(context, error);
  }
  if (error instanceof Fault) {
    context.log.fatal(error.hint === undefined ? error.message : `${error.message}; ${error.hint}`);
    return error.exitCode;
  }
  // A mistake in the program itself: where it happened is all that helps.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  context.log.fatal(`Internal error: ${text}`);
  return 255;
}
