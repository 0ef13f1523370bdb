import { NeedsShell } from "./needs-shell.ts";

/** Counts comparisons against the limit of the whole evaluation. */
export interface StepCounter {
  step(count: number): void;
}

/** Text as a pattern that matches only itself. */
export function escapePattern(text: string): string {
  return text.replace(/[\\*?[\]]/g, "\\$&");
}

/** Whether the pattern has an active `*`, `?` or `[`. */
export function isPattern(pattern: string): boolean {
  for (let i = 0; i < pattern.length; i++) {
    const code = pattern.charCodeAt(i);
    if (code === 92) i++;
    else if (code === 42 || code === 63) return true;
    // A bracket without its partner is an ordinary character.
    else if (code === 91 && pattern.indexOf("]", i + 2) > 0) return true;
  }
  return false;
}

/** The text that a pattern without active characters stands for. */
export function unescapePattern(pattern: string): string {
  return pattern.includes("\\") ? pattern.replace(/\\([\s\S])/g, "$1") : pattern;
}

/**
 * Whether a shell pattern matches the whole text: `*`, `?`, `[…]`, backslash escapes. A slash is an
 * ordinary character. Time is at most the product of both lengths.
 */
export function matchPattern(pattern: string, text: string, counter: StepCounter): boolean {
  let p = 0;
  let t = 0;
  let starPattern = -1;
  let starText = 0;
  let steps = 0;
  while (t < text.length || p < pattern.length) {
    steps++;
    if (p < pattern.length) {
      const code = pattern.charCodeAt(p);
      if (code === 42) {
        starPattern = ++p;
        starText = t;
        continue;
      }
      if (t < text.length) {
        const next = matchOne(pattern, p, text.charCodeAt(t));
        if (next > 0) {
          p = next;
          t++;
          continue;
        }
      }
    }
    if (starPattern < 0 || starText >= text.length) {
      counter.step(steps);
      return false;
    }
    p = starPattern;
    t = ++starText;
  }
  counter.step(steps);
  return true;
}

/** Matches one character at `p`; gives the offset after it in the pattern, or 0. */
function matchOne(pattern: string, p: number, code: number): number {
  const first = pattern.charCodeAt(p);
  if (first === 63) return plain(code) ? p + 1 : 0;
  if (first === 91) {
    const end = matchBracket(pattern, p, code);
    if (end !== 0) return Math.max(end, 0);
    return code === 91 ? p + 1 : 0;
  }
  if (first === 92 && p + 1 < pattern.length) return pattern.charCodeAt(p + 1) === code ? p + 2 : 0;
  return first === code ? p + 1 : 0;
}

/** What `?` and `[…]` match beyond ASCII depends on the locale. */
function plain(code: number): boolean {
  if (code > 127) throw new NeedsShell("matches characters beyond ASCII");
  return true;
}

/** Offset after the bracket expression when it matches, -1 when it does not, 0 when it is none. */
function matchBracket(pattern: string, start: number, code: number): number {
  let p = start + 1;
  const negated = pattern[p] === "!" || pattern[p] === "^";
  if (negated) p++;
  const first = p;
  let matched = false;
  for (;;) {
    if (p >= pattern.length) return 0;
    let low = pattern.charCodeAt(p);
    if (low === 93 && p > first) break;
    if (low === 91 && (pattern[p + 1] === "." || pattern[p + 1] === "=")) {
      throw new NeedsShell("uses a collating element");
    }
    if (low === 91 && pattern[p + 1] === ":") {
      const end = pattern.indexOf(":]", p + 2);
      if (end < 0) throw new NeedsShell("uses an unfinished character class");
      if (inClass(pattern.slice(p + 2, end), code)) matched = true;
      p = end + 2;
      continue;
    }
    if (low === 92 && p + 1 < pattern.length) low = pattern.charCodeAt(++p);
    p++;
    let high = low;
    if (pattern[p] === "-" && p + 1 < pattern.length && pattern[p + 1] !== "]") {
      high = pattern.charCodeAt(++p);
      if (high === 92 && p + 1 < pattern.length) high = pattern.charCodeAt(++p);
      p++;
    }
    plain(low);
    plain(high);
    if (code >= low && code <= high) matched = true;
  }
  plain(code);
  return matched !== negated ? p + 1 : -1;
}

function inClass(name: string, code: number): boolean {
  const char = String.fromCharCode(code);
  switch (name) {
    case "alpha":
      return /[A-Za-z]/.test(char);
    case "digit":
      return /[0-9]/.test(char);
    case "alnum":
      return /[A-Za-z0-9]/.test(char);
    case "upper":
      return /[A-Z]/.test(char);
    case "lower":
      return /[a-z]/.test(char);
    case "space":
      return /[ \t\n\v\f\r]/.test(char);
    case "blank":
      return /[ \t]/.test(char);
    case "punct":
      return /[!-/:-@[-`{-~]/.test(char);
    case "xdigit":
      return /[0-9A-Fa-f]/.test(char);
    case "word":
      return /[A-Za-z0-9_]/.test(char);
    default:
      throw new NeedsShell(`uses the character class [:${name}:]`);
  }
}
