import type { Section } from "./tree.ts";
import { sectionArguments } from "./tree.ts";

/** One line of `%files`: what goes where. */
export interface FileTransfer {
  /** As written, quotes removed; may hold glob characters. */
  readonly source: string;
  /** Empty: the same path as the source. */
  readonly target: string;
  readonly line: number;
}

/** Lines of `%files` that come from one place. */
export interface FileBlock {
  /** Name of the stage for `%files from STAGE`; undefined: the host. */
  readonly from: string | undefined;
  readonly transfers: readonly FileTransfer[];
}

/**
 * The blocks of all `%files` sections of a stage, in order of their first appearance; sections with
 * equal arguments are one block. Arguments other than none or `from STAGE` (two words, the first may
 * be any) make the block void, as with the peer.
 */
export function fileBlocks(sections: readonly Section[]): readonly FileBlock[] {
  const blocks = new Map<string, FileBlock>();
  for (const section of sections) {
    if (section.name !== "files") continue;
    const words = sectionArguments(section)
      .split(/\s+/)
      .filter((word) => word !== "");
    if (words.length !== 0 && words.length !== 2) continue;
    const key = words.join(" ");
    const before = blocks.get(key)?.transfers ?? [];
    const transfers = [...before, ...section.body.flatMap(parseTransfer)];
    blocks.set(key, { from: words[1], transfers });
  }
  return [...blocks.values()];
}

function parseTransfer(line: { readonly text: string; readonly number: number }): FileTransfer[] {
  const text = line.text.trim();
  if (text === "" || text.startsWith("#")) return [];
  const [source, target] = splitFileWords(text);
  if (source === undefined) return [];
  return [{ source, target: target ?? "", line: line.number }];
}

/**
 * Words of a `%files` line: split at blanks, double quotes keep blanks inside, a template
 * `{{ name }}` is kept together with what it touches.
 */
export function splitFileWords(text: string): readonly string[] {
  const words = text.match(/"[^"]*"|(?:\{\{\s*\w+\s*\}\}|[^\s"])+/g) ?? [];
  return words.map((word) => word.replace(/^"|"$/g, ""));
}

/** Source and target of a line of `%appfiles`; a missing target is the source. */
export function parseAppTransfer(text: string): { source: string; target: string } | undefined {
  const useful = text.trim();
  if (useful === "" || useful.startsWith("#")) return undefined;
  const plain = (useful.split("#")[0] ?? "").trim();
  const cut = plain.search(/\s/);
  if (cut < 0) return { source: plain, target: plain };
  return { source: plain.slice(0, cut), target: plain.slice(cut).trim() };
}
