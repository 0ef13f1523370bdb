import { decodeAnsiEscapes } from "./_ansi-escapes.ts";
import { readParameter } from "./_parameter.ts";
import type { List, Part, Word } from "./ast.ts";
import { isMetaCharacter, isNameCharacter } from "./characters.ts";
import { LIMITS, NeedsShell, ShellSyntaxError } from "./needs-shell.ts";

/**
 * Reads words: quotes, escapes and expansions become parts. What a substitution holds is read by
 * the parser, which builds on this class; both walk the same text with the same position.
 */
export abstract class Lexer {
  readonly text: string;
  position = 0;
  /** Whether the text is the body of a here-document: quotes inside its `${…}` have rules of their own. */
  inHeredoc = false;
  protected depth: number;
  /** A backslash outside quotes stays, with what follows it, in the value of an assignment. */
  keepsBackslashes = false;
  protected inValue = false;

  constructor(text: string, depth: number) {
    this.text = text;
    this.depth = depth;
  }

  /** Commands up to the closing parenthesis, which is consumed. */
  abstract readSubstitution(): List;
  /** Commands of a text of its own: what backquotes hold. */
  abstract readInnerText(text: string, at: number): List;

  code(ahead = 0): number {
    const at = this.position + ahead;
    return at < this.text.length ? this.text.charCodeAt(at) : -1;
  }

  fail(text: string): never {
    throw new ShellSyntaxError(text, this.position);
  }

  /** Counts one level in; refuses what is deeper than anyone writes by hand. */
  enter(): void {
    if (++this.depth > LIMITS.nesting) throw new NeedsShell("nests deeper than the limit");
  }

  leave(): void {
    this.depth--;
  }

  /** One word at the position; undefined when none starts here. `stops` are further unquoted characters that end it. */
  readWord(stops = ""): Word | undefined {
    const parts: Part[] = [];
    const start = this.position;
    this.readParts(parts, stops, false);
    return this.position === start ? undefined : parts;
  }

  /** The value of an assignment; an empty one has no parts. */
  readValue(): Word {
    this.inValue = this.keepsBackslashes;
    const word = this.readWord() ?? [];
    this.inValue = false;
    return word;
  }

  /** The word that must be here. */
  needWord(): Word {
    const word = this.readWord();
    if (word === undefined) return this.fail(`syntax error near unexpected ${this.here()}`);
    return word;
  }

  /** The token at the position, for messages. */
  here(): string {
    if (this.position >= this.text.length) return "end of file";
    if (this.code() === 10) return "newline";
    const end = this.text.slice(this.position).search(/[\s;&|<>()]/);
    return `token \`${this.text.substr(this.position, Math.max(1, Math.min(40, end)))}'`;
  }

  /**
   * Unquoted text up to a metacharacter, or with `operand` up to one of `stops` only (white space
   * and metacharacters are then ordinary).
   */
  readParts(parts: Part[], stops: string, operand: boolean): void {
    const { text } = this;
    let literal = "";
    for (;;) {
      const from = this.position;
      let code = this.code();
      while (
        code !== -1 &&
        !isSpecial(code) &&
        (stops === "" || !stops.includes(text[this.position] ?? ""))
      ) {
        this.position++;
        code = this.code();
      }
      if (this.position > from) literal += text.slice(from, this.position);
      if (code === -1) break;
      if (stops !== "" && stops.includes(text[this.position] ?? "")) break;
      if (isMetaCharacter(code)) {
        if (operand) {
          if ((code === 60 || code === 62) && this.code(1) === 40) {
            throw new NeedsShell("uses a process substitution");
          }
          literal += text[this.position];
          this.position++;
          continue;
        }
        if (code === 40 && /[?*+@!]$/.test(literal))
          throw new NeedsShell("uses an extended pattern");
        if ((code === 60 || code === 62) && this.code(1) === 40) {
          if (literal !== "") parts.push({ kind: "text", text: literal, quoted: false });
          literal = "";
          this.readProcessSubstitution(parts);
          continue;
        }
        break;
      }
      if (code === 92 && this.code(1) === 10) {
        this.position += 2;
        continue;
      }
      if (literal !== "") parts.push({ kind: "text", text: literal, quoted: false });
      literal = "";
      if (code === 92) this.readEscape(parts);
      else if (code === 39) this.readSingleQuotes(parts);
      else if (code === 34) this.readDoubleQuotes(parts);
      else if (code === 96) this.readBackquotes(parts, false);
      else literal += this.readDollar(parts, false);
    }
    if (literal !== "") parts.push({ kind: "text", text: literal, quoted: false });
  }

