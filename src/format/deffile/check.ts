import { AGENTS } from "./agents.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { nearestName } from "./names.ts";
import {
  type Definition,
  headerValue,
  type Section,
  type SourceLine,
  type Stage,
  sectionArguments,
} from "./tree.ts";

/**
 * What is wrong with a well-formed definition before anything is built: agents, their keys, stage
 * names, section arguments. Give it the definition with its templates filled in.
 */
export function checkDefinition(definition: Definition): readonly Diagnostic[] {
  const out: Diagnostic[] = [];
  const names: string[] = [];
  for (const stage of definition.stages) {
    if (stage.entries.length === 0) {
      out.push(headerless(stage, definition.stages.length));
    } else {
      checkHeader(stage, out);
    }
    for (const section of stage.sections) checkSection(section, names, out);
    names.push(headerValue(stage, "stage") ?? "");
  }
  return out;
}

function headerless(stage: Stage, stageCount: number): Diagnostic {
  const line = stage.headerLines[0] ?? stage.sections[0]?.heading;
  const message =
    stageCount > 1
      ? "multiple stages detected, all must have headers"
      : "no bootstrap specification found";
  return finding("error", line, 1, message, "a header that begins with `Bootstrap:`");
}

function checkHeader(stage: Stage, out: Diagnostic[]): void {
  const start = stage.entries.find((entry) => entry.key === "bootstrap");
  const first = stage.entries[0]?.line;
  const named = start?.value ?? "";
  if (start === undefined || named === "") {
    const column = start?.keyColumn ?? 1;
    const wanted = "`Bootstrap:` with an agent as the first header line";
    out.push(
      finding("error", start?.line ?? first, column, "no bootstrap specification found", wanted),
    );
    return;
  }
  const agent = Object.hasOwn(AGENTS, named) ? AGENTS[named] : undefined;
  if (agent === undefined) {
    const known = Object.keys(AGENTS);
    const near = known.includes(named.toLowerCase())
      ? named.toLowerCase()
      : nearestName(named, known);
    const wanted =
      near === undefined ? `one of ${known.join(", ")}` : `perhaps "${near}" (lower case)`;
    const message = `invalid build source ${named}`;
    out.push(finding("error", start.line, start.valueColumn, message, wanted));
    return;
  }
  for (const key of agent.required) {
    if ((headerValue(stage, key) ?? "") !== "") continue;
    const message = `invalid ${named} header, no ${key} specified`;
    out.push(finding("error", start.line, 1, message, `a header line \`${key}: VALUE\``));
  }
  const keys = new Set<string>();
  for (const entry of stage.entries) {
    const isExpected =
      agent.required.includes(entry.key) ||
      agent.optional.includes(entry.key) ||
      entry.key.startsWith("otherurl");
    if (keys.has(entry.key)) {
      const message = `header key ${entry.key} is given again; the last one counts`;
      out.push(finding("warning", entry.line, entry.keyColumn, message, "each key once"));
    } else if (!isExpected) {
      const message = `the agent ${named} does not read the header key ${entry.key}`;
      const wanted = [...agent.required, ...agent.optional].join(", ");
      out.push(finding("warning", entry.line, entry.keyColumn, message, wanted));
    }
    keys.add(entry.key);
  }
}

function checkSection(section: Section, earlier: readonly string[], out: Diagnostic[]): void {
  const words = sectionArguments(section)
    .split(/\s+/)
    .filter((word) => word !== "");
  const at = (severity: "error" | "warning", message: string, wanted: string): void => {
    out.push(finding(severity, section.heading, section.argumentsColumn, message, wanted));
  };
  if (["pre", "setup", "post"].includes(section.name) && words.at(-1) === "-c") {
    const message = `bad ${section.name} section '-c' parameter: missing arguments`;
    at("error", message, `a shell, as in \`%${section.name} -c /bin/bash\``);
  }
  if (["runscript", "startscript", "test"].includes(section.name) && words.includes("-c")) {
    const message = `-c in %${section.name} is passed to /bin/sh; it does not choose a shell`;
    at("warning", message, "a first body line such as `#!/bin/bash`");
  }
  if (section.name !== "files" || words.length === 0) return;
  if (words.length !== 2) {
    at("warning", "this %files block is ignored: its arguments are not two words", "`from STAGE`");
  } else if (!earlier.includes(words[1] ?? "")) {
    const known = earlier.filter((name) => name !== "");
    const wanted = known.length === 0 ? "a stage named above" : `one of ${known.join(", ")}`;
    at("error", `stage ${words[1]} was not found`, wanted);
  }
}

function finding(
  severity: "error" | "warning",
  line: SourceLine | undefined,
  column: number,
  message: string,
  expected: string,
): Diagnostic {
  return {
    severity,
    line: line?.number ?? 1,
    column: line === undefined ? 0 : column,
    source: line?.text ?? "",
    message,
    expected,
  };
}
