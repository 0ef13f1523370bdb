import { cleanPath } from "../../base/path.ts";
import { BUILTINS } from "./_builtins.ts";
import { redirect } from "./_redirect.ts";
import { runCommand, runList } from "./_run-command.ts";
import { LoopSignal, ReturnSignal } from "./_signals.ts";
import type { List, Part, Redirection } from "./ast.ts";
import type { BuiltinHost } from "./builtin.ts";
import { ContainerFiles } from "./container-files.ts";
import { ExitSignal } from "./exit-signal.ts";
import { expandText } from "./expand.ts";
import { LIMITS, NeedsShell, ShellSyntaxError } from "./needs-shell.ts";
import { Parser } from "./parse.ts";
import { runQuickLines } from "./quick-lines.ts";
import type { ScriptFiles } from "./script-files.ts";
import {
  describeOrigin,
  type Origin,
  type ShellFunction,
  ShellState,
  type Source,
} from "./state.ts";
import { Sink, type Streams, type WrittenText } from "./stream.ts";

/** A syntax error in a script: what stands before it has been carried out. */
export interface ScriptError {
  readonly place: string;
  readonly text: string;
}

/** Carries out parsed scripts on a state held in memory. Throws NeedsShell where only a real shell will do. */
export class Interpreter implements BuiltinHost {
  state: ShellState = new ShellState();
  readonly files: ContainerFiles;
  readonly written: WrittenText[] = [];
  streams: Streams;
  at = 0;
  /** The script being run. */
  source: Source = { path: "", text: "", fixedAt: 0 };
  private steps = 0;
  private calls = 0;
  /** Above 0: in a condition, where `set -e` does not count. */
  tolerant = 0;
  /**
   * Reads as the reference tool reads `--env-file`: a backslash outside quotes stays in a value, and
   * a program in a substitution gives nothing, with a complaint.
   */
  isEnvFile = false;
  /** Status of the last command substitution of the running command. */
  substituted: number | undefined;

  constructor(files: ScriptFiles | undefined) {
    this.files = new ContainerFiles(files, this);
    this.streams = {
      input: undefined,
      output: new Sink("outside", 1, this.written),
      error: new Sink("outside", 2, this.written),
    };
  }

  step(count: number): void {
    this.steps += count;
    if (this.steps > LIMITS.steps) throw new NeedsShell("takes more steps than the limit");
  }

  origin(at: number): Origin {
    const { path, text, fixedAt } = this.source;
    return { path, text, at: fixedAt ?? at };
  }

  /**
   * Runs a script as `source` does. A syntax error ends the script and is given back; `exit` is
   * thrown as ExitSignal.
   */
  runScript(path: string, text: string): ScriptError | undefined {
    const { source: before, tolerant } = this;
    this.source = { path, text, fixedAt: undefined };
    try {
      return this.guard(() => this.runLines(text));
    } catch (error) {
      if (!(error instanceof ReturnSignal)) throw error;
      this.tolerant = tolerant;
      this.state.status = error.status;
      return undefined;
    } finally {
      this.source = before;
    }
  }

  /** Writes a line to standard error. */
  complain(text: string): void {
    this.streams.error.write(`${text}\n`);
  }

  /** Value of a text as between double quotes, where `\"` stands for a quote: what an injected variable becomes. */
  expandQuoted(text: string, place: string): string {
    const before = this.source;
    this.source = { path: place, text: "", fixedAt: -1 };
    this.at = -1;
    try {
      return this.guard(() => {
        const parts: Part[] = [];
        new Parser(text).readQuoted(parts, '"');
        return expandText(parts, this);
      });
    } finally {
      this.source = before;
    }
  }

  private runLines(text: string): ScriptError | undefined {
    if (text.length > LIMITS.scriptLength) throw new NeedsShell("is longer than the limit");
    if (text.includes("\0")) throw new NeedsShell("holds a NUL character");
    const parser = new Parser(text.includes("\r\n") ? text.replaceAll("\r\n", "\n") : text);
    parser.keepsBackslashes = this.isEnvFile;
    if (this.source.text !== parser.text) this.source = { ...this.source, text: parser.text };
    try {
      for (;;) {
        parser.position = runQuickLines(parser.text, parser.position, this);
        const line = parser.nextLine();
        if (line === undefined) break;
        runList(this, line);
      }
    } catch (error) {
      if (!(error instanceof ShellSyntaxError)) throw error;
      this.state.status = 2;
      return { place: describeOrigin(this.origin(error.at)), text: error.message };
    }
    return undefined;
  }

