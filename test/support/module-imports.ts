import { type SourceWord, sourceWords } from "./source-words.ts";

/** One import (or re-export) of a module. */
export interface ModuleImport {
  /** Specifier as written; empty for a dynamic import of a computed one. */
  readonly from: string;
  /** "type": erased by the compiler; "lazy": `import()`, also where it stands for a type. */
  readonly kind: "static" | "type" | "lazy";
  /** Value of the attribute `type` in `with { type: "file" }`. */
  readonly attribute: string | undefined;
  /** From 1. */
  readonly line: number;
}

const isName = (word: SourceWord | undefined, text: string): boolean =>
  word?.kind === "name" && word.text === text;
const isMark = (word: SourceWord | undefined, text: string): boolean =>
  word?.kind === "mark" && word.text === text;

/** All imports of a module's source, in order; type-only ones too. */
export function moduleImports(code: string): readonly ModuleImport[] {
  const words = sourceWords(code);
  const found: ModuleImport[] = [];
  words.forEach((word, at) => {
    if (isMark(words[at - 1], ".") || word.kind !== "name") return;
    const next = words[at + 1];
    if (word.text === "import" && isMark(next, "(")) {
      const from = words[at + 2];
      const literal = from?.kind === "string" && !isMark(words[at + 3], "+");
      found.push({
        from: literal ? from.text : "",
        kind: "lazy",
        attribute: undefined,
        line: word.line,
      });
    } else if (word.text === "import" && next?.kind === "string") {
      found.push({
        from: next.text,
        kind: "static",
        attribute: attributeAfter(words, at + 2),
        line: word.line,
      });
    } else if (word.text === "import" || word.text === "export") {
      const isType = isName(next, "type") && !isName(words[at + 2], "from");
      const end = clauseEnd(words, isType ? at + 2 : at + 1);
      const from = words[end + 1];
      if (!isName(words[end], "from") || from?.kind !== "string") return;
      found.push({
        from: from.text,
        kind: isType ? "type" : "static",
        attribute: attributeAfter(words, end + 2),
        line: word.line,
      });
    }
  });
  return found;
}

// The index behind `name, { a, b as c }` or `* as name`: where "from" stands if this is an import.
function clauseEnd(words: readonly SourceWord[], from: number): number {
  let at = from;
  for (; at < words.length; at++) {
    const word = words[at];
    if (isMark(word, "{")) {
      while (at < words.length && !isMark(words[at], "}")) at++;
    } else if (isName(word, "from") && words[at + 1]?.kind === "string") {
      return at;
    } else if (!(word?.kind === "name" || isMark(word, ",") || isMark(word, "*"))) {
      return at;
    }
  }
  return at;
}

function attributeAfter(words: readonly SourceWord[], at: number): string | undefined {
  const [keyword, open, name, colon, value] = words.slice(at, at + 5);
  if (!isName(keyword, "with") || !isMark(open, "{")) return undefined;
  return isName(name, "type") && isMark(colon, ":") ? value?.text : undefined;
}
