import { Fault } from "../base/fault.ts";
import type { Invocation } from "../cli/invocation.ts";
import type { Context } from "../terminal/context.ts";

/**
 * `instance list`, `stop` and `stats` of a version that starts no instances: there is none, in the
 * reference tool's words, so that callers which tidy up or look first go on as they do there.
 * `start` and `run` throw `unsupported`.
 */
export function run(inv: Invocation, ctx: Context): number {
  switch (inv.path[1]) {
    case "list":
      ctx.print(inv.bool("json") ? '{\n\t"instances": []\n}\n' : heading(inv.bool("logs")));
      return 0;
    case "stop":
    case "stats":
      throw new Fault("not-found", "no instance found");
    default:
      throw new Fault(
        "unsupported",
        `Cannot start the instance "${inv.args[1] ?? ""}": ${ctx.program} has no instances in this version`,
        { hint: "start the program itself in the background: exec IMAGE COMMAND &" },
      );
  }
}

function heading(withLogs: boolean): string {
  return withLogs ? "INSTANCE NAME    PID    LOGS\n" : "INSTANCE NAME    PID    IP    IMAGE\n";
}
