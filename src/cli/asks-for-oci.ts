import type { Invocation } from "./invocation.ts";

/**
 * Whether `--oci` is in force: `--no-oci` takes it back, but not from a variable what the command line
 * asks for. False for commands without the flags.
 */
export function asksForOci(inv: Invocation): boolean {
  if (!inv.has("oci") || !inv.bool("oci")) return false;
  const isHere = (name: string): boolean => inv.source(name) === "command line";
  return !inv.bool("no-oci") || (isHere("oci") && !isHere("no-oci"));
}
