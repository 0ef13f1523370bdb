import { readFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { resolvePath } from "../../base/path.ts";
import { UsageFault } from "../../cli/usage-fault.ts";
import type { Desk } from "./desk.ts";

/** A bundle as the command line names it. */
export interface Bundle {
  readonly path: string;
  readonly terminal: boolean;
}

/** The bundle of `--bundle`. Throws a Fault when there is none. */
export function bundleOf({ inv, host }: Desk): Bundle {
  const word = inv.string("bundle");
  if (word === "") {
    throw new UsageFault('required flag(s) "bundle" not set', "args", inv.command, inv.path);
  }
  const path = resolvePath(host.cwd ?? "/", word);
  const config = `${path}/config.json`;
  let text: string;
  try {
    text = readFileSync(config, "utf8");
  } catch (cause) {
    throw new Fault("not-found", `Cannot use the bundle ${word}: there is no readable ${config}`, {
      cause,
      hint: 'make one with "oci mount IMAGE BUNDLE"',
    });
  }
  try {
    const spec = JSON.parse(text) as { process?: { terminal?: boolean } } | null;
    return { path, terminal: spec?.process?.terminal === true };
  } catch (cause) {
    throw new Fault("invalid", `Cannot use the bundle ${word}: ${config} is not JSON`, { cause });
  }
}

/** Formats of logs that the reference tool knows. */
const FORMATS: readonly string[] = ["kubernetes", "json", "basic"];

/** Throws a Fault for flags of the reference tool that ask for what is not there. */
export function refuseUnused({ inv }: Desk): void {
  for (const [flag, what] of [
    ["sync-socket", "reporting states to a socket"],
    ["empty-process", "a container without its process"],
  ] as const) {
    if (!inv.isSet(flag)) continue;
    throw new Fault(
      "unsupported",
      `Cannot use --${flag}: ${what} is not available in this version`,
    );
  }
  const format = inv.string("log-format");
  if (!FORMATS.includes(format)) {
    throw new Fault("usage", `Cannot use --log-format ${format}: there is no such format`, {
      exitCode: 255,
      hint: "use kubernetes",
    });
  }
  if (inv.string("log-path") === "" || format === "kubernetes") return;
  throw new Fault("unsupported", `Cannot use --log-format ${format}: conmon writes kubernetes`);
}
