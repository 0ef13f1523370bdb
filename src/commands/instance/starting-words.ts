import type { Invocation } from "../../cli/invocation.ts";

/** A unit has a process id file of its own; credentials do not belong in a file for everyday use. */
const LEFT_OUT: readonly string[] = ["pid-file", "docker-username", "docker-password"];

/**
 * The words of a command line that asks for the same as this call: what variables of the environment
 * set is spelled out, so that it means the same elsewhere.
 */
export function startingWords(inv: Invocation): readonly string[] {
  const [group = "", ...rest] = inv.path;
  const globals = inv.globals.setNames().flatMap((name) => flagWords(inv.globals, name));
  const flags = inv
    .setNames()
    .filter((name) => !LEFT_OUT.includes(name))
    .flatMap((name) => flagWords(inv, name));
  return [...globals, group, ...rest, ...flags, "--", ...inv.args];
}

function flagWords(flags: Pick<Invocation, "settings">, name: string): string[] {
  return flags.settings(name).map(({ value }) => `--${name}=${value}`);
}
