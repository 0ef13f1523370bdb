import { readCompound } from "./_compound.ts";
import { HeredocQueue } from "./_redirection.ts";
import { readSimple } from "./_simple.ts";
import type { Command, List, Part, Pipeline } from "./ast.ts";
import { isMetaCharacter } from "./characters.ts";
import { Lexer } from "./lex.ts";
import { NeedsShell, ShellSyntaxError } from "./needs-shell.ts";

/**
 * Parses shell text one complete command line at a time, so that what stands before a syntax error
 * is carried out, as shells do. Aliases are not expanded (the evaluator watches for them).
 */
export class Parser extends Lexer {
  readonly heredocs: HeredocQueue = new HeredocQueue();

  constructor(text: string, depth = 0) {
    super(text, depth);
  }

  /** The next line of commands; undefined at the end of the text. */
  nextLine(): List | undefined {
    this.skipNewlines();
    if (this.code() === -1) return undefined;
    const list: Pipeline[] = [];
    for (;;) {
      this.readAndOr(list);
      this.skipBlanks();
      const code = this.code();
      if (code === -1) {
        this.heredocs.finish(this);
        return list;
      }
      if (code === 10) {
        this.position++;
        this.heredocs.read(this);
        return list;
      }
      if (!this.readSeparator(list)) this.fail(`syntax error near unexpected ${this.here()}`);
      this.skipBlanks();
      if (this.code() === -1) {
        this.heredocs.finish(this);
        return list;
      }
      if (this.code() === 10) {
        this.position++;
        this.heredocs.read(this);
        return list;
      }
    }
  }

  override readSubstitution(): List {
    const { inValue } = this;
    this.inValue = false;
    const list = this.readList([]);
    this.inValue = inValue;
    if (this.code() !== 41) this.fail("unexpected end of file while looking for matching `)'");
    this.position++;
    return list;
  }

  override readInnerText(text: string, at: number): List {
    const inner = this.innerParser(text, at);
    const list: Pipeline[] = [];
    deferErrors(() => {
      for (let line = inner.nextLine(); line !== undefined; line = inner.nextLine())
        list.push(...line);
    });
    return list;
  }

  /** The parts of a here-document's body whose delimiter was not quoted. */
  readHeredocText(body: string, at: number): readonly Part[] {
    const inner = this.innerParser(body, at);
    const parts: Part[] = [];
    inner.inHeredoc = true;
    deferErrors(() => inner.readQuoted(parts, ""));
    return parts;
  }

  /** A parser for a text that stands at `at`, with offsets that count in the whole text. */
  private innerParser(text: string, at: number): Parser {
    const inner = new Parser(this.text.slice(0, at) + text, this.depth);
    inner.position = at;
    return inner;
  }

  /** Commands up to a reserved word of `stops` (not consumed), a closing parenthesis, or the end. */
  readList(stops: readonly string[]): List {
    this.enter();
    const list: Pipeline[] = [];
    for (;;) {
      this.skipNewlines();
      const code = this.code();
      if (code === -1 || code === 41) break;
      const word = this.reservedWord();
      if (word !== "" && stops.includes(word)) break;
      if (code === 59 && this.code(1) === 59 && stops.includes(";;")) break;
      if (code === 59 && this.code(1) === 38 && stops.includes(";;")) break;
      this.readAndOr(list);
      this.skipBlanks();
      const after = this.code();
      if (after === -1 || after === 10 || after === 41) continue;
      if (after === 59 && (this.code(1) === 59 || this.code(1) === 38)) {
        if (stops.includes(";;")) break;
        this.fail(`syntax error near unexpected ${this.here()}`);
      }
      if (!this.readSeparator(list)) this.fail(`syntax error near unexpected ${this.here()}`);
    }
    this.leave();
    return list;
  }

  /** A list that must hold something, and the reserved word that ends it. */
  readBody(stops: readonly string[]): { list: List; stop: string } {
    const list = this.readList(stops);
    const stop = this.reservedWord();
    if (!stops.includes(stop)) this.fail(`syntax error near unexpected ${this.here()}`);
    if (list.length === 0) this.fail(`syntax error near unexpected ${this.here()}`);
    this.position += stop.length;
    return { list, stop };
  }

