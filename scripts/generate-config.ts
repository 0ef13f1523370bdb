/**
 * Writes the default configuration file. `bun scripts/generate-config.ts FILE`
 *
 * Plain directives stand in it as comments, since what a file leaves out has its default anyway. Lists
 * that are not empty stand as they are: with a file, a list that it leaves out is empty.
 */
import { DIRECTIVES, type Directive } from "../src/config/directives.ts";

function valueText(value: Directive["fallback"]): string {
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

function describe(row: Directive): string {
  switch (row.kind) {
    case "words":
      return `# ${row.name}: ${row.words.join(", ")}`;
    case "number":
      return `# ${row.name}: a whole number`;
    case "text":
      return `# ${row.name}: text`;
    case "list":
      return `# ${row.name}: a list, one line per member or with commas`;
  }
}

function paragraph(row: Directive): string {
  const { fallback, name } = row;
  const lines =
    typeof fallback === "object"
      ? fallback.map((member) => `${name} = ${member}`)
      : [`# ${name} = ${valueText(fallback)}`];
  return [describe(row), ...lines, ""].join("\n");
}

/** The text of the default skiff.conf. */
export function defaultConfigText(): string {
  const head = [
    "# Configuration of skiff. A line that begins with # is a comment: each directive is shown with its",
    "# default. The first of these files that exists is the one in force: etc/skiff/skiff.conf of the",
    "# installation, /etc/skiff/skiff.conf, /etc/apptainer/apptainer.conf, /etc/singularity/singularity.conf.",
    "",
  ];
  return `${[...head, ...Object.values(DIRECTIVES).map(paragraph)].join("\n")}`;
}

if (import.meta.main) {
  const [file = "dist/skiff.conf"] = process.argv.slice(2);
  await Bun.write(file, defaultConfigText());
}
