import { type FileView, resolveIn } from "../../base/file-view.ts";
import { SECTIONS } from "../../image/inspect/attributes.ts";
import { renderJson } from "../../image/inspect/render-json.ts";
import { readTreeAttributes } from "../../image/inspect/tree-attributes.ts";

/**
 * Text of the SIF object `inspect-metadata.json`: all that `inspect` shows of an image, read from its
 * root (reference: sif.md section 8), on one line.
 */
export function inspectMetadata(view: FileView): string {
  const everything = { sections: new Set(SECTIONS), listApps: true, of: { kind: "all" } } as const;
  const indented = renderJson(readTreeAttributes(view, everything, () => undefined));
  // A line is white space and a member; the blank behind its key goes too.
  const lines = indented.split("\n").map((line) => line.replace(/^\t+/, ""));
  return lines.map((line) => line.replace(/^("(?:[^"\\]|\\.)*"): /, "$1:")).join("");
}

/** Content of a regular file, symbolic links followed inside the root. */
export function readIn(view: FileView, path: string): Uint8Array | undefined {
  const found = resolveIn(view, path);
  return found.entry?.kind === "file" ? view.read(found.path) : undefined;
}
