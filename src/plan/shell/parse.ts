import { readCondition } from "./_condition.ts";
import { HeredocQueue, readRedirection } from "./_redirection.ts";
import type {
  Assignment,
  CaseCommand,
  Command,
  IfCommand,
  List,
  Part,
  Pipeline,
  Redirection,
  SimpleCommand,
  Word,
} from "./ast.ts";
import { isMetaCharacter, isName, isNameCharacter } from "./characters.ts";
import { Lexer } from "./lex.ts";
import { NeedsShell, ShellSyntaxError } from "./needs-shell.ts";

const DECLARATIONS: ReadonlySet<string> = new Set([
  "export",
  "readonly",
  "declare",
  "typeset",
  "local",
]);
const CLOSERS: ReadonlySet<string> = new Set([
  "then",
  "else",
  "elif",
  "fi",
  "do",
  "done",
  "esac",
  "}",
]);

type Redirections = readonly Redirection[];

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
    const list = this.readList([]);
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
  private readList(stops: readonly string[]): List {
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
  private readBody(stops: readonly string[]): { list: List; stop: string } {
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
    const command = this.readCompound(at) ?? this.readSimple(at);
    this.leave();
    return command;
  }

  private readCompound(at: number): Command | undefined {
    if (this.code() === 40) {
      if (this.code(1) === 40) {
        this.position += 2;
        const word = this.readArithmetic();
        if (word !== undefined)
          return { kind: "arithmetic", word, redirections: this.readRedirections(), at };
        this.position = at;
      }
      this.position++;
      const body = this.readSubstitution();
      if (body.length === 0) this.fail(`syntax error near unexpected ${this.here()}`);
      return { kind: "subshell", body, redirections: this.readRedirections(), at };
    }
    const word = this.reservedWord();
    if (word === "" || word === "in") return undefined;
    if (CLOSERS.has(word)) this.fail(`syntax error near unexpected ${this.here()}`);
    this.position += word.length;
    switch (word) {
      case "{": {
        const { list } = this.readBody(["}"]);
        return { kind: "group", body: list, redirections: this.readRedirections(), at };
      }
      case "if":
        return this.readIf(at);
      case "while":
      case "until": {
        const condition = this.readBody(["do"]).list;
        const body = this.readBody(["done"]).list;
        return {
          kind: "while",
          until: word === "until",
          condition,
          body,
          redirections: this.readRedirections(),
          at,
        };
      }
      case "for":
        return this.readFor(at);
      case "case":
        return this.readCase(at);
      case "[[": {
        const condition = readCondition(this);
        return { kind: "condition", condition, redirections: this.readRedirections(), at };
      }
      case "function": {
        this.skipBlanks();
        const name = this.readLiteral();
        this.skipBlanks();
        if (this.code() === 40 && this.code(1) === 41) this.position += 2;
        return this.readFunctionBody(name, at);
      }
      default:
        throw new NeedsShell(`uses "${word}"`);
    }
  }

  private readIf(at: number): IfCommand {
    const branches: { condition: List; body: List }[] = [];
    let otherwise: List | undefined;
    for (;;) {
      const condition = this.readBody(["then"]).list;
      const { list, stop } = this.readBody(["elif", "else", "fi"]);
      branches.push({ condition, body: list });
      if (stop === "elif") continue;
      if (stop === "else") otherwise = this.readBody(["fi"]).list;
      break;
    }
    return { kind: "if", branches, otherwise, redirections: this.readRedirections(), at };
  }

  private readFor(at: number): Command {
    this.skipBlanks();
    if (this.code() === 40) throw new NeedsShell("uses for ((…))");
    const name = this.readLiteral();
    if (!isName(name)) this.fail(`\`${name}': not a valid identifier`);
    let words: Word[] | undefined;
    this.skipNewlines();
    if (this.reservedWord() === "in") {
      this.position += 2;
      words = [];
      for (;;) {
        this.skipBlanks();
        const word = this.readWord();
        if (word === undefined) break;
        words.push(word);
      }
    }
    this.skipBlanks();
    if (this.code() === 59) this.position++;
    this.skipNewlines();
    const closer = this.reservedWord() === "{" ? "}" : "done";
    if (closer === "done" && this.reservedWord() !== "do")
      this.fail(`syntax error near unexpected ${this.here()}`);
    this.position += closer === "}" ? 1 : 2;
    const body = this.readBody([closer]).list;
    return { kind: "for", name, words, body, redirections: this.readRedirections(), at };
  }

  private readCase(at: number): CaseCommand {
    this.skipBlanks();
    const subject = this.needWord();
    this.skipNewlines();
    if (this.reservedWord() !== "in") this.fail(`syntax error near unexpected ${this.here()}`);
    this.position += 2;
    const clauses: CaseCommand["clauses"][number][] = [];
    for (;;) {
      this.skipNewlines();
      if (this.reservedWord() === "esac") break;
      if (this.code() === 40) this.position++;
      const patterns: Word[] = [];
      for (;;) {
        this.skipBlanks();
        patterns.push(this.needWord());
        this.skipBlanks();
        if (this.code() !== 124) break;
        this.position++;
      }
      if (this.code() !== 41) this.fail(`syntax error near unexpected ${this.here()}`);
      this.position++;
      const body = this.readList([";;", "esac"]);
      let end: ";;" | ";&" | ";;&" = ";;";
      if (this.code() === 59) {
        end = this.code(1) === 38 ? ";&" : this.code(2) === 38 ? ";;&" : ";;";
        this.position += end.length;
      } else if (this.reservedWord() !== "esac") {
        this.fail(`syntax error near unexpected ${this.here()}`);
      }
      clauses.push({ patterns, body, end });
    }
    this.position += 4;
    return { kind: "case", subject, clauses, redirections: this.readRedirections(), at };
  }

  private readFunctionBody(name: string, at: number): Command {
    this.skipNewlines();
    const from = this.position;
    const body = this.readCompound(from);
    if (body === undefined) return this.fail(`syntax error near unexpected ${this.here()}`);
    return { kind: "function", name, body, redirections: [], at };
  }

  private readSimple(at: number): Command {
    const assignments: Assignment[] = [];
    const words: Word[] = [];
    const redirections: Redirection[] = [];
    let declarations: (Assignment | Word)[] | undefined;
    for (;;) {
      this.skipBlanks();
      const redirection = readRedirection(this);
      if (redirection !== undefined) {
        redirections.push(redirection);
        continue;
      }
      const start = this.position;
      if (words.length === 0 || declarations !== undefined) {
        const assignment = this.readAssignment();
        if (assignment !== undefined) {
          if (declarations === undefined) assignments.push(assignment);
          else declarations.push(assignment);
          continue;
        }
      }
      const word = this.readWord();
      if (word === undefined) break;
      if (declarations !== undefined) {
        declarations.push(word);
        continue;
      }
      words.push(word);
      if (words.length > 1) continue;
      const only = word.length === 1 ? word[0] : undefined;
      if (only?.kind !== "text" || only.quoted) continue;
      if (DECLARATIONS.has(only.text)) declarations = [];
      else if (this.opensFunction() && assignments.length === 0 && redirections.length === 0) {
        return this.readFunctionBody(this.text.slice(start, start + only.text.length), at);
      }
    }
    const nothing = words.length === 0 && assignments.length === 0 && redirections.length === 0;
    if (nothing || this.code() === 40) this.fail(`syntax error near unexpected ${this.here()}`);
    const command: SimpleCommand = {
      kind: "simple",
      assignments,
      words,
      declarations,
      redirections,
      at,
    };
    return command;
  }

  /** At `()` after a first word: consumes it. */
  private opensFunction(): boolean {
    let ahead = 0;
    while (this.code(ahead) === 32 || this.code(ahead) === 9) ahead++;
    if (this.code(ahead) !== 40) return false;
    ahead++;
    while (this.code(ahead) === 32 || this.code(ahead) === 9) ahead++;
    if (this.code(ahead) !== 41) return false;
    this.position += ahead + 1;
    return true;
  }

  private readAssignment(): Assignment | undefined {
    const at = this.position;
    let end = at;
    const { text } = this;
    const first = text.charCodeAt(at);
    if (Number.isNaN(first) || !isNameCharacter(first) || (first >= 48 && first <= 57))
      return undefined;
    while (end < text.length && isNameCharacter(text.charCodeAt(end))) end++;
    const name = text.slice(at, end);
    let index: Word | undefined;
    if (text[end] === "[") {
      this.position = end + 1;
      const parts: Part[] = [];
      this.readParts(parts, "]\n", true);
      end = this.position + 1;
      if (text[this.position] !== "]" || (text[end] !== "=" && !text.startsWith("+=", end))) {
        this.position = at;
        return undefined;
      }
      index = parts;
    }
    const append = text.startsWith("+=", end);
    if (!append && text[end] !== "=") {
      this.position = at;
      return undefined;
    }
    this.position = end + (append ? 2 : 1);
    if (this.code() === 40) {
      if (index !== undefined) this.fail(`${name}: cannot assign list to array member`);
      this.position++;
      return { name, index, append, value: undefined, elements: this.readElements(), at };
    }
    return { name, index, append, value: this.readWord() ?? [], elements: undefined, at };
  }

  private readElements(): { index: Word | undefined; word: Word }[] {
    const elements: { index: Word | undefined; word: Word }[] = [];
    for (;;) {
      this.skipNewlines();
      if (this.code() === 41) break;
      if (this.code() === 91) throw new NeedsShell("gives array elements by subscript");
      elements.push({ index: undefined, word: this.needWord() });
    }
    this.position++;
    return elements;
  }

  private readRedirections(): Redirections {
    const redirections: Redirection[] = [];
    for (;;) {
      this.skipBlanks();
      const redirection = readRedirection(this);
      if (redirection === undefined) return redirections;
      redirections.push(redirection);
    }
  }

  /** A word of literal characters only: a name. */
  private readLiteral(): string {
    const word = this.needWord();
    const only = word.length === 1 ? word[0] : undefined;
    if (only?.kind !== "text" || only.quoted) throw new NeedsShell("uses an unusual name");
    return only.text;
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

const RESERVED: ReadonlySet<string> = new Set([
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
