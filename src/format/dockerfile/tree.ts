import type { SourceLine } from "../deffile/tree.ts";

/**
 * A Dockerfile as a tree that keeps every byte:
 *
 *   idle lines    blank lines, comments and parser directives between instructions
 *   instruction   KEYWORD --flag=value … rest, over all its lines: continuations, comments and empty
 *                 lines among them, and the bodies of its here-documents
 *
 * All lines of a tree, in order, are the file again (render.ts).
 */

/** `--name` or `--name=value` behind a keyword; `value` is undefined for the former. */
export interface Flag {
  readonly name: string;
  readonly value: string | undefined;
}

/** `<<NAME … NAME` of a RUN, COPY or ADD. */
export interface HereDocument {
  readonly name: string;
  /** Number before `<<`, 0 where none is. */
  readonly descriptor: number;
  /** Whether variables in it take effect: the name stood without quotes. */
  readonly expands: boolean;
  /** `<<-`: tabs at the start of its lines do not count. */
  readonly chomps: boolean;
  /** Its lines as they are, each with its newline. */
  readonly content: string;
}

export interface Instruction {
  /** Upper case. */
  readonly keyword: string;
  readonly flags: readonly Flag[];
  /** What follows the flags: lines joined, comments left out, blanks around removed. */
  readonly rest: string;
  /** The words of an exec form (a JSON list of texts); undefined for anything else. */
  readonly list: readonly string[] | undefined;
  readonly documents: readonly HereDocument[];
  readonly lines: readonly SourceLine[];
}

/** One piece of the file. */
export type Item =
  | { readonly kind: "idle"; readonly line: SourceLine }
  | { readonly kind: "instruction"; readonly instruction: Instruction };

export type EscapeSign = "\\" | "`";

export interface Dockerfile {
  readonly escapeSign: EscapeSign;
  /** Value of `# syntax=`, which names a program that no one here runs. */
  readonly syntax: string | undefined;
  readonly items: readonly Item[];
}

/** The instructions in order. */
export function instructionsOf(file: Dockerfile): readonly Instruction[] {
  return file.items.flatMap((item) => (item.kind === "instruction" ? [item.instruction] : []));
}

/** Number of the line an instruction begins on. */
export function lineOf(instruction: Instruction): number {
  return instruction.lines[0]?.number ?? 1;
}

/** Value of a flag; the last one counts. Absent or without a value: undefined. */
export function flagValue(instruction: Instruction, name: string): string | undefined {
  return instruction.flags.findLast((flag) => flag.name === name)?.value;
}