  /** `;` or `&` after a pipeline; false when there is none. */
  private readSeparator(list: Pipeline[]): boolean {
    const code = this.code();
    if (code === 59 && this.code(1) !== 59) {
      this.position++;
      return true;
    }
    if (code === 38 && this.code(1) !== 38) {
      this.position++;
      // The whole and-or list runs in the background: mark its first pipeline.
      let at = list.length - 1;
      while (at > 0 && list[at]?.join !== ";") at--;
      const first = list[at];
      if (first !== undefined) list[at] = { ...first, background: true };
      return true;
    }
    return false;
  }

  private readAndOr(list: Pipeline[]): void {
    let join: Pipeline["join"] = ";";
    for (;;) {
      list.push(this.readPipeline(join));
      this.skipBlanks();
      const code = this.code();
      if (code !== this.code(1) || (code !== 38 && code !== 124)) return;
      join = code === 38 ? "&&" : "||";
      this.position += 2;
      this.skipNewlines();
    }
  }

  private readPipeline(join: Pipeline["join"]): Pipeline {
    this.skipBlanks();
    const at = this.position;
    let negated = false;
    while (this.reservedWord() === "!") {
      negated = !negated;
      this.position++;
      this.skipBlanks();
      const next = this.code();
      if (next === -1 || next === 10 || next === 59 || next === 41)
        throw new NeedsShell("negates nothing");
    }
    const commands: Command[] = [this.readCommand()];
    for (;;) {
      this.skipBlanks();
      if (this.code() !== 124 || this.code(1) === 124) break;
      this.position++;
      if (this.code() === 38) throw new NeedsShell("pipes standard error with |&");
      this.skipNewlines();
      commands.push(this.readCommand());
    }
    return { negated, commands, join, background: false, at };
  }

  private readCommand(): Command {
    this.enter();
    this.skipBlanks();
    const at = this.position;
    const command = readCompound(this, at) ?? readSimple(this, at);
    this.leave();
    return command;
  }

  /** The reserved word at the position, "" when there is none; not consumed. */
  reservedWord(): string {
    const first = this.code();
    // Letters that reserved words begin with, and `!`, `[`, `{`, `}`.
    if (first === -1 || !"cdefituwsp![{}".includes(this.text[this.position] ?? "")) return "";
    let end = this.position + 1;
    while (end < this.text.length && !isMetaCharacter(this.text.charCodeAt(end))) {
      if (end - this.position > 9) return "";
      end++;
    }
    const word = this.text.slice(this.position, end);
    return RESERVED.has(word) ? word : "";
  }

  skipBlanks(): void {
    for (;;) {
      const code = this.code();
      if (code === 32 || code === 9) this.position++;
      else if (code === 92 && this.code(1) === 10) this.position += 2;
      else if (code === 35) {
        const end = this.text.indexOf("\n", this.position);
        this.position = end < 0 ? this.text.length : end;
      } else return;
    }
  }

  skipNewlines(): void {
    for (;;) {
      this.skipBlanks();
      if (this.code() !== 10) return;
      this.position++;
      this.heredocs.read(this);
    }
  }
}

/** Words that are no command where a command may start. */
export const RESERVED: ReadonlySet<string> = new Set([
  "if",
  "then",
  "else",
  "elif",
  "fi",
  "for",
  "while",
  "until",
  "do",
  "done",
  "case",
  "esac",
  "in",
  "function",
  "select",
  "time",
  "coproc",
  "{",
  "}",
  "!",
  "[[",
]);

/** Shells parse backquotes and here-documents only when they are reached: an error in them is none of the script. */
function deferErrors(parse: () => void): void {
  try {
    parse();
  } catch (error) {
    if (error instanceof ShellSyntaxError)
      throw new NeedsShell("has an inner text with a syntax error");
    throw error;
  }
}
