import { ExitSignal } from "../shell/exit-signal.ts";
import { Interpreter } from "../shell/interpreter.ts";
import { NeedsShell } from "../shell/needs-shell.ts";
import type { ScriptText } from "../shell/script-files.ts";
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
}

/** What an `--env-file` gives (reference: runtime.md 2.2). */
export type EnvFileResult =
  | { readonly kind: "values"; readonly variables: readonly NamedValue[]; readonly output: string }
  /** The file cannot be read as a script, or it gave up: a sentence without full stop. */
  | { readonly kind: "failed"; readonly text: string }
  /**
   * Only a shell on the host answers: run `argv` with `env`, descriptor 3 a pipe; it writes NUL-ended
   * `NAME=value` records and an empty one last.
   */
  | {
      readonly kind: "shell";
      readonly reason: string;
      readonly argv: readonly string[];
      readonly env: readonly string[];
    };

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
  const interpreter = new Interpreter(undefined);
  const { state } = interpreter;
  state.name = "apptainer";
  state.positional = positional;
  for (const [name, value] of Object.entries(input.host)) state.set(name, value, start);
  state.set("APPTAINER_IMAGE", input.imagePath, start);
  state.set("IFS", " \t\n", start);
  state.set("PWD", input.cwd, start);
  state.exportAll = true;
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
      return {
        kind: "shell",
        reason: `${error.place ?? file.path}: ${error.reason}`,
        ...driver(input, positional),
      };
    } else {
      throw error;
    }
  }
  const variables: NamedValue[] = [];
  for (const [name, variable] of state.variables) {
    if (!variable.exported || variable.value === undefined || IGNORED.has(name)) continue;
    variables.push({ name, value: variable.value });
  }
  let output = "";
  for (const written of interpreter.written) output += written.text;
  return { kind: "values", variables, output };
}

function driver(
  input: EnvFileInput,
  positional: readonly string[],
): { argv: readonly string[]; env: readonly string[] } {
  const ignored = [...IGNORED, "SHLVL", "OLDPWD", "_", "BASHOPTS", "SHELLOPTS"].join("|");
  const script = `
__skiff_file=$1; shift
for __skiff_name in $(compgen -e); do export -n "$__skiff_name"; done
set -a
source "$__skiff_file"
set +aefuvx
__skiff_names=$(compgen -e)$'\\n'
__skiff_out=()
while [[ -n $__skiff_names ]]; do
  __skiff_name=\${__skiff_names%%$'\\n'*} __skiff_names=\${__skiff_names#*$'\\n'}
  case $__skiff_name in __skiff_*|${ignored}) continue ;; esac
  [[ -v $__skiff_name && \${!__skiff_name@a} != *[aA]* ]] || continue
  __skiff_out+=("$__skiff_name=\${!__skiff_name}")
done
printf '%s\\0' "\${__skiff_out[@]}" '' >&3
`;
  const env: string[] = [`APPTAINER_IMAGE=${input.imagePath}`];
  for (const [name, value] of Object.entries(input.host)) {
    if (
      name !== "APPTAINER_IMAGE" &&
      name !== "BASH_ENV" &&
      name !== "SHELLOPTS" &&
      name !== "BASHOPTS"
    ) {
      env.push(`${name}=${value}`);
    }
  }
  const path = input.file.path.includes("/") ? input.file.path : `./${input.file.path}`;
  return {
    argv: ["bash", "--norc", "--noprofile", "-c", script, "apptainer", path, ...positional],
    env,
  };
}
