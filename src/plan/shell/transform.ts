import { LIMITS, NeedsShell } from "./needs-shell.ts";
import { isPattern, matchPattern, type StepCounter, unescapePattern } from "./pattern.ts";

/** `${x#p}`, `${x##p}`, `${x%p}`, `${x%%p}`: the value without the shortest or longest match at one end. */
export function removeMatch(
  value: string,
  pattern: string,
  operator: "#" | "##" | "%" | "%%",
  counter: StepCounter,
): string {
  const front = operator[0] === "#";
  if (!isPattern(pattern)) {
    const text = unescapePattern(pattern);
    if (front) return value.startsWith(text) ? value.slice(text.length) : value;
    return value.endsWith(text) ? value.slice(0, value.length - text.length) : value;
  }
  const longest = operator.length === 2;
  const size = value.length;
  for (let i = 0; i <= size; i++) {
    const taken = longest ? size - i : i;
    const part = front ? value.slice(0, taken) : value.slice(size - taken);
    if (matchPattern(pattern, part, counter)) {
      return front ? value.slice(taken) : value.slice(0, size - taken);
    }
  }
  return value;
}

/** `${x/p/r}` and its forms: the longest match at the first place (`//`: all places) replaced. */
export function replaceMatch(
  value: string,
  pattern: string,
  replacement: string,
  operator: "/" | "//" | "/#" | "/%",
  counter: StepCounter,
): string {
  if (!isPattern(pattern))
    return replaceText(value, unescapePattern(pattern), replacement, operator);
  if (value === "") return matchPattern(pattern, "", counter) ? replacement : "";
  if (operator === "/#" || operator === "/%") {
    for (let taken = value.length; taken >= 0; taken--) {
      const front = operator === "/#";
      const part = front ? value.slice(0, taken) : value.slice(value.length - taken);
      if (!matchPattern(pattern, part, counter)) continue;
      return front
        ? replacement + value.slice(taken)
        : value.slice(0, value.length - taken) + replacement;
    }
    return value;
  }
  let out = "";
  let at = 0;
  while (at < value.length) {
    let end = value.length;
    while (end > at && !matchPattern(pattern, value.slice(at, end), counter)) end--;
    if (end === at) {
      out += value[at];
      at++;
      continue;
    }
    out += replacement;
    at = end;
    bound(out);
    if (operator === "/") break;
  }
  return out + value.slice(at);
}

function replaceText(value: string, text: string, replacement: string, operator: string): string {
  if (operator === "/#")
    return value.startsWith(text) ? replacement + value.slice(text.length) : value;
  if (operator === "/%") {
    return value.endsWith(text) ? value.slice(0, value.length - text.length) + replacement : value;
  }
  if (text === "") return value;
  if (operator === "//") return bound(value.split(text).join(replacement));
  const at = value.indexOf(text);
  return at < 0 ? value : value.slice(0, at) + replacement + value.slice(at + text.length);
}

function bound(text: string): string {
  if (text.length > LIMITS.valueLength) throw new NeedsShell("makes a value too long");
  return text;
}

/** `${x^}`, `${x^^}`, `${x,}`, `${x,,}`. */
export function changeCase(value: string, operator: "^" | "^^" | "," | ",,"): string {
  requireAscii(value, "changes the case of characters beyond ASCII");
  const change = (text: string): string =>
    operator[0] === "^" ? text.toUpperCase() : text.toLowerCase();
  return operator.length === 2 ? change(value) : change(value.slice(0, 1)) + value.slice(1);
}

/** `${x:offset:length}`. */
export function takeSubstring(value: string, offset: bigint, length: bigint | undefined): string {
  requireAscii(value, "counts characters beyond ASCII");
  const size = BigInt(value.length);
  const from = offset < 0n ? offset + size : offset;
  if (from < 0n || from > size) return "";
  const to = length === undefined ? size : length < 0n ? length + size : from + length;
  if (to < from) throw new NeedsShell("takes a substring of negative length");
  return value.slice(Number(from), Number(to > size ? size : to));
}

/** Lengths and positions of text beyond ASCII depend on the locale. */
export function requireAscii(value: string, why: string): void {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) > 127) throw new NeedsShell(why);
}
