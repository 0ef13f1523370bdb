import { ExitSignal } from "../shell/exit-signal.ts";
import { Interpreter } from "../shell/interpreter.ts";
import { NeedsShell } from "../shell/needs-shell.ts";
import { describeOrigin, type Origin } from "../shell/state.ts";
import type { BaseVariables } from "./base-variables.ts";
import type { EnvironmentInput } from "./environment-input.ts";
import type { EnvironmentNotice, EnvironmentVariable, ScriptOutput } from "./environment-plan.ts";
import type { InjectedVariable, Injection } from "./injected-variables.ts";
import { DEFAULT_PATH, isScriptName, LIBRARY_DIRECTORY } from "./names.ts";
import { quoteInjected } from "./quote-injected.ts";
import type { ScriptStep } from "./script-steps.ts";

export interface Construction {
  readonly input: EnvironmentInput;
  readonly injection: Injection;
  readonly base: BaseVariables;
  readonly steps: readonly ScriptStep[];
}

export interface DirectResult {
  /** Sorted by name. When a shell is needed: what is known without it. */
  readonly variables: readonly EnvironmentVariable[];
  readonly output: readonly ScriptOutput[];
  readonly exit: number | undefined;
  readonly umask: number | undefined;
  readonly arguments: readonly string[] | undefined;
  readonly notices: readonly EnvironmentNotice[];
  /** First construct that only a shell carries out, with its place. */
  readonly needsShell: string | undefined;
}

/** Runs the steps on an environment held in memory. */
export function evaluateDirectly(construction: Construction): DirectResult {
  const run = new DirectRun(construction);
  run.prepare();
  for (const step of construction.steps) {
    if (run.exit !== undefined) break;
    run.carryOut(step);
  }
  if (run.exit === undefined) run.finish();
  return run.result();
}

class DirectRun {
  exit: number | undefined;
  private readonly construction: Construction;
  private readonly interpreter: Interpreter;
  private readonly notices: EnvironmentNotice[] = [];
  private readonly untouched: EnvironmentVariable[];
  private needsShell: string | undefined;

  constructor(construction: Construction) {
    this.construction = construction;
    this.interpreter = new Interpreter(construction.input.files);
    this.untouched = [...construction.base.untouched];
  }

  prepare(): void {
    const { input, base } = this.construction;
    const { state } = this.interpreter;
    state.name = `/.singularity.d/actions/${input.action}`;
    state.positional = input.arguments;
    this.set("IFS", " \t\n", "shell");
    this.set("OPTIND", "1", "shell");
    for (const name of ["UID", "EUID"]) {
      this.set(name, String(input.uid), "shell");
      state.mark(name, { readOnly: true }, words("shell"));
    }
    this.set("GID", String(input.gid), "shell");
    for (const variable of base.visible)
      this.export(variable.name, variable.value, variable.origin);
  }

  carryOut(step: ScriptStep): void {
    try {
      this.carryOutUnguarded(step);
    } catch (error) {
      if (error instanceof ExitSignal) this.exit = error.status;
      else if (error instanceof NeedsShell) this.refuse(error);
      else throw error;
    }
  }

  private carryOutUnguarded(step: ScriptStep): void {
    switch (step.kind) {
      case "source": {
        const { path, text } = step.script;
        const error = this.interpreter.runScript(path, text);
        // Printed where a shell would print it: among what the scripts print.
        if (error !== undefined) this.interpreter.complain(`${error.place}: ${error.text}`);
        return;
      }
      case "default-path":
        if (this.get("PATH") === undefined) this.export("PATH", DEFAULT_PATH, "default PATH");
        return;
      case "complete-path":
        this.completePath();
        return;
      case "inject":
        this.inject();
        return;
      case "runtime-path":
        this.applyPath();
        return;
    }
  }

  private refuse(error: NeedsShell): void {
    this.needsShell ??=
      error.place === undefined ? error.reason : `${error.place}: ${error.reason}`;
  }

