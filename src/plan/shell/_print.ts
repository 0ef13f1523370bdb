import { NeedsShell } from "./needs-shell.ts";

/** Escapes of one letter that `echo -e`, `printf` and `$'…'` share. */
export const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  e: "\x1b",
  E: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
};

/** Backslash escapes of `echo -e` and `%b`; `stop`: a `\c` ended all output. */
export function decodeEcho(text: string, allowBareOctal: boolean): { text: string; stop: boolean } {
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? "";
    if (char !== "\\" || i + 1 >= text.length) {
      out += char;
      continue;
    }
    const next = text[++i] ?? "";
    if (next === "c") return { text: out, stop: true };
    const simple = ESCAPES[next];
    if (simple !== undefined) {
      out += simple;
      continue;
    }
    const rest = text.slice(i);
    const found =
      /^0[0-7]{0,3}/.exec(rest) ??
      (allowBareOctal ? /^[1-7][0-7]{0,2}/.exec(rest) : null) ??
      /^x[0-9a-fA-F]{1,2}/.exec(rest);
    if (found === null) {
      if (next === "u" || next === "U") throw new NeedsShell("prints a character by its number");
      out += `\\${next}`;
      continue;
    }
    const digits = found[0].startsWith("x")
      ? Number.parseInt(found[0].slice(1), 16)
      : Number.parseInt(found[0], 8);
    if (digits === 0 || digits > 255) throw new NeedsShell("prints a character by its number");
    out += String.fromCharCode(digits < 0x80 ? digits : 0xdc00 + digits);
    i += found[0].length - 1;
  }
  return { text: out, stop: false };
}

/** What `echo` prints. */
export function formatEcho(args: readonly string[]): string {
  let newline = true;
  let escapes = false;
  let first = 0;
  for (; first < args.length; first++) {
    const arg = args[first] ?? "";
    if (!/^-[neE]+$/.test(arg)) break;
    for (const flag of arg.slice(1)) {
      if (flag === "n") newline = false;
      else escapes = flag === "e";
    }
  }
  const text = args.slice(first).join(" ");
  if (!escapes) return newline ? `${text}\n` : text;
  const decoded = decodeEcho(text, false);
  return newline && !decoded.stop ? `${decoded.text}\n` : decoded.text;
}

/** What `printf FORMAT ARGUMENTS` prints. */
export function formatPrintf(format: string, args: readonly string[]): string {
  let out = "";
  let used = 0;
  do {
    const before = used;
    let at = 0;
    while (at < format.length) {
      const char = format[at] ?? "";
      if (char === "\\") {
        const escaped =
          /^\\(?:[0-7]{1,3}|x[0-9a-fA-F]{1,2}|[\s\S])/.exec(format.slice(at))?.[0] ?? "\\";
        if (escaped === "\\c") throw new NeedsShell("uses \\c in a printf format");
        out += escaped === '\\"' ? '"' : decodeEcho(escaped, true).text;
        at += escaped.length;
        continue;
      }
      if (char !== "%") {
        out += char;
        at++;
        continue;
      }
      const found = /^%([-+ 0#]*)(\*|[0-9]*)(\.(?:\*|[0-9]*))?([a-zA-Z%])/.exec(format.slice(at));
      if (found === null) throw new NeedsShell("uses an unusual printf format");
      at += found[0].length;
      const [, flags = "", width = "", precision, kind = ""] = found;
      if (kind === "%") {
        out += "%";
        continue;
      }
      if (width === "*" || precision === ".*")
        throw new NeedsShell("uses an unusual printf format");
      const argument = args[used++];
      const done = formatOne(kind, flags, width, precision, argument);
      out += done.text;
      if (done.stop) return out;
    }
    if (used === before) break;
    if (out.length > 1_000_000) throw new NeedsShell("prints more than the limit");
  } while (used < args.length);
  return out;
}

function formatOne(
  kind: string,
  flags: string,
  width: string,
  precision: string | undefined,
  argument: string | undefined,
): { text: string; stop: boolean } {
  let text = argument ?? "";
  let stop = false;
  let numeric = false;
  switch (kind) {
    case "s":
      break;
    case "b": {
      const decoded = decodeEcho(text, true);
      text = decoded.text;
      stop = decoded.stop;
      break;
    }
    case "c":
      text = text.slice(0, 1);
      break;
    case "d":
    case "i":
    case "u":
    case "x":
    case "X":
    case "o":
      text = formatInteger(kind, flags, text);
      numeric = true;
      break;
    default:
      throw new NeedsShell(`uses %${kind} in a printf format`);
  }
  if (precision !== undefined) {
    if (numeric) throw new NeedsShell("uses an unusual printf format");
    text = text.slice(0, Number(precision.slice(1)));
  }
  const size = width === "" ? 0 : Number(width);
  if (size > 4096) throw new NeedsShell("prints more than the limit");
  if (size > 0 && /[^\x01-\x7e]/.test(text)) throw new NeedsShell("pads characters beyond ASCII");
  if (precision !== undefined && /[^\x01-\x7e]/.test(argument ?? "")) {
    throw new NeedsShell("cuts characters beyond ASCII");
  }
  if (flags.includes("-")) return { text: text.padEnd(size), stop };
  if (!flags.includes("0") || !numeric) return { text: text.padStart(size), stop };
  const sign = /^[-+ ]/.exec(text)?.[0] ?? "";
  return { text: sign + text.slice(sign.length).padStart(size - sign.length, "0"), stop };
}

function formatInteger(kind: string, flags: string, text: string): string {
  if (flags.includes("#")) throw new NeedsShell("uses an unusual printf format");
  const source = text === "" ? "0" : text;
  if (!/^(?:-?[1-9][0-9]{0,17}|0)$/.test(source))
    throw new NeedsShell("prints what is not a plain number");
  const value = BigInt(source);
  if (kind === "d" || kind === "i") {
    return value >= 0n && flags.includes("+")
      ? `+${value}`
      : value >= 0n && flags.includes(" ")
        ? ` ${value}`
        : `${value}`;
  }
  const unsigned = BigInt.asUintN(64, value);
  if (kind === "u") return unsigned.toString();
  if (kind === "o") return unsigned.toString(8);
  const hex = unsigned.toString(16);
  return kind === "X" ? hex.toUpperCase() : hex;
}
