import { ExitSignal } from "../shell/exit-signal.ts";
import { Interpreter } from "../shell/interpreter.ts";
import { NeedsShell, ShellSyntaxError } from "../shell/needs-shell.ts";
import { Parser } from "../shell/parse.ts";
import { OCI_RUN_LINE } from "./oci-scripts.ts";

/** Entrypoint and command of an OCI image as its runscript holds them: words in shell quoting. */
export interface OciRunscript {
  readonly entrypoint: string;
  readonly cmd: string;
}

export interface OciRun {
  readonly runscript: OciRunscript;
  /** Words after the image. */
  readonly arguments: readonly string[];
  /** `--no-eval`: words are taken as they are. */
  readonly noEval: boolean;
  /** Environment of the program, for words such as `$HOME`; absent when a shell is still to make it. */
  readonly variables: Readonly<Record<string, string>> | undefined;
}

export type OciArguments =
  | {
      readonly kind: "argv";
      readonly argv: readonly string[];
      /** What the user should know of how they were read. */
      readonly note?: string;
    }
  /** Neither entrypoint, command nor arguments: there is nothing to run. */
  | { readonly kind: "nothing" }
  /** The runscript itself must be run by a shell of the image. */
  | { readonly kind: "shell"; readonly reason: string };

const NO_ORIGIN = { path: "runscript", text: "", at: -1 };

/**
 * What a runscript made from an OCI image runs; undefined for any other runscript, and for one that
 * does not hold its words where it should (reference: runtime.md 3.1).
 */
export function recogniseOciRunscript(text: string): OciRunscript | undefined {
  const at = text.indexOf(OCI_RUN_LINE);
  if (
    at < 0 ||
    (at > 0 && text[at - 1] !== "\n") ||
    !/^[ \t\r]*(?:\n|$)/.test(text.slice(at + OCI_RUN_LINE.length))
  ) {
    return undefined;
  }
  const interpreter = new Interpreter(undefined);
  const head = /(?:^|\n)OCI_ENTRYPOINT=(?:'[^']*'|"'")*\nOCI_CMD=(?:'[^']*'|"'")*\n/.exec(text);
  if (head === null) return undefined;
  try {
    interpreter.runScript("runscript", head[0]);
  } catch {
    return undefined;
  }
  const entrypoint = interpreter.state.get("OCI_ENTRYPOINT");
  const cmd = interpreter.state.get("OCI_CMD");
  return entrypoint === undefined || cmd === undefined ? undefined : { entrypoint, cmd };
}

/** The command that the runscript would execute. */
export function ociArguments(run: OciRun): OciArguments {
  const { entrypoint, cmd } = run.runscript;
  const given = run.arguments;
  if (entrypoint === "" && given.length === 0 && cmd === "") return { kind: "nothing" };
  if (run.noEval) return literally(run);
  let words = cmd;
  if (given.length > 0) words = given.map((word) => `"${word}"`).join(" ");
  if (run.variables === undefined && given.some((word) => /[$`]/.test(word))) {
    return {
      kind: "shell",
      reason: "an argument refers to the environment, which a shell is still to make",
    };
  }
  if (given.length > 0 && isMalformed(words)) {
    const note =
      "The arguments are no valid shell words: they are taken as they are, as with --no-eval";
    const read = literally(run);
    return read.kind === "argv" ? { ...read, note } : read;
  }
  return readWords(`${entrypoint} ${words}`, run.variables ?? {});
}

/** The image's own words, and the user's as they are. */
function literally({ runscript, arguments: given }: OciRun): OciArguments {
  const { entrypoint, cmd } = runscript;
  const own = readWords(`${entrypoint} ${given.length === 0 ? cmd : ""}`, {});
  if (own.kind === "shell") return own;
  return { kind: "argv", argv: own.kind === "argv" ? [...own.argv, ...given] : given };
}

/** Whether no shell reads the text as words: `bash -c 'grep "(a|b)"'` is such a one once it is quoted again. */
function isMalformed(words: string): boolean {
  try {
    new Parser(`set -- ${words}`).nextLine();
    return false;
  } catch (error) {
    if (error instanceof ShellSyntaxError) return true;
    if (error instanceof NeedsShell) return false;
    throw error;
  }
}

function readWords(text: string, variables: Readonly<Record<string, string>>): OciArguments {
  const interpreter = new Interpreter(undefined);
  interpreter.state.set("IFS", " \t\n", NO_ORIGIN);
  for (const [name, value] of Object.entries(variables))
    interpreter.state.set(name, value, NO_ORIGIN);
  try {
    const error = interpreter.runScript("runscript", `set -- ${text}`);
    if (error !== undefined) return { kind: "shell", reason: error.text };
  } catch (error) {
    if (error instanceof NeedsShell) return { kind: "shell", reason: error.reason };
    if (error instanceof ExitSignal) return { kind: "shell", reason: "an argument ends the shell" };
    throw error;
  }
  if (interpreter.written.length > 0) return { kind: "shell", reason: "an argument prints" };
  const argv = interpreter.state.positional;
  return argv.length === 0 ? { kind: "nothing" } : { kind: "argv", argv };
}
