import { readdirSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { baseName } from "../base/path.ts";
import { statFollow } from "../host/host-files.ts";

/** What decides whether a target may be written. */
export interface TargetInput {
  /** Absolute path. */
  readonly path: string;
  readonly sandbox: boolean;
  readonly update: boolean;
  readonly force: boolean;
  /** Asks a yes-or-no question; undefined when nobody can answer. */
  readonly ask: ((question: string) => boolean) | undefined;
}

const WHILE = "While checking build target: ";

/**
 * Holds the rules for targets (reference: deffile.md section 7): throws a Fault when the target may
 * not be written. True when writing means to replace what is there.
 */
export function checkTarget(input: TargetInput): boolean {
  const { path } = input;
  const hint = "use --force to overwrite it";
  if (input.update && !input.sandbox) {
    throw new Fault(
      "usage",
      `${WHILE}only sandbox update is supported: --sandbox flag is missing`,
      { exitCode: 255, hint: "add --sandbox" },
    );
  }
  const stat = statFollow(path);
  if (stat === undefined) {
    if (!input.update) return false;
    throw new Fault("not-found", `${WHILE}Cannot update "${path}": no such directory`, {
      hint: "build it without --update first",
    });
  }
  if (input.update && stat.kind !== "dir") {
    throw new Fault(
      "invalid",
      `${WHILE}only sandbox update is supported: ${path} is not a directory`,
      { hint: "build a sandbox from it first: build --sandbox DIRECTORY IMAGE" },
    );
  }
  if (input.force) return true;
  if (stat.kind === "dir" && !isSandboxOrEmpty(path)) {
    throw new Fault(
      "exists",
      `${WHILE}${path} is not empty and is not an Apptainer sandbox, check its content first and use --force if you want to overwrite it`,
    );
  }
  if (input.update) return true;
  const name = baseName(path);
  if (input.ask === undefined) {
    throw new Fault(
      "exists",
      `${WHILE}build target '${name}' already exists. Use --force if you want to overwrite it`,
    );
  }
  const question = `Build target '${name}' already exists and will be deleted during the build process. Do you want to continue? [y/N] `;
  if (!input.ask(question)) throw new Fault("exists", `${WHILE}stopping build`, { hint });
  return true;
}

function isSandboxOrEmpty(path: string): boolean {
  let names: readonly string[];
  try {
    names = readdirSync(path);
  } catch (cause) {
    throw new Fault("denied", `${WHILE}could not read sandbox directory ${path}`, { cause });
  }
  const required = [".singularity.d", "dev", "proc", "sys"];
  return names.length === 0 || required.every((name) => names.includes(name));
}
