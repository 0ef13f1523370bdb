import { findTool } from "../host/find-tool.ts";
import { runChild } from "./child.ts";
import type { ContainerEnd, ContainerInput, RunInContainer } from "./container.ts";

/**
 * Variables of this program that reach its containers during a build, with either prefix. Those for
 * binds are not among them: binds are passed as words, with their sources made absolute.
 */
const PASSED = ["DEBUG", "NV", "NVCCLI", "ROCM"];

/**
 * Runs containers by starting this program again, with the built-in configuration (`--build-config`).
 *
 * @param program words that start it (own-program.ts).
 * @param stdout where standard output goes: `error` leaves this program's own to it.
 */
export function selfContainer(
  program: readonly string[],
  env: Readonly<Record<string, string>>,
  stdout: "pass" | "error" = "pass",
): RunInContainer {
  // A build that is killed takes the script that it waits for with it.
  const setpriv = findTool("setpriv", "$PATH", env["PATH"]);
  const dying = setpriv === undefined ? [] : [setpriv, "--pdeathsig", "KILL"];
  return async (input) => await runSelf([...dying, ...program], env, stdout, input);
}

async function runSelf(
  program: readonly string[],
  env: Readonly<Record<string, string>>,
  stdout: "pass" | "error",
  input: ContainerInput,
): Promise<ContainerEnd> {
  const isTest = input.action === "test";
  const words = [...(isTest ? ["-s"] : []), "--build-config", input.action, "--pwd"];
  words.push(input.cwd ?? "/");
  // Root of a user namespace keeps the ids it has; for the real root the word means nothing.
  words.push("--fakeroot");
  // Where only one id exists the build's filter stands for that program (fake-owners.ts).
  words.push("--ignore-fakeroot-command");
  if (input.writable) words.push("--writable");
  words.push(...(input.flags ?? []));
  if (input.cleanEnvironment) words.push("--cleanenv");
  for (const [name, value] of Object.entries(input.env)) words.push("--env", envWord(name, value));
  for (const mount of input.mounts) words.push("--mount", mount);
  return await runChild({
    argv: [...program, ...words, input.root, ...input.argv],
    env: passedEnvironment(env, isTest ? [...PASSED, "WRITABLE_TMPFS"] : PASSED),
    // The caller's directory would be mounted in the container.
    cwd: "/",
    stdin: "pass",
    stdout,
    stderr: "pass",
    signal: input.signal,
  });
}

/** A word of `--env`: with a second equals sign it is read as CSV. */
function envWord(name: string, value: string): string {
  const word = `${name}=${value}`;
  return value.includes("=") ? `"${word.replaceAll('"', '""')}"` : word;
}

/** The environment without this program's own variables, but for the named ones. */
export function passedEnvironment(
  env: Readonly<Record<string, string>>,
  names: readonly string[],
): Readonly<Record<string, string>> {
  const isPassed = (name: string): boolean => {
    const own = /^(?:APPTAINER|SINGULARITY)_(.*)$/s.exec(name)?.[1];
    return own === undefined || names.includes(own);
  };
  return Object.fromEntries(Object.entries(env).filter(([name]) => isPassed(name)));
}