  private readEscape(parts: Part[]): void {
    const next = this.text[this.position + 1];
    const kept = this.inValue ? "\\" : "";
    parts.push({ kind: "text", text: next === undefined ? "\\" : kept + next, quoted: true });
    this.position += next === undefined ? 1 : 2;
  }

  private readSingleQuotes(parts: Part[]): void {
    const end = this.text.indexOf("'", this.position + 1);
    if (end < 0) this.fail("unexpected end of file while looking for matching `''");
    parts.push({ kind: "text", text: this.text.slice(this.position + 1, end), quoted: true });
    this.position = end + 1;
  }

  private readDoubleQuotes(parts: Part[]): void {
    this.enter();
    this.position++;
    const before = parts.length;
    this.readQuoted(parts, '"');
    if (this.code() !== 34) this.fail("unexpected end of file while looking for matching `\"'");
    this.position++;
    if (parts.length === before) parts.push({ kind: "text", text: "", quoted: true });
    this.leave();
  }

  /** Text as inside double quotes, up to one of `stops` (not consumed) or the end. */
  readQuoted(parts: Part[], stops: string): void {
    const { text } = this;
    let literal = "";
    for (;;) {
      const from = this.position;
      let code = this.code();
      while (
        code !== -1 &&
        code !== 92 &&
        code !== 36 &&
        code !== 96 &&
        code !== 34 &&
        code !== 39 &&
        !stops.includes(text[this.position] ?? "")
      ) {
        this.position++;
        code = this.code();
      }
      if (this.position > from) literal += text.slice(from, this.position);
      if (code === -1 || stops.includes(text[this.position] ?? "")) break;
      if (code === 39) {
        if (stops === "}") throw new NeedsShell("quotes inside a quoted expansion");
        literal += "'";
        this.position++;
        continue;
      }
      if (code === 34) {
        // A double quote inside `"${x:-…}"` toggles nothing that matters here: its text stays quoted.
        if (stops === "}") {
          if (literal !== "") parts.push({ kind: "text", text: literal, quoted: true });
          literal = "";
          this.readDoubleQuotes(parts);
          continue;
        }
        literal += '"';
        this.position++;
        continue;
      }
      if (code === 92) {
        const next = this.code(1);
        if (next === 10) {
          this.position += 2;
          continue;
        }
        const escapes =
          next === 36 ||
          next === 96 ||
          next === 92 ||
          (next === 34 && stops !== "") ||
          (next === 125 && stops === "}");
        if (escapes) literal += text[this.position + 1] ?? "";
        else literal += next === -1 ? "\\" : `\\${text[this.position + 1]}`;
        this.position += next === -1 ? 1 : 2;
        continue;
      }
      if (literal !== "") parts.push({ kind: "text", text: literal, quoted: true });
      literal = "";
      if (code === 96) this.readBackquotes(parts, true);
      else literal += this.readDollar(parts, true);
    }
    if (literal !== "") parts.push({ kind: "text", text: literal, quoted: true });
  }

