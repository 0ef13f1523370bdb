import { Fault } from "../base/fault.ts";
import { readText } from "../build/read-definition.ts";
import { statFollow } from "../host/host-files.ts";

/** Carries a definition that came by a pipe into the namespaces of the build: a pipe is read once only. */
export const PIPED = "_SKIFF_BUILD_PIPED";

/** The kernel takes 128 KiB for a variable, its name included. */
const LIMIT_BYTES = 120_000;

/**
 * Text of a definition file that is a pipe: /dev/stdin, a named one, or what shells make of `<(command)`.
 * Undefined for what can be read twice. Throws a Fault when it cannot be read or is too long.
 */
export function pipedDefinition(
  word: string,
  path: string,
  env: Readonly<Record<string, string>>,
): string | undefined {
  const carried = env[PIPED];
  if (carried !== undefined) return carried;
  if (statFollow(path)?.kind !== "fifo") return undefined;
  const text = readText(path);
  const isText = !text.includes("\0");
  if (isText && Buffer.byteLength(text) <= LIMIT_BYTES) return text;
  const why = isText ? "it is too long for a pipe" : "it is no text";
  throw new Fault("invalid", `Unable to build from ${word}: ${why}`, {
    hint: "write it to a file, and name that",
  });
}
