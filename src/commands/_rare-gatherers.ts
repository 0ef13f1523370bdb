import type { RareGatherers } from "../runtime/gather.ts";
import { RARE_GATHERERS } from "../runtime/rare-gatherers.ts";
import type { Context } from "../terminal/context.ts";

/** Everything that a launch may ask for, the user included. `source`: the address that the image was fetched from. */
export function rareGatherers(ctx: Context, source?: string): RareGatherers {
  return {
    ...RARE_GATHERERS,
    admit: (question) =>
      RARE_GATHERERS.admit(source === undefined ? question : { ...question, source }),
    clear: async (...facts) => {
      const [{ gatherClear }, { askSecret }] = await Promise.all([
        import("../runtime/gather-clear.ts"),
        import("../terminal/ask.ts"),
      ]);
      return await gatherClear(async (question) => askSecret(question, ctx.printError))(...facts);
    },
  };
}
