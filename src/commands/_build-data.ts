import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import { packData } from "../build/pack/pack-data.ts";
import { sourceDateEpoch } from "../build/request.ts";
import type { BuildSource } from "../build/source.ts";
import type { Invocation } from "../cli/invocation.ts";
import { VERSIONS } from "../cli/program.ts";
import { onStopSignal } from "../host/stop-signals.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { Context } from "../terminal/context.ts";

/** `build --data`: wraps a SquashFS file, without a container and so without namespaces. */
export async function buildData(
  inv: Invocation,
  ctx: Context,
  {
    source,
    target,
    host,
  }: { readonly source: BuildSource; readonly target: string; readonly host: HostFacts },
): Promise<number> {
  const from = source.kind === "image" ? source.recipe.stages[0]?.header["from"] : undefined;
  const isLocal =
    source.kind === "image" && source.recipe.stages[0]?.header["bootstrap"] === "localimage";
  if (!isLocal || from === undefined || inv.bool("sandbox")) {
    throw new Fault("usage", `Cannot make a data image of "${inv.args[1] ?? ""}"`, {
      exitCode: 255,
      hint: "--data takes a SquashFS file, as mksquashfs makes it, and makes a SIF",
    });
  }
  const stop = new AbortController();
  const forget = onStopSignal(() =>
    stop.abort(new Fault("failed", "build stopped", { exitCode: 1 })),
  );
  ctx.log.info("Starting build...");
  try {
    await packData({
      source: resolvePath(host.cwd ?? "/", from),
      target,
      recipe: source.recipe,
      arch: host.arch,
      version: VERSIONS.skiff,
      peerVersion: VERSIONS.apptainer,
      sourceDateEpoch: sourceDateEpoch(inv, ctx.env),
      talk: ctx.log,
      signal: stop.signal,
    });
  } finally {
    forget();
  }
  ctx.log.info(`Build complete: ${inv.args[0] ?? ""}`);
  return 0;
}
