import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { lastWords, runChild } from "../child.ts";
import type { Stage } from "../stage.ts";
import { type Agent, SILENT_RUNSCRIPT } from "./agent.ts";

const FILES = [
  ["passwd", "root:!:0:0:root:/root:/bin/sh\n"],
  ["group", "root:x:0:\n"],
  ["hosts", "127.0.0.1   localhost localhost.localdomain localhost4 localhost4.localdomain4\n"],
] as const;

/** `Bootstrap: busybox`: one program fetched from `MirrorURL`, linked under all its names into /bin. */
export const busybox: Agent = {
  keepsFiles: true,
  runscript: SILENT_RUNSCRIPT,
  async bootstrap(stage) {
    const { root } = stage;
    mkdirSync(`${root}/bin`, { recursive: true });
    mkdirSync(`${root}/etc`, { recursive: true });
    for (const [name, text] of FILES) writeFileSync(`${root}/etc/${name}`, text, { mode: 0o644 });
    writeFileSync(`${root}/bin/busybox`, await fetchProgram(stage), { mode: 0o755 });
    chmodSync(`${root}/bin/busybox`, 0o755);
    const end = await runChild({
      argv: [`${root}/bin/busybox`, "--install", `${root}/bin`],
      stdin: "none",
      stdout: "drop",
      stderr: "keep",
      signal: stage.ports.signal,
    });
    if (end.status !== 0) {
      throw new Fault(
        "failed",
        `conveyor failed to get: while performing busybox install: ${end.words}: ${lastWords(end.stderr)}`,
      );
    }
  },
};

async function fetchProgram(stage: Stage): Promise<Uint8Array> {
  const url = stage.recipe.header["mirrorurl"] ?? "";
  const what = `conveyor failed to get: while inserting busybox: Cannot fetch "${url}"`;
  let response: Response;
  try {
    response = await fetch(url, { signal: stage.ports.signal });
  } catch (cause) {
    stage.ports.signal.throwIfAborted();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("io", `${what}: ${reason}`, {
      cause,
      hint: "MirrorURL is the address of a busybox program",
    });
  }
  if (!response.ok) throw new Fault("io", `${what}: the server answered ${response.status}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const expected = Number(response.headers.get("content-length") ?? bytes.length);
  const isEncoded = response.headers.has("content-encoding");
  if (bytes.length !== expected && !isEncoded) {
    throw new Fault("io", `${what}: ${bytes.length} bytes came of ${expected}`);
  }
  return bytes;
}
