import type { EscapeSign } from "./tree.ts";

/**
 * Cuts a text at blanks; quotes and escaped characters keep blanks inside a word. Words are as
 * written, quotes included. A quote that nothing closes reaches to the end.
 */
export function splitWords(text: string, escapeSign: EscapeSign): readonly string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  let isOpen = false;
  const close = (): void => {
    if (isOpen) words.push(word);
    word = "";
    isOpen = false;
  };
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? "";
    if (quote === "" && /\s/.test(char)) {
      close();
      continue;
    }
    isOpen = true;
    word += char;
    if (char === escapeSign && quote !== "'" && i + 1 < text.length) word += text[++i] ?? "";
    else if (quote === "" && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = "";
  }
  close();
  return words;
}

/** Words of a text cut at blanks and nothing else. */
export function plainWords(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

/** A JSON list of texts, as exec forms are; undefined for anything else. */
export function parseJsonList(text: string): readonly string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || value.some((word) => typeof word !== "string")) return undefined;
  return value;
}

/** `name=value` of an ENV, LABEL or ARG; both as written, not yet expanded. */
export interface NamedWord {
  readonly name: string;
  /** Undefined where there is no equals sign. */
  readonly value: string | undefined;
}

/** One word cut at its first equals sign. */
export function namedWord(word: string): NamedWord {
  const cut = word.indexOf("=");
  if (cut < 0) return { name: word, value: undefined };
  return { name: word.slice(0, cut), value: word.slice(cut + 1) };
}

/**
 * Pairs of an ENV or LABEL: `name=value …`, or the old form `name value with blanks`. A word without
 * an equals sign in the first form is given without value.
 */
export function namedWords(rest: string, escapeSign: EscapeSign): readonly NamedWord[] {
  const words = splitWords(rest, escapeSign);
  const [first] = words;
  if (first === undefined) return [];
  if (first.includes("=")) return words.map(namedWord);
  const value = rest.slice(rest.indexOf(first) + first.length).trim();
  return [{ name: first, value: words.length === 1 ? undefined : value }];
}
