import type { Invocation } from "../cli/invocation.ts";
import { VERSIONS } from "../cli/program.ts";
import type { Context } from "../terminal/context.ts";

/** `version`: the bare number that belongs to the name the program was called by; with --json who it really is. */
export function run(invocation: Invocation, context: Context): number {
  const text = invocation.bool("json")
    ? JSON.stringify({ name: "skiff", version: VERSIONS.skiff, calledAs: context.program })
    : VERSIONS[context.program];
  context.print(`${text}\n`);
  return 0;
}