  /** Puts the place on a NeedsShell, and turns the engine's own stack limit into one. */
  private guard<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (error instanceof RangeError)
        throw new NeedsShell("nests deeper than the limit", describeOrigin(this.origin(this.at)));
      if (error instanceof NeedsShell && error.place === undefined)
        error.place = describeOrigin(this.origin(this.at));
      throw error;
    }
  }

  evaluateText(text: string): number {
    const before = this.source;
    this.enterCall();
    this.source = { path: before.path, text: before.text, fixedAt: before.fixedAt ?? this.at };
    try {
      const parser = new Parser(text);
      this.state.status = 0;
      for (let line = parser.nextLine(); line !== undefined; line = parser.nextLine())
        runList(this, line);
    } catch (error) {
      if (error instanceof ShellSyntaxError)
        throw new NeedsShell("evaluates a text with a syntax error");
      throw error;
    } finally {
      this.source = before;
      this.calls--;
    }
    return this.state.status;
  }

  sourceFile(path: string, args: readonly string[]): number {
    const text = this.files.read(this.absolute(path), `sources "${path}"`);
    const { source, at } = this;
    const { positional } = this.state;
    this.enterCall();
    if (args.length > 0) this.state.positional = args;
    this.state.status = 0;
    try {
      const error = this.runScript(path, text);
      if (error !== undefined)
        throw new NeedsShell("sources a file with a syntax error", error.place);
    } finally {
      this.source = source;
      this.at = at;
      this.calls--;
      if (args.length > 0) this.state.positional = positional;
    }
    return this.state.status;
  }

  absolute(path: string): string {
    if (path.startsWith("/")) return cleanPath(path);
    const here = this.state.get("PWD");
    if (here === undefined || !here.startsWith("/"))
      throw new NeedsShell(`asks for the relative path "${path}"`);
    return cleanPath(`${here}/${path}`);
  }

  isBuiltin(name: string): boolean {
    return BUILTINS.has(name);
  }

  runBuiltin(name: string, args: readonly string[]): number {
    const builtin = BUILTINS.get(name);
    if (builtin === undefined) throw new NeedsShell(`runs "${name}"`);
    return builtin(args, this);
  }

  substitute(body: List): string {
    const capture = new Sink("capture");
    const run = (): void => {
      // bash drops `set -e` in command substitutions.
      this.state.exitOnError = false;
      runList(this, body);
    };
    try {
      this.substituted = this.runSubshell(run, {
        ...this.streams,
        output: capture,
      });
    } catch (error) {
      if (!this.isEnvFile || !(error instanceof NeedsShell)) throw error;
      const place = error.place ?? describeOrigin(this.origin(this.at));
      this.complain(`${place}: ${error.reason}: execution is disabled`);
      this.substituted = 1;
    }
    return capture.text.replace(/\n+$/, "").replaceAll("\0", "");
  }

  private enterCall(): void {
    if (++this.calls > LIMITS.calls) throw new NeedsShell("calls deeper than the limit");
  }

  /** Runs something on a copy of the state; gives its exit status. */
  runSubshell(run: () => void, streams: Streams): number {
    const { state, streams: before, at, calls, tolerant } = this;
    this.state = state.fork();
    this.streams = streams;
    this.step(20 + state.variables.size);
    try {
      run();
    } catch (error) {
      if (error instanceof ExitSignal) this.state.status = error.status;
      else if (error instanceof ReturnSignal || error instanceof LoopSignal)
        throw new NeedsShell("leaves a subshell oddly");
      else throw error;
    } finally {
      const { status } = this.state;
      this.state = state;
      this.streams = before;
      this.at = at;
      this.calls = calls;
      this.tolerant = tolerant;
      state.status = status;
    }
    return state.status;
  }

  /** Runs something with other streams. */
  withRedirections(redirections: readonly Redirection[], run: () => void): void {
    const before = this.streams;
    this.streams = redirect(redirections, before, this);
    try {
      run();
    } finally {
      this.streams = before;
    }
  }

  /** Calls a function of the script. */
  callFunction(shellFunction: ShellFunction, args: readonly string[]): void {
    const { state, source, at, tolerant } = this;
    const { positional } = state;
    this.enterCall();
    state.scopes.push(new Map());
    state.positional = args;
    this.source = shellFunction.source;
    try {
      runCommand(this, shellFunction.body);
    } catch (error) {
      if (!(error instanceof ReturnSignal)) throw error;
      state.status = error.status;
      this.tolerant = tolerant;
    } finally {
      this.leaveFunction(source, at, positional);
    }
  }

  private leaveFunction(source: Source, at: number, positional: readonly string[]): void {
    this.calls--;
    this.state.leaveScope();
    this.state.positional = positional;
    this.source = source;
    this.at = at;
  }
}
