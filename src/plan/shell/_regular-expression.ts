import { NeedsShell } from "./needs-shell.ts";

/** Text as a regular expression that matches only itself. */
export function escapeRegularExpression(text: string): string {
  return text.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&");
}

/**
 * Whether a simple POSIX extended regular expression matches somewhere: literals, `.`, anchors,
 * bracket lists without classes, and at most three repetitions, so that matching stays cheap. The
 * expression has its quoted characters escaped by a backslash.
 */
export function matchRegularExpression(expression: string, text: string): boolean {
  let repetitions = 0;
  let out = "";
  for (let i = 0; i < expression.length; i++) {
    const char = expression[i] ?? "";
    if (char === "\\") {
      const next = expression[++i];
      if (next === undefined || /[A-Za-z0-9]/.test(next))
        throw new NeedsShell("uses a regular expression");
      out += `\\${next}`;
    } else if (char === "[") {
      const list = /^\[\^?[A-Za-z0-9_.:/@+=-]+\]/.exec(expression.slice(i))?.[0];
      if (list === undefined || /[[:.=]\]|\[[:.=]|.-.-/.test(list))
        throw new NeedsShell("uses a regular expression");
      out += list;
      i += list.length - 1;
    } else if ("*+?".includes(char)) {
      const previous = expression[i - 1] ?? "";
      if (previous === "" || "*+?^".includes(previous) || ++repetitions > 3)
        throw new NeedsShell("uses a regular expression");
      out += char;
    } else if ("(){}|".includes(char)) {
      throw new NeedsShell("uses a regular expression");
    } else if (char === "^" && i > 0) {
      throw new NeedsShell("uses a regular expression");
    } else if (char === "$" && i < expression.length - 1) {
      throw new NeedsShell("uses a regular expression");
    } else {
      out += char === "/" || char === "]" ? `\\${char}` : char;
    }
  }
  // Matching tries every start and every split among the repetitions.
  const cost = text.length ** (repetitions + 1);
  if (cost > 10_000_000 || /[^\x00-\x7f]/.test(text) || out === "") {
    throw new NeedsShell("uses a regular expression");
  }
  return new RegExp(out, "s").test(text);
}
