import type { Invocation } from "../cli/invocation.ts";
import { inheritedDescriptors } from "../host/inherited-descriptors.ts";
import type { FetchedLaunch } from "../runtime/launch.ts";
import type { Context } from "../terminal/context.ts";

/** `exec`, `run`, `shell` and `test` with everything a launch may need; plain ones take the short way of src/_launch.ts. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const [image = "", ...rest] = inv.args;
  if (!/^[a-z][a-z0-9+-]*:/.test(image)) return await launchImage(inv, ctx);
  // Before connections and files are opened for the image, which the program must not find.
  const inherited = inheritedDescriptors();
  const [{ fetchedImage }, { launchByPath, traceAddress }] = await Promise.all([
    import("./_fetched-image.ts"),
    import("./_launch-by-path.ts"),
  ]);
  traceAddress();
  const fetched = await fetchedImage(image, inv, ctx);
  if (fetched !== undefined && fetched.temporary === undefined) {
    launchByPath(inv.args.length, fetched, inherited, ctx);
  }
  try {
    return await launchImage(
      fetched === undefined ? inv : inv.withArgs([fetched.path, ...rest]),
      ctx,
      image,
      { inherited, temporary: fetched?.temporary },
    );
  } finally {
    // Only a launch that did not happen comes here.
    fetched?.drop();
  }
}

/** Planning a launch is code that one which is known already needs nothing of. */
async function launchImage(
  inv: Invocation,
  ctx: Context,
  source?: string,
  fetched?: FetchedLaunch,
): Promise<number> {
  const [{ launch }, { rareGatherers }] = await Promise.all([
    import("../runtime/launch.ts"),
    import("./_rare-gatherers.ts"),
  ]);
  return await launch(inv, ctx, rareGatherers(ctx, source), undefined, fetched);
}
