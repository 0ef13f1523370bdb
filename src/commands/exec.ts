import type { Invocation } from "../cli/invocation.ts";
import { inheritedDescriptors } from "../host/inherited-descriptors.ts";
import { launch } from "../runtime/launch.ts";
import type { Context } from "../terminal/context.ts";
import { rareGatherers } from "./_rare-gatherers.ts";

/** `exec`, `run`, `shell` and `test` with everything a launch may need; plain ones take the short way of src/_launch.ts. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const [image = "", ...rest] = inv.args;
  if (!/^[a-z][a-z0-9+-]*:/.test(image)) return await launch(inv, ctx, rareGatherers(ctx));
  // Before connections and files are opened for the image, which the program must not find.
  const inherited = inheritedDescriptors();
  const { fetchedImage } = await import("./_fetched-image.ts");
  const fetched = await fetchedImage(image, inv, ctx);
  if (fetched !== undefined && fetched.temporary === undefined) {
    const { launchByPath } = await import("./_launch-by-path.ts");
    launchByPath(inv.args.length, fetched.path, inherited);
  }
  try {
    return await launch(
      fetched === undefined ? inv : inv.withArgs([fetched.path, ...rest]),
      ctx,
      rareGatherers(ctx, image),
      undefined,
      { inherited, temporary: fetched?.temporary },
    );
  } finally {
    // Only a launch that did not happen comes here.
    fetched?.drop();
  }
}
