import type { Diagnostic } from "./diagnostic.ts";
import { APP_SECTION_NAMES, nearestName, SECTION_NAMES } from "./names.ts";
import type { Section, SourceLine } from "./tree.ts";

/** A heading line taken apart; what is wrong with it goes to `diagnostics`. */
export function parseHeading(line: SourceLine, diagnostics: Diagnostic[]): Omit<Section, "body"> {
  const match = /^(\s*)(%+)(\S*)(\s*)/.exec(line.text);
  const [whole = "", indent = "", percents = "", word = ""] = match ?? [];
  const name = word.toLowerCase();
  let argumentsColumn = whole.length + 1;
  let rawArguments = line.text.slice(whole.length).trimEnd();
  let app: string | undefined;
  const error = (message: string, expected: string): void => {
    const column = indent.length + percents.length + 1;
    diagnostics.push({
      severity: "error",
      line: line.number,
      column: indent === "" ? column : indent.length + 1,
      source: line.text,
      message,
      expected,
    });
  };
  const isApp = APP_SECTION_NAMES.includes(name);
  if (indent !== "") {
    error(
      `invalid section(s) specified: "${percents}${word}" is indented`,
      "section names at the start of the line; a script line cannot begin with a percent sign",
    );
  } else if (!isApp && !SECTION_NAMES.includes(name)) {
    const known = [...SECTION_NAMES, ...APP_SECTION_NAMES];
    const near = nearestName(name, known);
    error(
      `invalid section(s) specified: ${name}`,
      near === undefined ? `one of ${known.join(", ")}` : `perhaps "%${near}"`,
    );
  } else if (isApp) {
    const appMatch = /^(\S+)(\s*)/.exec(rawArguments);
    app = appMatch?.[1];
    argumentsColumn += appMatch?.[0].length ?? 0;
    rawArguments = rawArguments.slice(appMatch?.[0].length ?? 0);
    if (app === undefined) {
      error(
        `app section ${name}: could not be split into section name and app name`,
        `\`%${name} NAME\``,
      );
    }
  }
  return { name, app, rawArguments, argumentsColumn, heading: line };
}
