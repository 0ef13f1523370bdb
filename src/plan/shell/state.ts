import type { Command } from "./ast.ts";
import { LIMITS, NeedsShell } from "./needs-shell.ts";

/** A shell variable. Values are JS strings; an array keeps its elements by subscript. */
export interface Variable {
  /** Absent for a name that is only declared (`export X`). */
  readonly value: string | undefined;
  readonly elements: ReadonlyMap<number, string> | undefined;
  readonly exported: boolean;
  readonly readOnly: boolean;
  /** Where the value was given: resolved to text only when somebody asks. */
  readonly origin: Origin;
}

/** A place in a script, or words for anything else. */
export interface Origin {
  readonly path: string;
  readonly text: string;
  /** Offset in `text`; -1: `path` is the whole origin. */
  readonly at: number;
}

/** A script being run: where its offsets lie. */
export interface Source {
  readonly path: string;
  readonly text: string;
  /** For the text of an `eval`: the offset of the eval itself, which stands for all of it. */
  readonly fixedAt: number | undefined;
}

/** A function and the script it is written in. */
export interface ShellFunction {
  readonly body: Command;
  readonly source: Source;
}

/** `path:line` of a place. */
export function describeOrigin(origin: Origin): string {
  if (origin.at < 0) return origin.path;
  let line = 1;
  let from = origin.text.indexOf("\n");
  while (from >= 0 && from < origin.at) {
    line++;
    from = origin.text.indexOf("\n", from + 1);
  }
  return `${origin.path}:${line}`;
}

/** Variables that bash computes when they are read. (Those it presets are unset by the driver: see plan/env.) */
const DYNAMIC =
  /^(?:RANDOM|SRANDOM|SECONDS|LINENO|EPOCHSECONDS|EPOCHREALTIME|BASH|BASHPID|BASHOPTS|BASH_[A-Z0-9_]*|DIRSTACK|FUNCNAME|GROUPS|PIPESTATUS|SHELLOPTS|COMP_[A-Z]*|HISTCMD|PPID|_)$/;

/** What a shell knows at one moment: variables, functions, options, positional parameters. */
export class ShellState {
  variables: Map<string, Variable> = new Map();
  functions: Map<string, ShellFunction> = new Map();
  aliases: Set<string> = new Set();
  positional: readonly string[] = [];
  /** `$0`. */
  name = "";
  /** `$?`. */
  status = 0;
  umask: number | undefined = undefined;
  exitOnError = false;
  refuseUnset = false;
  exportAll = false;
  noGlob = false;
  /**
   * What the shell's own names stand for (`$`, `RANDOM`, `~ann`): undefined is none. Without it a name
   * that a shell computes ends the evaluation.
   */
  computed: ((name: string) => string | undefined) | undefined = undefined;
  /** Saved bindings of `local` names, one map a function call. */
  readonly scopes: Map<string, Variable | undefined>[] = [];

  /** A copy whose changes do not come back: a subshell. */
  fork(): ShellState {
    const copy = new ShellState();
    copy.variables = new Map(this.variables);
    copy.functions = new Map(this.functions);
    copy.aliases = new Set(this.aliases);
    copy.positional = this.positional;
    copy.name = this.name;
    copy.status = this.status;
    copy.umask = this.umask;
    copy.exitOnError = this.exitOnError;
    copy.refuseUnset = this.refuseUnset;
    copy.exportAll = this.exportAll;
    copy.noGlob = this.noGlob;
    copy.computed = this.computed;
    for (const scope of this.scopes) copy.scopes.push(new Map(scope));
    return copy;
  }

  /** The variable; of names that bash gives a value of its own, what `computed` says. */
  lookup(name: string): Variable | undefined {
    const found = this.variables.get(name);
    if (found !== undefined || !DYNAMIC.test(name)) return found;
    if (this.computed === undefined) throw new NeedsShell(`reads $${name}`);
    const value = this.computed(name);
    const origin = { path: "the shell", text: "", at: -1 };
    return { value, elements: undefined, exported: false, readOnly: false, origin };
  }

  /** The scalar value (element 0 of an array); undefined when unset. */
  get(name: string): string | undefined {
    const variable = this.lookup(name);
    return variable?.elements === undefined ? variable?.value : variable.elements.get(0);
  }

  set(name: string, value: string, origin: Origin): void {
    const old = this.writable(name);
    if (value.length > LIMITS.valueLength) throw new NeedsShell(`makes ${name} too long`);
    if (old?.elements !== undefined) {
      const elements = new Map(old.elements);
      elements.set(0, value);
      this.variables.set(name, { ...old, elements, origin });
      return;
    }
    const exported = this.exportAll || (old?.exported ?? false);
    this.variables.set(name, { value, elements: undefined, exported, readOnly: false, origin });
  }

  setElements(name: string, elements: ReadonlyMap<number, string>, origin: Origin): void {
    const old = this.writable(name);
    if (elements.size > 10_000) throw new NeedsShell(`makes ${name} too long`);
    const exported = this.exportAll || (old?.exported ?? false);
    this.variables.set(name, { value: undefined, elements, exported, readOnly: false, origin });
  }

  /** Sets attributes, declaring the name when it is not known. */
  mark(name: string, marks: { exported?: boolean; readOnly?: boolean }, origin: Origin): void {
    const old = this.variables.get(name);
    const base: Variable = old ?? {
      value: undefined,
      elements: undefined,
      exported: false,
      readOnly: false,
      origin,
    };
    // A name that bash computes, exported without a value, would take bash's value.
    if (old === undefined && DYNAMIC.test(name)) throw new NeedsShell(`exports ${name}`);
    this.variables.set(name, { ...base, ...marks });
  }

  unset(name: string): void {
    this.writable(name);
    this.variables.delete(name);
  }

  /** Makes `name` local to the running function. */
  localise(name: string): void {
    const scope = this.scopes.at(-1);
    if (scope === undefined) throw new NeedsShell("uses local outside a function");
    if (this.variables.get(name)?.readOnly) throw new NeedsShell(`assigns to read-only ${name}`);
    if (scope.has(name)) return;
    const old = this.variables.get(name);
    scope.set(name, old);
    this.variables.delete(name);
    if (old !== undefined) {
      this.variables.set(name, { ...old, value: undefined, elements: undefined });
    }
  }

  leaveScope(): void {
    const scope = this.scopes.pop();
    if (scope === undefined) return;
    for (const [name, variable] of scope) {
      if (variable === undefined) this.variables.delete(name);
      else this.variables.set(name, variable);
    }
  }

  private writable(name: string): Variable | undefined {
    const old = this.variables.get(name);
    if (old?.readOnly) throw new NeedsShell(`assigns to read-only ${name}`);
    return old;
  }
}
