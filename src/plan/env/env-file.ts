import { Fault } from "../../base/fault.ts";
import { ExitSignal } from "../shell/exit-signal.ts";
import { Interpreter } from "../shell/interpreter.ts";
import { NeedsShell } from "../shell/needs-shell.ts";
import type { Origin } from "../shell/state.ts";
import type { EnvFileValues, NamedValue } from "./environment-input.ts";
import { isScriptName } from "./names.ts";

/** What an environment file is evaluated with. */
export interface EnvFileInput {
  /** As given to --env-file. */
  readonly path: string;
  readonly text: string;
  /** The caller's environment. */
  readonly host: Readonly<Record<string, string>>;
  /** Absolute path of the image: the file sees it as APPTAINER_IMAGE. */
  readonly imagePath: string;
  /** `exec`, `run`, …: its legacy script is `$1`. */
  readonly action: string;
  /** Words after the image: `$2` and on. */
  readonly arguments: readonly string[];
}

/** Names that a file may assign without effect: they belong to the shell or to the runtime. */
const IGNORED = new Set(["EUID", "GID", "HOME", "IFS", "OPTIND", "PWD", "UID", "APPTAINER_IMAGE"]);

/**
 * Variables that an environment file assigns, exported or not (reference: runtime.md 2.2). It is
 * evaluated on the host, where running programs is not allowed.
 *
 * @throws Fault `invalid` for a syntax error or a command, with its place.
 */
export function evaluateEnvFile(input: EnvFileInput): EnvFileValues {
  const { path } = input;
  const interpreter = new Interpreter(undefined);
  const { state } = interpreter;
  state.name = "apptainer";
  state.positional = [`/.singularity.d/actions/${input.action}`, ...input.arguments];
  const given = { ...input.host, APPTAINER_IMAGE: input.imagePath };
  for (const [name, value] of Object.entries(given)) {
    if (!isScriptName(name)) continue;
    state.set(name, value, HOST);
    state.mark(name, { exported: true }, HOST);
  }
  const bad = (place: string, why: string): Fault =>
    new Fault("invalid", `while setting environment: while processing ${path}: ${place}: ${why}`, {
      hint: "an environment file holds assignments; values may use quotes and other variables, but run no programs",
    });
  try {
    const error = interpreter.runScript(path, input.text);
    if (error !== undefined) throw bad(error.place, error.text);
  } catch (error) {
    if (error instanceof NeedsShell) {
      throw bad(error.place ?? path, `${error.reason}: execution is disabled`);
    }
    if (!(error instanceof ExitSignal)) throw error;
  }
  const variables: NamedValue[] = [];
  for (const [name, { value, origin }] of state.variables) {
    if (value === undefined || origin.path !== path || IGNORED.has(name)) continue;
    variables.push({ name, value });
  }
  return { path, variables };
}

const HOST: Origin = { path: "host", text: "", at: -1 };
