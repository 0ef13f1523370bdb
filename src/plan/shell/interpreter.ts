import { cleanPath } from "../../base/path.ts";
import { BUILTINS } from "./_builtins.ts";
import { declare, expandDeclarations } from "./_declare.ts";
import { redirect } from "./_redirect.ts";
import { escapeRegularExpression, matchRegularExpression } from "./_regular-expression.ts";
import { LoopSignal, ReturnSignal } from "./_signals.ts";
import { compareIntegers, compareText, unary } from "./_test.ts";
import type {
  Assignment,
  CaseCommand,
  Command,
  Condition,
  List,
  Part,
  Pipeline,
  Redirection,
  SimpleCommand,
} from "./ast.ts";
import type { BuiltinHost } from "./builtin.ts";
import { isName } from "./characters.ts";
import { ContainerFiles } from "./container-files.ts";
import { ExitSignal } from "./exit-signal.ts";
import { arithmeticValue, expandPattern, expandText, expandWords } from "./expand.ts";
import { LIMITS, NeedsShell, ShellSyntaxError } from "./needs-shell.ts";
import { Parser } from "./parse.ts";
import { matchPattern } from "./pattern.ts";
import { runQuickLines } from "./quick-lines.ts";
import type { ScriptFiles } from "./script-files.ts";
import {
  describeOrigin,
  type Origin,
  type ShellFunction,
  ShellState,
  type Source,
  type Variable,
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
  private source: Source = { path: "", text: "", fixedAt: 0 };
  private steps = 0;
  private calls = 0;
  /** Above 0: in a condition, where `set -e` does not count. */
  private tolerant = 0;
  /** Status of the last command substitution of the running command. */
  private substituted: number | undefined;

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
    if (this.source.text !== parser.text) this.source = { ...this.source, text: parser.text };
    try {
      for (;;) {
        parser.position = runQuickLines(parser.text, parser.position, this);
        const line = parser.nextLine();
        if (line === undefined) break;
        this.runList(line);
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
        this.runList(line);
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
      this.runList(body);
    };
    this.substituted = this.runSubshell(run, {
      ...this.streams,
      output: capture,
    });
    return capture.text.replace(/\n+$/, "").replaceAll("\0", "");
  }

  private enterCall(): void {
    if (++this.calls > LIMITS.calls) throw new NeedsShell("calls deeper than the limit");
  }

  private runSubshell(run: () => void, streams: Streams): number {
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

  private runList(list: List): void {
    for (const [position, pipeline] of list.entries()) {
      if (pipeline.join === "&&" && this.state.status !== 0) continue;
      if (pipeline.join === "||" && this.state.status === 0) continue;
      const next = list[position + 1];
      const decides = next !== undefined && next.join !== ";";
      if (pipeline.background) {
        this.at = pipeline.at;
        throw new NeedsShell("starts a background job");
      }
      if (decides || pipeline.negated) {
        this.tolerant++;
        this.runPipeline(pipeline);
        this.tolerant--;
      } else {
        this.runPipeline(pipeline);
        if (this.state.status !== 0 && this.state.exitOnError && this.tolerant === 0) {
          throw new NeedsShell("fails under set -e");
        }
      }
      if (pipeline.negated) this.state.status = this.state.status === 0 ? 1 : 0;
    }
  }

  private runPipeline(pipeline: Pipeline): void {
    const [first, ...rest] = pipeline.commands;
    if (first === undefined) return;
    if (rest.length > 0) {
      this.at = pipeline.at;
      throw new NeedsShell("uses a pipe");
    }
    this.runCommand(first);
  }

  private runCommand(command: Command): void {
    this.step(10);
    this.at = command.at;
    if (command.kind === "simple") {
      this.runSimple(command);
      return;
    }
    if (command.redirections.length === 0) {
      this.runCompound(command);
      return;
    }
    this.withRedirections(command.redirections, () => this.runCompound(command));
  }

  private withRedirections(redirections: readonly Redirection[], run: () => void): void {
    const before = this.streams;
    this.streams = redirect(redirections, before, this);
    try {
      run();
    } finally {
      this.streams = before;
    }
  }

  private runCompound(command: Exclude<Command, SimpleCommand>): void {
    const { state } = this;
    switch (command.kind) {
      case "group":
        this.runList(command.body);
        return;
      case "subshell":
        this.runSubshell(() => this.runList(command.body), this.streams);
        return;
      case "if": {
        for (const branch of command.branches) {
          if (!this.isTrue(branch.condition)) continue;
          this.runList(branch.body);
          return;
        }
        if (command.otherwise === undefined) state.status = 0;
        else this.runList(command.otherwise);
        return;
      }
      case "for": {
        const words =
          command.words === undefined ? state.positional : expandWords(command.words, this);
        if (words.length === 0) state.status = 0;
        for (const word of words) {
          state.set(command.name, word, this.origin(command.at));
          if (this.runLoopBody(command.body)) break;
        }
        return;
      }
      case "while": {
        let status = 0;
        while (this.isTrue(command.condition) !== command.until) {
          const ended = this.runLoopBody(command.body);
          status = state.status;
          if (ended) break;
        }
        state.status = status;
        return;
      }
      case "case":
        this.runCase(command);
        return;
      case "function": {
        if (!isName(command.name) && !/^[\w.:@+-]+$/.test(command.name))
          throw new NeedsShell("names a function oddly");
        state.functions.set(command.name, { body: command.body, source: this.source });
        state.status = 0;
        return;
      }
      case "condition":
        state.status = this.evaluateCondition(command.condition) ? 0 : 1;
        return;
      case "arithmetic":
        state.status =
          arithmeticValue(expandText(command.word, this), this, command.at) === 0n ? 1 : 0;
        return;
      case "unsupported":
        throw new NeedsShell(command.reason);
    }
  }

  private isTrue(condition: List): boolean {
    this.tolerant++;
    this.runList(condition);
    this.tolerant--;
    return this.state.status === 0;
  }

  /** Runs a loop's body once; true when the loop ends. */
  private runLoopBody(body: List): boolean {
    const { tolerant } = this;
    try {
      this.runList(body);
      return false;
    } catch (error) {
      if (!(error instanceof LoopSignal)) throw error;
      this.tolerant = tolerant;
      this.state.status = 0;
      if (error.levels > 1) throw new NeedsShell("leaves several loops at once");
      return error.kind === "break";
    }
  }

  private runCase(command: CaseCommand): void {
    const subject = expandText(command.subject, this);
    let falls = false;
    let taken = false;
    for (const clause of command.clauses) {
      const matched =
        falls ||
        clause.patterns.some((pattern) =>
          matchPattern(expandPattern(pattern, this), subject, this),
        );
      if (!matched) continue;
      taken = true;
      if (clause.body.length === 0) this.state.status = 0;
      this.runList(clause.body);
      if (clause.end === ";;") return;
      falls = clause.end === ";&";
    }
    if (!taken) this.state.status = 0;
  }

  private evaluateCondition(condition: Condition): boolean {
    switch (condition.kind) {
      case "not":
        return !this.evaluateCondition(condition.of);
      case "and":
        return this.evaluateCondition(condition.left) && this.evaluateCondition(condition.right);
      case "or":
        return this.evaluateCondition(condition.left) || this.evaluateCondition(condition.right);
      case "unary":
        return unary(condition.operator, expandText(condition.word, this), this);
      case "binary": {
        const left = expandText(condition.left, this);
        const { operator, right } = condition;
        if (operator === "=" || operator === "==")
          return matchPattern(expandPattern(right, this), left, this);
        if (operator === "!=") return !matchPattern(expandPattern(right, this), left, this);
        if (operator === "<" || operator === ">")
          return compareText(left, operator, expandText(right, this));
        if (operator === "=~")
          return matchRegularExpression(expandPattern(right, this, escapeRegularExpression), left);
        if (operator === "-nt" || operator === "-ot" || operator === "-ef") {
          throw new NeedsShell(`compares files with ${operator}`);
        }
        const leftValue = arithmeticValue(left, this, this.at);
        return compareIntegers(
          leftValue,
          operator,
          arithmeticValue(expandText(right, this), this, this.at),
        );
      }
    }
  }

  private runSimple(command: SimpleCommand): void {
    this.substituted = undefined;
    const first = command.words[0];
    if (first !== undefined && this.state.aliases.size > 0 && first.length === 1) {
      const only = first[0];
      if (only?.kind === "text" && !only.quoted && this.state.aliases.has(only.text)) {
        throw new NeedsShell(`uses the alias ${only.text}`);
      }
    }
    const words = expandWords(command.words, this);
    const [name, ...args] = words;
    if (name === undefined) {
      if (command.redirections.length > 0) redirect(command.redirections, this.streams, this);
      for (const assignment of command.assignments) this.assign(assignment);
      this.state.status = this.substituted ?? 0;
      return;
    }
    if (command.redirections.length === 0) this.runNamed(command, name, args);
    else this.withRedirections(command.redirections, () => this.runNamed(command, name, args));
  }

  private runNamed(command: SimpleCommand, name: string, args: readonly string[]): void {
    const { state } = this;
    if (command.declarations !== undefined) {
      if (command.assignments.length > 0) throw new NeedsShell(`sets variables for ${name}`);
      if (state.functions.has(name)) throw new NeedsShell(`redefines ${name}`);
      const operands = expandDeclarations(command.declarations, this);
      state.status = declare(name, operands, this);
      return;
    }
    const shellFunction = state.functions.get(name);
    if (shellFunction === undefined && !BUILTINS.has(name)) throw new NeedsShell(`runs "${name}"`);
    const saved = this.assignTemporarily(command.assignments);
    try {
      if (shellFunction === undefined) state.status = this.runBuiltin(name, args);
      else this.callFunction(shellFunction, args);
    } finally {
      for (const [variable, value] of saved) {
        if (value === undefined) state.variables.delete(variable);
        else state.variables.set(variable, value);
      }
    }
  }

  private assignTemporarily(assignments: readonly Assignment[]): Map<string, Variable | undefined> {
    const saved = new Map<string, Variable | undefined>();
    for (const assignment of assignments) {
      const old = this.state.variables.get(assignment.name);
      if (old?.elements !== undefined || assignment.value === undefined)
        throw new NeedsShell("sets an array for a command");
      if (!saved.has(assignment.name)) saved.set(assignment.name, old);
      this.assign(assignment);
      this.state.mark(assignment.name, { exported: true }, this.origin(assignment.at));
    }
    return saved;
  }

  private callFunction(shellFunction: ShellFunction, args: readonly string[]): void {
    const { state, source, at, tolerant } = this;
    const { positional } = state;
    this.enterCall();
    state.scopes.push(new Map());
    state.positional = args;
    this.source = shellFunction.source;
    try {
      this.runCommand(shellFunction.body);
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

  private assign(assignment: Assignment): void {
    const { state } = this;
    const { name, append } = assignment;
    const origin = this.origin(assignment.at);
    if (assignment.elements !== undefined) {
      const words = expandWords(
        assignment.elements.map((element) => element.word),
        this,
      );
      const elements = new Map(append ? this.elementsOf(name) : []);
      let next = Math.max(-1, ...elements.keys());
      for (const word of words) elements.set(++next, word);
      state.setElements(name, elements, origin);
      return;
    }
    const value = expandText(assignment.value ?? [], this, true);
    if (assignment.index !== undefined) {
      const index = Number(
        arithmeticValue(expandText(assignment.index, this), this, assignment.at),
      );
      if (index < 0 || index > 100_000) throw new NeedsShell("uses an unusual array subscript");
      const elements = new Map(this.elementsOf(name));
      elements.set(index, append ? (elements.get(index) ?? "") + value : value);
      state.setElements(name, elements, origin);
      return;
    }
    state.set(name, append ? (state.get(name) ?? "") + value : value, origin);
  }

  private elementsOf(name: string): ReadonlyMap<number, string> {
    const variable = this.state.lookup(name);
    if (variable?.elements !== undefined) return variable.elements;
    return variable?.value === undefined ? new Map() : new Map([[0, variable.value]]);
  }
}
