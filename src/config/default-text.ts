import type { ConfigValues } from "../plan/config.ts";
import { DIRECTIVE_NOTES } from "./directive-notes.ts";
import { DIRECTIVES, type Directive } from "./directives.ts";

const WIDTH = 96;

const HEAD = `# Configuration of skiff. The first of these files that exists is in force, whole:
# etc/skiff/skiff.conf of the installation, /etc/skiff/skiff.conf,
# /etc/apptainer/apptainer.conf, /etc/singularity/singularity.conf.
#
# A line that begins with "#" is a comment; there are none after a value. Each directive is shown
# with its default; take away the "#" in front of it to change it.
`;

/**
 * Text of a configuration file with every directive, its meaning and its default. Plain directives
 * are comments, since what a file leaves out has its default; lists that are not empty stand as they
 * are, since with a file in force a list that it leaves out is empty.
 */
export function defaultConfigText(): string {
  const paragraphs: string[] = [];
  for (const key in DIRECTIVES) {
    const row: Directive = DIRECTIVES[key as keyof ConfigValues];
    paragraphs.push(paragraph(row, DIRECTIVE_NOTES[key as keyof ConfigValues]));
  }
  return [HEAD, ...paragraphs].join("\n");
}

function paragraph(row: Directive, note: string): string {
  const words = row.words.length === 0 ? "" : ` One of: ${row.words.join(", ")}.`;
  const list = row.kind === "list" ? " A list: several lines, or commas." : "";
  const { fallback } = row;
  const lines =
    typeof fallback === "object"
      ? fallback.length === 0
        ? [`# ${row.name} =`]
        : fallback.map((member) => `${row.name} = ${member}`)
      : [`# ${row.name} = ${textOf(fallback)}`.trimEnd()];
  return `${[...wrap(note + words + list), ...lines].join("\n")}\n`;
}

/** A value as a file spells it; of a list its members joined by commas. */
export function textOf(value: Directive["fallback"]): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "object" ? value.join(",") : String(value);
}

function wrap(text: string): readonly string[] {
  const lines: string[] = [];
  let line = "#";
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
