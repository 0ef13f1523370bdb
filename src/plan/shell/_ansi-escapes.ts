import { ESCAPES } from "./_print.ts";
import { NeedsShell } from "./needs-shell.ts";

const SIMPLE: Readonly<Record<string, string>> = { ...ESCAPES, "'": "'", '"': '"', "?": "?" };

/**
 * Text of `$'…'` from `start` (after the quote) and the offset of its closing quote, -1 when it does
 * not close. An unknown escape stays as it is written, backslash included.
 */
export function decodeAnsiEscapes(text: string, start: number): { text: string; end: number } {
  let out = "";
  let at = start;
  while (at < text.length) {
    const char = text[at] ?? "";
    if (char === "'") return { text: out, end: at };
    if (char !== "\\") {
      out += char;
      at++;
      continue;
    }
    const next = text[at + 1] ?? "";
    if (next === "c") throw new NeedsShell("uses a rare escape in $'…'");
    const simple = SIMPLE[next];
    if (simple !== undefined) {
      out += simple;
      at += 2;
      continue;
    }
    const number = readNumber(text, at + 1);
    if (number === undefined) {
      out += `\\${next}`;
      at += 2;
      continue;
    }
    out += number.text;
    at = number.end;
  }
  return { text: out, end: -1 };
}

/** `\nnn`, `\xHH`, `\uHHHH`, `\UHHHHHHHH` at the character after the backslash. */
function readNumber(text: string, at: number): { text: string; end: number } | undefined {
  const kind = text[at] ?? "";
  const [radix, most, from] =
    kind === "x"
      ? [16, 2, at + 1]
      : kind === "u"
        ? [16, 4, at + 1]
        : kind === "U"
          ? [16, 8, at + 1]
          : [8, 3, at];
  let end = from;
  while (end < text.length && end < from + most && Number.parseInt(text[end] ?? "", radix) >= 0)
    end++;
  if (end === from) return undefined;
  const code = Number.parseInt(text.slice(from, end), radix);
  if (code > 0 && code < 0x80) return { text: String.fromCharCode(code), end };
  // A NUL cuts the text short, and what \u gives depends on the locale.
  if (code === 0 || kind === "u" || kind === "U")
    throw new NeedsShell("uses a rare escape in $'…'");
  // Single bytes beyond ASCII are lone surrogates in text (os-text).
  return { text: String.fromCharCode(0xdc00 + (code & 0xff)), end };
}