  /** At `$`: pushes the expansion, or gives the literal `$`. */
  private readDollar(parts: Part[], quoted: boolean): string {
    const next = this.code(1);
    const at = this.position;
    if (next === 123) {
      this.enter();
      this.position += 2;
      parts.push(readParameter(this, quoted, at));
      this.leave();
      return "";
    }
    if (next === 40) {
      this.enter();
      if (this.code(2) === 40 && this.readArithmeticExpansion(parts, quoted)) {
        this.leave();
        return "";
      }
      this.position = at + 2;
      parts.push({ kind: "command", body: this.readSubstitution(), quoted, at });
      this.leave();
      return "";
    }
    if (!quoted && next === 39) {
      const { text, end } = decodeAnsiEscapes(this.text, at + 2);
      if (end < 0) this.fail("unexpected end of file while looking for matching `''");
      parts.push({ kind: "text", text, quoted: true });
      this.position = end + 1;
      return "";
    }
    if (!quoted && next === 34) {
      this.position++;
      this.readDoubleQuotes(parts);
      return "";
    }
    if (next === 91) throw new NeedsShell("uses the old arithmetic form $[…]");
    let end = this.position + 1;
    if (next !== -1 && isNameCharacter(next) && !(next >= 48 && next <= 57)) {
      do end++;
      while (end < this.text.length && isNameCharacter(this.text.charCodeAt(end)));
    } else if (next !== -1 && "@*#?-$!0123456789".includes(this.text[end] ?? "")) {
      end++;
    } else {
      this.position++;
      return "$";
    }
    this.position = end;
    parts.push({
      kind: "parameter",
      name: this.text.slice(at + 1, end),
      index: undefined,
      length: false,
      indirect: false,
      operator: "",
      colon: false,
      word: undefined,
      second: undefined,
      quoted,
      at,
    });
    return "";
  }

  /** `$((…))`; false (position lost) when it is a substitution that begins with a subshell. */
  private readArithmeticExpansion(parts: Part[], quoted: boolean): boolean {
    const at = this.position;
    this.position += 3;
    const word = this.readArithmetic();
    if (word === undefined) return false;
    parts.push({ kind: "arithmetic", word, quoted, at });
    return true;
  }

  /** Arithmetic text up to the closing `))`, which is consumed; undefined when it does not close so. */
  readArithmetic(): Word | undefined {
    const parts: Part[] = [];
    let open = 0;
    for (;;) {
      this.readQuoted(parts, '()"');
      const code = this.code();
      if (code === -1) return undefined;
      this.position++;
      if (code === 34) continue;
      if (code === 40) open++;
      else if (open > 0) open--;
      else {
        if (this.code() !== 41) return undefined;
        this.position++;
        return parts;
      }
      parts.push({ kind: "text", text: code === 40 ? "(" : ")", quoted: true });
    }
  }

  private readBackquotes(parts: Part[], quoted: boolean): void {
    const at = this.position;
    let inner = "";
    this.position++;
    for (;;) {
      const code = this.code();
      if (code === -1) this.fail("unexpected end of file while looking for matching ``'");
      if (code === 96) break;
      if (code === 92) {
        const next = this.code(1);
        const escapes = next === 96 || next === 92 || next === 36 || (quoted && next === 34);
        if (!escapes) inner += "\\";
        inner += this.text[this.position + 1] ?? "";
        this.position += 2;
        continue;
      }
      inner += this.text[this.position];
      this.position++;
    }
    this.position++;
    this.enter();
    parts.push({ kind: "command", body: this.readInnerText(inner, at + 1), quoted, at });
    this.leave();
  }

  private readProcessSubstitution(parts: Part[]): void {
    const at = this.position;
    this.position += 2;
    this.enter();
    this.readSubstitution();
    this.leave();
    parts.push({ kind: "unsupported", reason: "uses a process substitution", at });
  }
}

function isSpecial(code: number): boolean {
  return (
    isMetaCharacter(code) || code === 92 || code === 39 || code === 34 || code === 36 || code === 96
  );
}
