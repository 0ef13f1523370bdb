import type { Definition, HeaderEntry, Section, SourceLine, Stage } from "./tree.ts";

const SPELLING: Readonly<Record<string, string>> = {
  mirrorurl: "MirrorURL",
  updateurl: "UpdateURL",
  osversion: "OSVersion",
  includecmd: "IncludeCmd",
  registerurl: "RegisterURL",
  productpgp: "ProductPGP",
  buildargs: "BuildArgs",
  regcode: "RegCode",
  confurl: "ConfURL",
};

/**
 * The definition in one layout, with the same meaning: header keys spelled one way, section names in
 * lower case, one blank line before a section, no blanks at line ends of lists, a final newline,
 * line ends of one kind. Bodies of scripts are left as they are but for blank lines at their end,
 * because white space may matter in them.
 */
export function formatDefinition(definition: Definition): string {
  const out = definition.preamble.map((line) => line.text.trimEnd());
  for (const stage of definition.stages) {
    trimBlank(out);
    if (out.length > 0) out.push("");
    out.push(...formatHeader(stage));
    for (const section of stage.sections) {
      trimBlank(out);
      if (out.length > 0) out.push("");
      out.push(...formatSection(section));
    }
  }
  trimBlank(out);
  return out.length === 0 ? "" : `${out.join("\n")}\n`;
}

function trimBlank(lines: string[]): void {
  while (lines.length > 0 && (lines.at(-1) ?? "").trim() === "") lines.pop();
}

function formatHeader(stage: Stage): readonly string[] {
  const entryOf = new Map<SourceLine, HeaderEntry>(
    stage.entries.map((entry) => [entry.line, entry]),
  );
  return stage.headerLines.map((line) => {
    const entry = entryOf.get(line);
    if (entry === undefined) return line.text.trimEnd();
    const rest = line.text.slice(line.text.indexOf(":") + 1).trim();
    const digits = /[0-9]*$/.exec(entry.key)?.[0] ?? "";
    const stem = entry.key.slice(0, entry.key.length - digits.length);
    const key = SPELLING[stem] ?? (stem === "otherurl" ? "OtherURL" : capital(stem));
    return `${key}${digits}: ${rest}`.trimEnd();
  });
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

function formatSection(section: Section): readonly string[] {
  const words = [`%${section.name}`, section.app ?? "", section.rawArguments];
  const heading = words.filter((word) => word !== "").join(" ");
  const isList = ["files", "labels", "arguments", "appfiles", "applabels"].includes(section.name);
  const body = section.body.map((line) => {
    if (!isList) return line.text;
    const text = line.text.trim();
    return text === "" ? "" : `    ${text}`;
  });
  return [heading, ...body];
}
