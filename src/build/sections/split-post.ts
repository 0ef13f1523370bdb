import type { Script } from "../../format/deffile/script.ts";

/** A part of `%post` that is a cached step of its own. */
export interface PostPart extends Script {
  /** Words behind the marker; empty for the first part and for markers without any. */
  readonly name: string;
}

/** `# skiff: step NAME`: a comment for everyone else. */
const MARKER = /^[ \t]*#[ \t]*skiff:[ \t]*step\b[ \t:]*(.*?)[ \t]*$/;

/**
 * Cuts `%post` at its marker comments. The marker begins its part; what comes before the first one
 * is a part too, unless it is blank. Lines keep their numbers as long as the section was written in
 * one piece.
 */
export function splitPost(script: Script): readonly PostPart[] {
  const parts: { name: string; lines: string[]; line: number }[] = [
    { name: "", lines: [], line: script.line },
  ];
  for (const [index, line] of script.text.split(/(?<=\n)/).entries()) {
    const marker = MARKER.exec(line.replace(/\r?\n$/, ""));
    if (marker !== null)
      parts.push({ name: marker[1] ?? "", lines: [], line: script.line + 1 + index });
    parts.at(-1)?.lines.push(line);
  }
  const [first, ...rest] = parts;
  const isBlank =
    first !== undefined && first.lines.every((line) => /^\s*(#.*)?$/.test(line.trimEnd()));
  const used = isBlank && rest.length > 0 ? rest : parts;
  return used.map(({ name, lines, line }) => ({
    name,
    text: lines.join(""),
    line,
    arguments: script.arguments,
  }));
}
