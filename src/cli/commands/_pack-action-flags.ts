import { packFlags } from "../flag-index.ts";
import type { PackedFlag } from "../spec.ts";
import { ACTION_FLAGS, SHELL_FLAG } from "./_flags-action.ts";

/** Rows of ACTION_FLAGS, then that of SHELL_FLAG. Called as a macro: the program holds its result. */
export function packActionFlags(): readonly PackedFlag[] {
  return packFlags([...ACTION_FLAGS, SHELL_FLAG]);
}
