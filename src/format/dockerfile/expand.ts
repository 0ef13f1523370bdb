import type { EscapeSign } from "./tree.ts";

/** Value of a variable, undefined where it is not set. */
export type Lookup = (name: string) => string | undefined;

/** A word that cannot be expanded; `message` says why. */
export class ExpansionError extends Error {}

/**
 * Expands a word as ENV, LABEL, COPY and others do (Dockerfile reference, "Environment
 * replacement"): quotes are removed, `$name`, `${name}` and the forms `:-` `-` `:+` `+` `:?` `?` `#`
 * `##` `%` `%%` `/` `//` take effect outside single quotes. What is not set is empty.
 *
 * @throws ExpansionError for an open quote or brace, and for `:?` and `?` that apply.
 */
export function expandWord(word: string, find: Lookup, escapeSign: EscapeSign): string {
  return new Expander(word, find, escapeSign).all();
}

/** As expandWord, with quotes and escape signs left where they are: for the text of a here-document. */
export function expandText(text: string, find: Lookup, escapeSign: EscapeSign): string {
  return new Expander(text, find, escapeSign, true).all();
}

class Expander {
  private at = 0;
  private readonly text: string;
  private readonly find: Lookup;
  private readonly escapeSign: EscapeSign;
  private readonly keepsQuotes: boolean;

  constructor(text: string, find: Lookup, escapeSign: EscapeSign, keepsQuotes: boolean = false) {
    this.text = text;
    this.find = find;
    this.escapeSign = escapeSign;
    this.keepsQuotes = keepsQuotes;
  }

  all(): string {
    return this.until("");
  }

  /** Everything up to `stop`, which is consumed; in a pattern escaped characters stay escaped. */
  private until(stop: string, isPattern: boolean = false): string {
    let out = "";
    while (this.at < this.text.length) {
      const char = this.text[this.at] ?? "";
      if (char === stop) {
        this.at++;
        return out;
      }
      if (char === "'" && !this.keepsQuotes) out += this.single();
      else if (char === '"' && !this.keepsQuotes) out += this.double();
      else if (char === "$") out += this.dollar();
      else if (char === this.escapeSign) out += (isPattern ? "\\" : "") + this.escaped();
      else {
        out += char;
        this.at++;
      }
    }
    if (stop !== "") throw new ExpansionError(`a closing ${stop} is missing`);
    return out;
  }

  private escaped(): string {
    const next = this.text[this.at + 1];
    this.at += 2;
    // At the end it protects nothing; in a here-document it stays.
    if (next === undefined) return this.keepsQuotes ? this.escapeSign : "";
    if (this.keepsQuotes) return this.escapeSign + next;
    return next;
  }

  private single(): string {
    const end = this.text.indexOf("'", this.at + 1);
    if (end < 0) throw new ExpansionError("a closing single quote is missing");
    const inside = this.text.slice(this.at + 1, end);
    this.at = end + 1;
    return inside;
  }

  private double(): string {
    let out = "";
    this.at++;
    while (this.at < this.text.length) {
      const char = this.text[this.at] ?? "";
      if (char === '"') {
        this.at++;
        return out;
      }
      if (char === "$") {
        out += this.dollar();
        continue;
      }
      const next = this.text[this.at + 1] ?? "";
      if (char === this.escapeSign && (next === '"' || next === "$" || next === this.escapeSign)) {
        out += next;
        this.at += 2;
        continue;
      }
      out += char;
      this.at++;
    }
    throw new ExpansionError("a closing double quote is missing");
  }

  private dollar(): string {
    this.at++;
    if (this.text[this.at] === "{") {
      this.at++;
      return this.braces();
    }
    const name = this.name();
    return name === "" ? "$" : (this.find(name) ?? "");
  }

  private name(): string {
    const match = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[-@*#?$!])/.exec(this.text.slice(this.at));
    this.at += match?.[0].length ?? 0;
    return match?.[0] ?? "";
  }

  private braces(): string {
    const name = this.name();
    if (name === "") throw new ExpansionError("${ is followed by no name");
    const value = this.find(name);
    const sign = this.text[this.at] ?? "";
    if (sign === "}") {
      this.at++;
      return value ?? "";
    }
    if (sign === "#" || sign === "%" || sign === "/") return this.edited(sign, value ?? "");
    const colon = sign === ":" ? 1 : 0;
    const form = this.text[this.at + colon] ?? "";
    if (form !== "-" && form !== "+" && form !== "?") {
      if (this.text.indexOf("}", this.at) < 0) throw new ExpansionError("a closing } is missing");
      throw new ExpansionError(
        `\${${name}${this.text.slice(this.at, this.at + 2)} is no known form`,
      );
    }
    this.at += colon + 1;
    const word = this.until("}");
    const counts = value !== undefined && (colon === 0 || value !== "");
    if (form === "-") return counts ? value : word;
    if (form === "+") return counts ? word : "";
    if (counts) return value;
    throw new ExpansionError(`${name}: ${word === "" ? "is not set" : word}`);
  }

  /** `#` `##` `%` `%%` `/` `//` in braces. */
  private edited(sign: string, value: string): string {
    const isTwice = this.text[this.at + 1] === sign;
    this.at += isTwice ? 2 : 1;
    if (sign !== "/") {
      const pattern = this.until("}", true);
      return sign === "#" ? cutFront(value, pattern, isTwice) : cutBack(value, pattern, isTwice);
    }
    const pattern = this.until("/", true);
    // Escape signs stay in what is put in.
    const by = this.until("}", true);
    if (pattern === "") return isTwice ? value : by + value;
    const find = new RegExp(globSource(pattern, true), isTwice ? "gs" : "s");
    return value.replace(find, () => by);
  }
}

function cutFront(value: string, pattern: string, longest: boolean): string {
  const match = new RegExp(`^(?:${globSource(pattern, longest)})`, "s").exec(value);
  return match === null ? value : value.slice(match[0].length);
}

function cutBack(value: string, pattern: string, longest: boolean): string {
  const whole = new RegExp(`^(?:${globSource(pattern, true)})$`, "s");
  for (let i = 0; i <= value.length; i++) {
    const at = longest ? i : value.length - i;
    if (whole.test(value.slice(at))) return value.slice(0, at);
  }
  return value;
}

/** A glob of `*`, `?` and escaped characters as a regular expression. */
function globSource(pattern: string, greedy: boolean): string {
  return pattern.replace(/\\(.)|[\s\S]/g, (char, escaped?: string) => {
    if (escaped !== undefined) return escaped.replace(/[^A-Za-z0-9]/, "\\$&");
    if (char === "*") return greedy ? ".*" : ".*?";
    if (char === "?") return ".";
    return char.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
  });
}
