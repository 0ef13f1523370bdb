import type { RareGatherers } from "../runtime/gather.ts";
import { gatherClear } from "../runtime/gather-clear.ts";
import { RARE_GATHERERS } from "../runtime/rare-gatherers.ts";
import type { Context } from "../terminal/context.ts";

/** Everything that a launch may ask for, the user included. */
export function rareGatherers(ctx: Context): RareGatherers {
  return {
    ...RARE_GATHERERS,
    clear: gatherClear(async (question) => {
      const { askSecret } = await import("../terminal/ask.ts");
      return askSecret(question, ctx.printError);
    }),
  };
}
