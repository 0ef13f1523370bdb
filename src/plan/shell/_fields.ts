import { escapePattern } from "./pattern.ts";

/** One resulting word: its text, and the same as a pattern with quoted characters escaped. */
export interface Field {
  text: string;
  pattern: string;
  /** Holds an unquoted `*`, `?` or `[`. */
  active: boolean;
}

const DEFAULT_SEPARATORS = " \t\n";

/** Collects the words that one source word becomes, by the rules of field splitting. */
export class FieldBuilder {
  private readonly done: Field[] = [];
  private current: Field = { text: "", pattern: "", active: false };
  /** A `"$@"` gave nothing. */
  hadEmptyList = false;
  /** Whether `current` will become a word even if it is empty. */
  private present = false;
  private readonly white: string;
  private readonly other: string;

  constructor(separators: string | undefined) {
    let white = "";
    let other = "";
    const all = separators ?? DEFAULT_SEPARATORS;
    for (let i = 0; i < all.length; i++) {
      const char = all[i] ?? "";
      if (DEFAULT_SEPARATORS.includes(char)) white += char;
      else other += char;
    }
    this.white = white;
    this.other = other;
  }

  quoted(text: string): void {
    this.current.text += text;
    this.current.pattern += escapePattern(text);
    this.present = true;
  }

  /** Unquoted characters of the script itself: not split. */
  literal(text: string): void {
    if (text === "") return;
    this.current.text += text;
    this.current.pattern += text;
    if (/[*?[]/.test(text)) this.current.active = true;
    this.present = true;
  }

  /** The unquoted result of an expansion. */
  split(text: string): void {
    let at = 0;
    while (at < text.length) {
      const from = at;
      while (at < text.length && !this.isWhite(text, at) && !this.isOther(text, at)) at++;
      this.literal(text.slice(from, at));
      if (at >= text.length) break;
      const hadWhite = this.isWhite(text, at);
      while (at < text.length && this.isWhite(text, at)) at++;
      if (at < text.length && this.isOther(text, at)) {
        at++;
        while (at < text.length && this.isWhite(text, at)) at++;
        this.present = true;
      } else if (!hadWhite) {
        continue;
      }
      this.next();
    }
  }

  /** `"$@"`: each value a word of its own; the first joins what is before it. */
  quotedList(list: readonly string[]): void {
    if (list.length === 0) this.hadEmptyList = true;
    for (const [position, value] of list.entries()) {
      if (position > 0) this.next();
      this.quoted(value);
    }
  }

  /** `$@`: like the quoted form, then split further. */
  splitList(list: readonly string[]): void {
    for (const [position, value] of list.entries()) {
      if (position > 0) this.next();
      this.split(value);
    }
  }

  finish(): readonly Field[] {
    this.next();
    return this.done;
  }

  private next(): void {
    if (this.present) this.done.push(this.current);
    this.current = { text: "", pattern: "", active: false };
    this.present = false;
  }

  private isWhite(text: string, at: number): boolean {
    return this.white.includes(text[at] ?? "x");
  }

  private isOther(text: string, at: number): boolean {
    return this.other.includes(text[at] ?? "x");
  }
}
