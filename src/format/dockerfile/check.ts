import { Fault } from "../../base/fault.ts";
import type { Diagnostic } from "../deffile/diagnostic.ts";
import { nearestName } from "../deffile/names.ts";
import { parseHealthCheck } from "./health-check.ts";
import { parseInstruction } from "./parse.ts";
import { parseRunMount } from "./run-mount.ts";
import { findStage, stagesOf } from "./stages.ts";
import { type Dockerfile, type Instruction, instructionsOf } from "./tree.ts";
import { plainWords, splitWords } from "./words.ts";

/** Flags of each instruction. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  FROM: ["platform"],
  RUN: ["mount", "network", "security", "device"],
  COPY: ["from", "chown", "chmod", "link", "parents", "exclude"],
  ADD: ["chown", "chmod", "link", "checksum", "keep-git-dir", "exclude", "unpack"],
  HEALTHCHECK: ["interval", "timeout", "start-period", "start-interval", "retries"],
};

const KEYWORDS: readonly string[] = [
  ...["FROM", "ARG", "ENV", "LABEL", "RUN", "COPY", "ADD", "WORKDIR", "USER", "SHELL", "CMD"],
  ...["ENTRYPOINT", "EXPOSE", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "ONBUILD", "MAINTAINER"],
];

/** What is wrong with a Dockerfile of good form: keywords, flags, numbers of words, names of stages. */
export function checkDockerfile(file: Dockerfile): readonly Diagnostic[] {
  const out: Diagnostic[] = [];
  const { before, stages } = stagesOf(file);
  if (stages.length === 0) {
    out.push(finding("error", undefined, "the file has no stage", "a line `FROM image`"));
  }
  for (const instruction of before) {
    if (instruction.keyword === "ARG") continue;
    const wanted = "FROM; only ARG may stand before it";
    if (KEYWORDS.includes(instruction.keyword)) {
      out.push(finding("error", instruction, "no build stage in current context", wanted));
    }
  }
  for (const instruction of instructionsOf(file)) checkInstruction(instruction, file, out);
  for (const [index, stage] of stages.entries()) {
    checkFrom(stage.from, out);
    for (const step of stage.steps) {
      const from = step.flags.find(({ name }) => name === "from")?.value;
      if (step.keyword !== "COPY" || from === undefined) continue;
      if (/^[0-9]+$/.test(from) && findStage(stages, index, from, true) === undefined) {
        const wanted =
          index === 0 ? "a stage above this one" : `a number below ${index}, or a name`;
        out.push(finding("error", step, `there is no stage ${from} above`, wanted));
      }
    }
  }
  return out;
}

function checkFrom(from: Instruction, out: Diagnostic[]): void {
  const words = plainWords(from.rest);
  const isNamed = words.length === 3 && words[1]?.toUpperCase() === "AS";
  if (words.length !== 1 && !isNamed) {
    out.push(
      finding(
        "error",
        from,
        "FROM requires either one or three arguments",
        "`FROM image` or `FROM image AS name`",
      ),
    );
  }
  const name = words[2] ?? "";
  if (isNamed && !/^[a-z][a-z0-9-_.]*$/i.test(name)) {
    const wanted = "a letter, then letters, digits and the characters - _ .";
    out.push(finding("error", from, `invalid name for build stage: "${name}"`, wanted));
  }
}

function checkInstruction(instruction: Instruction, file: Dockerfile, out: Diagnostic[]): void {
  const { keyword, rest, list, flags } = instruction;
  const error = (message: string, expected: string): void => {
    out.push(finding("error", instruction, message, expected));
  };
  const warn = (message: string, expected: string): void => {
    out.push(finding("warning", instruction, message, expected));
  };
  if (!KEYWORDS.includes(keyword)) {
    const near = nearestName(keyword, KEYWORDS);
    error(
      `unknown instruction: ${keyword}`,
      near === undefined ? `one of ${KEYWORDS.join(", ")}` : `perhaps ${near}`,
    );
    return;
  }
  for (const { name } of flags) {
    const known = FLAGS[keyword] ?? [];
    if (known.includes(name)) continue;
    error(
      `unknown flag: --${name}`,
      known.length === 0
        ? `${keyword} has no flags`
        : `one of ${known.map((word) => `--${word}`).join(", ")}`,
    );
  }
  if (rest === "" && !["CMD", "ENTRYPOINT", "FROM"].includes(keyword)) {
    error(`${keyword} requires at least one argument`, `words after ${keyword}`);
    return;
  }
  switch (keyword) {
    case "COPY":
    case "ADD":
      if ((list ?? plainWords(rest)).length < 2) {
        error(`${keyword} requires at least two arguments`, "sources and a target");
      }
      break;
    case "ENV":
    case "LABEL": {
      const words = splitWords(rest, file.escapeSign);
      if (words[0]?.includes("=") === true) {
        const bad = words.find((word) => !word.includes("=") || word.startsWith("="));
        if (bad !== undefined) error(`can't find = in "${bad}"`, "each word as name=value");
      } else if (words.length === 1) error(`${keyword} must have two arguments`, "name=value");
      break;
    }
    case "ARG":
      if (splitWords(rest, file.escapeSign).some((word) => word.startsWith("="))) {
        error("an ARG has no name", "name or name=value");
      }
      break;
    case "SHELL":
      if (list === undefined)
        error("SHELL requires the arguments to be in JSON form", '`SHELL ["/bin/bash", "-c"]`');
      break;
    case "CMD":
    case "ENTRYPOINT":
    case "RUN":
      if (list === undefined && /^\[\s*['"]/.test(rest) && rest.endsWith("]")) {
        warn(
          `the words of ${keyword} look like a list but are none: a shell gets them as they are`,
          'a JSON list, with double quotes: ["a", "b"]',
        );
      }
      break;
    case "ONBUILD":
      checkOnBuild(instruction, file, out);
      break;
    case "MAINTAINER":
      warn("MAINTAINER is deprecated", "`LABEL maintainer=…`");
      break;
  }
  try {
    if (keyword === "HEALTHCHECK") parseHealthCheck(instruction);
    for (const { name, value = "" } of flags) {
      if (keyword === "RUN" && name === "mount" && !value.includes("$")) parseRunMount(value);
    }
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    error(cause.message, cause.hint ?? "");
  }
}

function checkOnBuild(instruction: Instruction, file: Dockerfile, out: Diagnostic[]): void {
  const inner = parseInstruction(instruction.rest, file.escapeSign);
  if (inner === undefined) return;
  if (["FROM", "MAINTAINER", "ONBUILD"].includes(inner.keyword)) {
    out.push(
      finding(
        "error",
        instruction,
        `${inner.keyword} isn't allowed as an ONBUILD trigger`,
        "another instruction",
      ),
    );
  } else checkInstruction({ ...inner, lines: instruction.lines }, file, out);
}

function finding(
  severity: "error" | "warning",
  at: Instruction | undefined,
  message: string,
  expected: string,
): Diagnostic {
  const line = at?.lines[0];
  return {
    severity,
    line: line?.number ?? 1,
    column: line === undefined ? 0 : line.text.length - line.text.trimStart().length + 1,
    source: line?.text ?? "",
    message,
    expected,
  };
}
