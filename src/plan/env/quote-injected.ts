import { NeedsShell, ShellSyntaxError } from "../shell/needs-shell.ts";
import { Parser } from "../shell/parse.ts";

/** How an injected value is to be read: as it is, as text inside double quotes, or not at all. */
export type QuotedValue =
  | { readonly kind: "plain" }
  | { readonly kind: "quoted"; readonly text: string }
  | { readonly kind: "broken"; readonly why: string };

/**
 * The value as it stands between double quotes in the script that exports it: double quotes are
 * escaped, everything else keeps its meaning (reference: runtime.md 2.2). A value that would end the
 * quotes early, or that does not close what it opens, is broken.
 */
export function quoteInjected(value: string): QuotedValue {
  if (!/[$`\\]/.test(value)) return { kind: "plain" };
  const text = value.replaceAll('"', '\\"');
  const parser = new Parser(text);
  try {
    parser.readQuoted([], '"');
  } catch (error) {
    if (error instanceof ShellSyntaxError) return { kind: "broken", why: error.message };
    if (error instanceof NeedsShell) return { kind: "quoted", text };
    throw error;
  }
  if (parser.position < text.length) return { kind: "broken", why: "a quote is not closed" };
  if (/(?:^|[^\\])(?:\\\\)*\\$/.test(text))
    return { kind: "broken", why: "it ends with a backslash" };
  return { kind: "quoted", text };
}
