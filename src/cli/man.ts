import { envNames, isRepeatable, metaOf, shownCommands, shownFlags } from "./flag-text.ts";
import { VERSIONS } from "./program.ts";
import { ROOT } from "./root.ts";
import type { CommandSpec, FlagSpec } from "./spec.ts";

/*
 * A page in the man(7) macros:
 *
 *   .TH title        .SH NAME, SYNOPSIS, DESCRIPTION, OPTIONS, COMMANDS,
 *                        EXIT STATUS, ENVIRONMENT, EXAMPLES, SEE ALSO
 *   .TP tagged paragraphs for flags and commands
 */

/** Name of a command's page without `.1`: `skiff`, `skiff-exec`, `skiff-instance-start`. */
export function manPageName(path: readonly string[]): string {
  return ["skiff", ...path].join("-");
}

/** The page of one command, or of the program for an empty path; `commands` are then those it has. */
export function formatManPage(path: readonly string[], command: CommandSpec): string {
  const title = manPageName(path);
  const isProgram = path.length === 0;
  const parts = [
    `.TH ${title.toUpperCase()} 1 "" "skiff ${VERSIONS.skiff}" "skiff"`,
    section("NAME", `${roffText(title)} \\- ${roffText(lowerFirst(command.summary))}`),
    section("SYNOPSIS", formatSynopsis(path, command)),
  ];
  if (command.description !== undefined) {
    parts.push(section("DESCRIPTION", command.description.map(roffText).join("\n.PP\n")));
  }
  parts.push(section("OPTIONS", shownFlags(command).map(formatFlag).join("\n")));
  if (command.commands !== undefined) {
    parts.push(section("COMMANDS", shownCommands(command.commands).map(formatSub).join("\n")));
  }
  if (isProgram)
    parts.push(section("EXIT STATUS", EXIT_STATUS), section("ENVIRONMENT", ENVIRONMENT));
  if (command.examples !== undefined) {
    const examples = command.examples.map(
      ({ text, command: line }) =>
        `${roffText(text)}:\n.PP\n.RS 4\n.nf\n${roffText(`skiff ${line}`)}\n.fi\n.RE`,
    );
    parts.push(section("EXAMPLES", examples.join("\n.PP\n")));
  }
  parts.push(section("SEE ALSO", formatSeeAlso(path, command)));
  return `${parts.join("\n")}\n`;
}

const EXIT_STATUS = [
  "The status of the program in the container, or 128 and the number of the signal that ended it.",
  "255 when skiff itself fails, 1 for a wrong command line.",
].join("\n");

const ENVIRONMENT = [
  "A flag that names variables is set by them when it is not given; the prefixes APPTAINER_ and",
  "SINGULARITY_ are read as well as SKIFF_, in the order SKIFF_, APPTAINER_, SINGULARITY_.",
  "Variables named SINGULARITYENV_NAME or APPTAINERENV_NAME set NAME in the container.",
].join("\n");

function section(name: string, body: string): string {
  return `.SH ${name}\n${body}`;
}

function formatSynopsis(path: readonly string[], command: CommandSpec): string {
  const name = roffText(["skiff", ...path].join(" "));
  const forms = [command.args, ...Object.values(command.argsWith ?? {})].map(({ usage }) => {
    const words = usage === "" ? "" : `\n${roffText(usage)}`;
    return `.B ${name}\n[\\fIoptions\\fR]${words}`;
  });
  return forms.join("\n.br\n");
}

function formatFlag(flag: FlagSpec): string {
  const short = flag.short === undefined ? "" : `\\fB\\-${flag.short}\\fR, `;
  const meta = metaOf(flag);
  const value = meta === undefined ? "" : ` \\fI${roffText(meta)}\\fR`;
  let text = roffText(flag.help);
  if (isRepeatable(flag)) text += "; may be repeated";
  if (flag.default !== undefined && flag.default !== "")
    text += ` (default ${roffText(flag.default)})`;
  const names = envNames(flag, "skiff");
  if (names.length > 0) text += `. Variables: ${names.map(roffText).join(", ")}`;
  return `.TP\n${short}\\fB${roffText(`--${flag.name}`)}\\fR${value}\n${text}`;
}

function formatSub(sub: CommandSpec): string {
  return `.TP\n\\fB${roffText(sub.name)}\\fR\n${roffText(sub.summary)}`;
}

function formatSeeAlso(path: readonly string[], command: CommandSpec): string {
  const pages = [
    ...(path.length === 0 ? [] : [path.slice(0, -1)]),
    ...shownCommands(command.commands ?? []).map((sub) => [...path, sub.name]),
  ];
  return pages.map((page) => `.BR ${roffText(manPageName(page))} (1)`).join(",\n");
}

/** Text that roff takes as it is: backslashes and hyphens escaped, no request at the start of a line. */
function roffText(text: string): string {
  const safe = text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^[.']/, "\\&$&");
  return safe;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** Every page with its name, the program's first. */
export function formatAllManPages(
  commands: readonly CommandSpec[],
): readonly { readonly name: string; readonly text: string }[] {
  const pages: { name: string; text: string }[] = [];
  const visit = (path: readonly string[], command: CommandSpec): void => {
    if (command.planned === true) return;
    pages.push({ name: manPageName(path), text: formatManPage(path, command) });
    for (const sub of command.commands ?? []) visit([...path, sub.name], sub);
  };
  visit([], { ...ROOT, commands: shownCommands(commands) });
  return pages;
}
