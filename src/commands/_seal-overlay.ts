import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import { sealOverlay } from "../build/ocisif/seal-overlay.ts";
import type { Invocation } from "../cli/invocation.ts";
import { isOciSif, readOciSif } from "../format/ocisif/oci-sif.ts";
import { hostFacts } from "../host/facts.ts";
import { onStopSignal } from "../host/stop-signals.ts";
import { sha256 } from "../image/ocisif/open-oci-sif.ts";
import { readConfig } from "../runtime/read-config.ts";
import type { Context } from "../terminal/context.ts";
import { changeSif, openForReading } from "./_change-sif.ts";
import { unusedOverlay } from "./_oci-sif-overlay.ts";

/** `overlay seal`: makes the overlay of an OCI-SIF a layer that stays as it is. */
export async function seal(inv: Invocation, ctx: Context): Promise<number> {
  const [word = ""] = inv.args;
  const { values } = readConfig(inv);
  const host = hostFacts({ binaryPath: values.binaryPath, env: ctx.env });
  const path = resolvePath(host.cwd ?? "/", word);
  requireOverlay(path, word);
  const stop = new AbortController();
  onStopSignal((name, status) =>
    stop.abort(new Fault("failed", `Stopped by ${name}`, { exitCode: status })),
  );
  await sealOverlay(path, {
    progress: () => {},
    tool: (name) => host.tool(name),
    mksquashfsArgs: [],
    processors: values.mksquashfsProcs,
    memory: values.mksquashfsMem,
    sourceDateEpoch: undefined,
    signal: stop.signal,
  });
  return 0;
}

/** Whether the file is an OCI-SIF of the caller's with an overlay; changes nothing. */
function requireOverlay(path: string, word: string): void {
  const opened = openForReading(path);
  try {
    changeSif(path, ({ image }) => {
      if (!isOciSif(image)) throw new Fault("invalid", `${word} is no OCI-SIF`);
      unusedOverlay(path, readOciSif(image, opened.source, sha256), word);
    });
  } finally {
    opened.close();
  }
}