  private completePath(): void {
    const path = this.get("PATH");
    const entries = path === undefined || path === "" ? [] : path.split(":");
    const missing = DEFAULT_PATH.split(":").filter((entry) => !entries.includes(entry));
    const old = this.originOf("PATH");
    const origin =
      path === undefined ? "default PATH" : missing.length === 0 ? old : `${old}, default PATH`;
    this.export("PATH", [...entries, ...missing].join(":"), origin);
  }

  private inject(): void {
    const { input, injection } = this.construction;
    if (this.get("PATH") === undefined) this.export("PATH", DEFAULT_PATH, "default PATH");
    for (const { name, value, origin } of injection.variables) {
      if (!isScriptName(name)) {
        this.untouched.push({ name, value, origin });
        continue;
      }
      const evaluated = this.evaluate(value, origin);
      const suffix = name === "LD_LIBRARY_PATH" && value !== "" ? `:${LIBRARY_DIRECTORY}` : "";
      this.export(name, evaluated + suffix, origin);
    }
    if (this.get("LD_LIBRARY_PATH") !== LIBRARY_DIRECTORY) return;
    if (
      !input.librariesBound &&
      !this.get("PREPEND_LD_LIBRARY_PATH") &&
      !this.get("APPEND_LD_LIBRARY_PATH")
    )
      return;
    const directories = input.libraryDirectories();
    if (directories.length === 0) return;
    this.export(
      "LD_LIBRARY_PATH",
      `${directories.join(":")}:${LIBRARY_DIRECTORY}`,
      "library directories of the image, then of the host",
    );
  }

  /** The value of an injected variable, which may refer to others (reference: runtime.md 2.2). */
  private evaluate(value: string, origin: string): string {
    if (this.construction.input.noEval) return value;
    const quoted = quoteInjected(value);
    if (quoted.kind === "plain") return value;
    if (quoted.kind === "broken") {
      this.notices.push({
        level: "warning",
        text: `Taking the value of ${origin} literally: ${quoted.why}`,
      });
      return value;
    }
    try {
      return this.interpreter.expandQuoted(quoted.text, origin);
    } catch (error) {
      if (!(error instanceof NeedsShell)) throw error;
      this.refuse(error);
      return value;
    }
  }

  private applyPath(): void {
    const { path, prependPath, appendPath } = this.construction.injection;
    const evaluated = (injected: InjectedVariable | undefined): string =>
      injected === undefined ? "" : this.evaluate(injected.value, injected.origin);
    // What they say of PATH is the image's, before any of them.
    const [front, end, whole] = [prependPath, appendPath, path].map(evaluated);
    if (front) {
      const origin = `${prependPath?.origin}, ${this.originOf("PATH")}`;
      this.export("PATH", `${front}:${this.get("PATH") ?? ""}`, origin);
    }
    if (end) {
      const origin = `${this.originOf("PATH")}, ${appendPath?.origin}`;
      this.export("PATH", `${this.get("PATH") ?? ""}:${end}`, origin);
    }
    if (whole && path !== undefined) this.export("PATH", whole, path.origin);
    this.interpreter.state.mark("PATH", { exported: true }, words("default PATH"));
  }

  /** Restores what was hidden, then what the runtime insists on. */
  finish(): void {
    const { input, base } = this.construction;
    this.interpreter.state.exportAll = false;
    this.extendLibraryPath();
    for (const { name, value, origin } of base.forced) this.export(name, value, origin);
    for (const { name, value, origin } of base.hidden) {
      const present = this.get(name);
      if (present === undefined) this.export(name, value, origin);
      else if (present === "" && !isForced(base, name)) this.unset(name);
    }
    this.export(
      "PWD",
      this.injected("PWD") ? (this.get("PWD") ?? "") : input.cwd,
      this.originOf("PWD"),
    );
    this.setPrompt();
    const environment =
      this.get("APPTAINER_ENVIRONMENT") || "/.singularity.d/env/91-environment.sh";
    this.export("APPTAINER_ENVIRONMENT", environment, "runtime");
    this.export("SINGULARITY_ENVIRONMENT", environment, "runtime");
    if (input.interactiveShell !== undefined)
      this.export("SHELL", input.interactiveShell, "runtime");
  }

