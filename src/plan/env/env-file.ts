import { ExitSignal } from "../shell/exit-signal.ts";
import { Interpreter } from "../shell/interpreter.ts";
import { NeedsShell } from "../shell/needs-shell.ts";
import type { ScriptFiles, ScriptText } from "../shell/script-files.ts";
import { describeOrigin } from "../shell/state.ts";
import type { NamedValue } from "./environment-input.ts";

export interface EnvFileInput {
  readonly file: ScriptText;
  /** The caller's environment, which the file may refer to. */
  readonly host: Readonly<Record<string, string>>;
  readonly imagePath: string;
  readonly action: string;
  /** Words after the image. */
  readonly arguments: readonly string[];
  readonly cwd: string;
  /** The host's files, for tests such as `[ -d /scratch ]`. */
  readonly files: ScriptFiles;
  /** Of the names that a shell computes: `$`, `PPID`, `RANDOM`, `~NAME`. */
  readonly computed: (name: string) => string | undefined;
}

/** What an `--env-file` gives (reference: runtime.md 2.2). */
export type EnvFileResult =
  | {
      readonly kind: "values";
      readonly variables: readonly NamedValue[];
      /** What programs were not run, and what the file printed to standard error. */
      readonly complaints: readonly string[];
    }
  /** The file cannot be read as a script, gave up, or runs a program: a sentence without full stop. */
  | { readonly kind: "failed"; readonly text: string };

/** Names that a file cannot give. */
const IGNORED: ReadonlySet<string> = new Set([
  "EUID",
  "GID",
  "HOME",
  "IFS",
  "OPTIND",
  "PWD",
  "UID",
]);

/** Evaluates the file on the host's side: every variable that it assigns counts, exported or not. */
export function evaluateEnvFile(input: EnvFileInput): EnvFileResult {
  const { file } = input;
  const positional = [`/.singularity.d/actions/${input.action}`, ...input.arguments];
  const start = { path: "host", text: "", at: -1 };
  const interpreter = new Interpreter(input.files);
  interpreter.isEnvFile = true;
  const { state } = interpreter;
  state.name = "apptainer";
  state.positional = positional;
  for (const [name, value] of Object.entries(input.host)) state.set(name, value, start);
  state.set("APPTAINER_IMAGE", input.imagePath, start);
  state.set("IFS", " \t\n", start);
  state.set("PWD", input.cwd, start);
  const { uid, gid } = input.files;
  for (const [name, id] of Object.entries({ UID: uid, EUID: uid, GID: gid }))
    state.set(name, String(id), start);
  state.exportAll = true;
  state.computed = (name) =>
    name === "LINENO"
      ? describeOrigin(interpreter.origin(interpreter.at)).replace(/.*:/s, "")
      : input.computed(name);
  try {
    const error = interpreter.runScript(file.path, file.text);
    if (error !== undefined) {
      return {
        kind: "failed",
        text: `Cannot evaluate "${file.path}": ${error.place}: ${error.text}`,
      };
    }
  } catch (error) {
    if (error instanceof ExitSignal) {
      if (error.status !== 0) {
        return {
          kind: "failed",
          text: `Cannot evaluate "${file.path}": exit status ${error.status}`,
        };
      }
    } else if (error instanceof NeedsShell) {
      const place = error.place ?? file.path;
      return { kind: "failed", text: `${place}: ${error.reason}: execution is disabled` };
    } else {
      throw error;
    }
  }
  const variables: NamedValue[] = [];
  for (const [name, variable] of state.variables) {
    if (!variable.exported || variable.value === undefined || IGNORED.has(name)) continue;
    variables.push({ name, value: variable.value });
  }
  let errors = "";
  for (const written of interpreter.written) if (written.stream === 2) errors += written.text;
  return {
    kind: "values",
    variables,
    complaints: errors.split("\n").filter((line) => line !== ""),
  };
}
