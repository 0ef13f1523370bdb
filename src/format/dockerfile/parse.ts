import type { Diagnostic } from "../deffile/diagnostic.ts";
import { splitLines } from "../deffile/parse.ts";
import type { SourceLine } from "../deffile/tree.ts";
import { readDirectives } from "./_directives.ts";
import { hereMarks } from "./here-document.ts";
import type { Dockerfile, EscapeSign, Flag, HereDocument, Instruction, Item } from "./tree.ts";
import { parseJsonList, splitWords } from "./words.ts";

/** A tree and what is wrong with its form; the tree is there even when there are errors. */
export interface ParsedDockerfile {
  readonly file: Dockerfile;
  readonly diagnostics: readonly Diagnostic[];
}

/** Instructions in which here-documents are read. */
const WITH_DOCUMENTS = ["RUN", "COPY", "ADD"];
/** Instructions whose words may be a JSON list. */
const WITH_LIST = [
  ...["RUN", "CMD", "ENTRYPOINT", "SHELL", "COPY", "ADD", "VOLUME", "HEALTHCHECK"],
];

/**
 * Parses a Dockerfile (the public Dockerfile reference, "Format" to "Here-Documents"). Never throws:
 * what the words mean is for check.ts.
 *
 * @param text the file as base/os-text.ts decodes it.
 */
export function parseDockerfile(text: string): ParsedDockerfile {
  const diagnostics: Diagnostic[] = [];
  const lines = splitLines(text);
  const { escapeSign, syntax } = readDirectives(lines, diagnostics);
  const items: Item[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at];
    if (line === undefined) break;
    if (isIdle(usefulText(line))) {
      items.push({ kind: "idle", line });
      at++;
      continue;
    }
    const read = readInstruction(lines, at, escapeSign, diagnostics);
    items.push({ kind: "instruction", instruction: read.instruction });
    at = read.next;
  }
  return { file: { escapeSign, syntax, items }, diagnostics };
}

/**
 * One instruction from its text, such as ONBUILD keeps; lines may be continued. Undefined for a text
 * without one.
 */
export function parseInstruction(text: string, escapeSign: EscapeSign): Instruction | undefined {
  const lines = splitLines(text);
  const at = lines.findIndex((line) => !isIdle(line.text));
  return at < 0 ? undefined : readInstruction(lines, at, escapeSign, []).instruction;
}

function usefulText(line: SourceLine): string {
  return line.number === 1 ? line.text.replace("\ufeff", "") : line.text;
}

function isIdle(text: string): boolean {
  return /^\s*(#|$)/.test(text);
}

function readInstruction(
  lines: readonly SourceLine[],
  start: number,
  escapeSign: EscapeSign,
  diagnostics: Diagnostic[],
): { readonly instruction: Instruction; readonly next: number } {
  const first = lines[start];
  let joined = "";
  let next = start;
  let warned = false;
  while (next < lines.length) {
    const line = lines[next];
    if (line === undefined) break;
    next++;
    const isFirst = line === first;
    const text = isFirst ? usefulText(line).trimStart() : line.text;
    if (!isFirst && isIdle(text)) {
      if (!/#/.test(text) && !warned) {
        warned = true;
        diagnostics.push(emptyContinuation(line));
      }
      continue;
    }
    const { text: kept, goesOn } = cutContinuation(text, escapeSign);
    joined += kept;
    if (!goesOn) break;
  }
  const head = takeHead(joined);
  // The words of ONBUILD are an instruction of their own, with its documents.
  const inner = head.keyword === "ONBUILD" ? takeHead(head.rest) : head;
  const documents: HereDocument[] = [];
  if (WITH_DOCUMENTS.includes(inner.keyword) && parseJsonList(inner.rest) === undefined) {
    for (const mark of hereMarks(splitWords(inner.rest, escapeSign))) {
      let content = "";
      let isClosed = false;
      while (next < lines.length && !isClosed) {
        const line = lines[next++];
        const text = line?.text ?? "";
        isClosed = (mark.chomps ? text.replace(/^\t+/, "") : text) === mark.name;
        if (!isClosed) content += `${text}\n`;
      }
      if (!isClosed && first !== undefined) diagnostics.push(unclosed(first, mark.name));
      documents.push({ ...mark, content });
    }
  }
  const list = WITH_LIST.includes(head.keyword) ? parseJsonList(head.rest) : undefined;
  return {
    instruction: { ...head, list, documents, lines: lines.slice(start, next) },
    next,
  };
}

/** A line without the escape sign at its end, and whether there is one. Two signs are none. */
function cutContinuation(
  text: string,
  escapeSign: EscapeSign,
): { readonly text: string; readonly goesOn: boolean } {
  const trimmed = text.replace(/[ \t]+$/, "");
  if (!trimmed.endsWith(escapeSign)) return { text, goesOn: false };
  if (trimmed.length > 1 && trimmed.at(-2) === escapeSign) return { text, goesOn: false };
  return { text: trimmed.slice(0, -1), goesOn: true };
}

/** Keyword, flags and the rest of a joined line. */
function takeHead(text: string): {
  readonly keyword: string;
  readonly flags: readonly Flag[];
  readonly rest: string;
} {
  const match = /^\s*(\S+)\s*/.exec(text);
  const keyword = (match?.[1] ?? "").toUpperCase();
  let rest = text.slice(match?.[0].length ?? 0);
  const flags: Flag[] = [];
  for (;;) {
    const flag =
      /^--([a-zA-Z][a-zA-Z0-9-]*)(?:=((?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])*))?(?=\s|$)\s*/s.exec(
        rest,
      );
    if (flag === null || keyword === "ONBUILD") break;
    flags.push({
      name: flag[1] ?? "",
      value: flag[2] === undefined ? undefined : unquote(flag[2]),
    });
    rest = rest.slice(flag[0].length);
  }
  // `--` ends the flags.
  if (flags.length > 0 && /^--\s/.test(rest)) rest = rest.slice(2);
  return { keyword, flags, rest: rest.trim() };
}

/** The value of a flag without its quotes; what is in them stays, variables included. */
function unquote(text: string): string {
  return text.replace(
    /"((?:[^"\\]|\\.)*)"|'([^']*)'/gs,
    (_, double, single) => double ?? single ?? "",
  );
}

function emptyContinuation(line: SourceLine): Diagnostic {
  return {
    severity: "warning",
    line: line.number,
    column: 1,
    source: line.text,
    message: "an empty line stands inside a continued instruction",
    expected: "no empty line there: it does not end the instruction",
  };
}

function unclosed(line: SourceLine, name: string): Diagnostic {
  return {
    severity: "error",
    line: line.number,
    column: 1,
    source: line.text,
    message: `the here-document ${name} has no end`,
    expected: `a line with ${name} alone`,
  };
}