  private injected(name: string): boolean {
    for (const variable of this.construction.injection.variables)
      if (variable.name === name) return true;
    return false;
  }

  private extendLibraryPath(): void {
    const front = this.get("PREPEND_LD_LIBRARY_PATH");
    const end = this.get("APPEND_LD_LIBRARY_PATH");
    if (!this.get("LD_LIBRARY_PATH")) return;
    if (front)
      this.set(
        "LD_LIBRARY_PATH",
        `${front}:${this.get("LD_LIBRARY_PATH")}`,
        `PREPEND_LD_LIBRARY_PATH, ${this.originOf("LD_LIBRARY_PATH")}`,
      );
    if (end)
      this.set(
        "LD_LIBRARY_PATH",
        `${this.get("LD_LIBRARY_PATH")}:${end}`,
        `${this.originOf("LD_LIBRARY_PATH")}, APPEND_LD_LIBRARY_PATH`,
      );
  }

  /** bash start-up files would overwrite PS1, so PROMPT_COMMAND sets it once more. */
  private setPrompt(): void {
    if (!this.get("PS1")) this.export("PS1", this.construction.input.prompt, "default prompt");
    const prompt = this.get("PS1") ?? "";
    const command = this.get("PROMPT_COMMAND");
    this.export(
      "PROMPT_COMMAND",
      command
        ? `${command}; PROMPT_COMMAND="\${PROMPT_COMMAND%%; PROMPT_COMMAND=*}"; PS1="${prompt}"`
        : `PS1="${prompt}"; unset PROMPT_COMMAND`,
      command ? `${this.originOf("PROMPT_COMMAND")}, default prompt` : "default prompt",
    );
  }

  result(): DirectResult {
    const { input } = this.construction;
    const { state } = this.interpreter;
    const variables: EnvironmentVariable[] = [...this.untouched];
    const given = new Set<string>();
    for (const { name } of this.untouched) given.add(name);
    for (const [name, variable] of state.variables) {
      if (!variable.exported || variable.value === undefined || given.has(name)) continue;
      variables.push({ name, value: variable.value, origin: describeOrigin(variable.origin) });
    }
    variables.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    const { positional } = state;
    let same = positional.length === input.arguments.length;
    for (let i = 0; same && i < positional.length; i++) same = positional[i] === input.arguments[i];
    return {
      variables,
      output: this.interpreter.written,
      exit: this.exit,
      umask: state.umask,
      arguments: same ? undefined : positional,
      notices: this.notices,
      needsShell: this.needsShell,
    };
  }

  private get(name: string): string | undefined {
    const variable = this.interpreter.state.variables.get(name);
    return variable?.elements === undefined ? variable?.value : variable.elements.get(0);
  }

  private originOf(name: string): string {
    const variable = this.interpreter.state.variables.get(name);
    return variable === undefined ? "runtime" : describeOrigin(variable.origin);
  }

  /** Assigns as the runtime does: an array or a read-only variable of a script is replaced. */
  private set(name: string, value: string, origin: string): void {
    const { variables } = this.interpreter.state;
    const exported = variables.get(name)?.exported ?? false;
    variables.set(name, {
      value,
      elements: undefined,
      exported,
      readOnly: false,
      origin: words(origin),
    });
  }

  private export(name: string, value: string, origin: string): void {
    this.set(name, value, origin);
    this.interpreter.state.mark(name, { exported: true }, words(origin));
  }

  private unset(name: string): void {
    this.interpreter.state.variables.delete(name);
  }
}

function isForced(base: BaseVariables, name: string): boolean {
  for (const variable of base.forced) if (variable.name === name) return true;
  return false;
}

function words(text: string): Origin {
  return { path: text, text: "", at: -1 };
}
