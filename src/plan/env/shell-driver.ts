import { quoteWord } from "../../base/shell-quote.ts";
import type { Construction } from "./evaluate-directly.ts";
import { DEFAULT_PATH, isScriptName, LIBRARY_DIRECTORY, PREFIXES } from "./names.ts";
import { quoteInjected } from "./quote-injected.ts";
import type { ScriptStep } from "./script-steps.ts";

/** What runs in the container to make the environment: the words of an `EnvironOp`. */
export interface ShellDriver {
  readonly argv: readonly string[];
  readonly env: readonly string[];
}

/** The kernel takes 131072 bytes a string, and a character is at most 3 of them here. */
const CHUNK = 40_000;

/** bash presets these, or keeps them from its parent; the scripts of an image start without them. */
const PRESET =
  "TERM SHELL SHLVL OLDPWD HOSTNAME HOSTTYPE MACHTYPE OSTYPE PATH COLUMNS LINES OPTERR PS4 MAILCHECK";

/**
 * A bash script that carries out the same steps as `evaluateDirectly`, on the real container. All
 * variable texts travel as arguments, in pieces below the kernel's limit; the script itself only
 * refers to them. The result goes to descriptor 3: NUL-ended records, an empty one last.
 */
export function writeDriver(construction: Construction): ShellDriver {
  const data: string[] = [];
  const refer = (text: string): string => {
    let out = "";
    for (let at = 0; at === 0 || at < text.length; at += CHUNK) {
      out += `\${__skiff_data[${data.length}]}`;
      data.push(text.slice(at, at + CHUNK));
    }
    return `"${out}"`;
  };
  const { input, base } = construction;
  const lines = [
    "exec {__skiff_fd}>&3 3>&-",
    `unset -v ${PRESET}`,
    `[[ -v GID ]] || GID=${input.gid}`,
    "shopt -s expand_aliases",
  ];
  for (const step of construction.steps) lines.push(...stepLines(step, construction, refer));
  lines.push("\\shopt -u expand_aliases", "\\builtin set +aefuvx", "\\unalias -a");
  lines.push(...libraryPathLines());
  for (const { name, value } of base.forced) lines.push(`\\builtin export ${name}=${refer(value)}`);
  lines.push(...restoreLines(construction, refer));
  lines.push(...finishLines(construction, refer));

  const head = `__skiff_data=("\${@:1:${data.length}}"); shift ${data.length}`;
  const script = [head, ...lines, ""].join("\n");
  return {
    argv: [
      "bash",
      "--norc",
      "--noprofile",
      "-c",
      script,
      `/.singularity.d/actions/${input.action}`,
      ...data,
      ...input.arguments,
    ],
    env: base.visible.map(({ name, value }) => `${name}=${value}`),
  };
}

type Refer = (text: string) => string;

function stepLines(step: ScriptStep, construction: Construction, refer: Refer): string[] {
  switch (step.kind) {
    case "source": {
      const { path, text } = step.script;
      // bash takes a carriage return for a character of the line; the evaluation here does not.
      if (text.includes("\r\n")) return [`\\builtin eval ${refer(text.replaceAll("\r\n", "\n"))}`];
      return [`\\builtin source ${quoteWord(path)}`];
    }
    case "default-path":
      return [`[[ -v PATH ]] || \\builtin export PATH=${DEFAULT_PATH}`];
    case "complete-path":
      return [
        ...DEFAULT_PATH.split(":").map(
          (entry) => `[[ :\${PATH-}: == *:${entry}:* ]] || PATH=\${PATH:+$PATH:}${entry}`,
        ),
        "\\builtin export PATH",
      ];
    case "inject":
      return injectLines(construction, refer);
    case "runtime-path":
      return pathLines(construction, refer);
  }
}

function injectLines(construction: Construction, refer: Refer): string[] {
  const { input, injection } = construction;
  const lines = [`[[ -v PATH ]] || \\builtin export PATH=${DEFAULT_PATH}`];
  for (const { name, value } of injection.variables) {
    if (!isScriptName(name)) continue;
    const suffix = name === "LD_LIBRARY_PATH" && value !== "" ? `:${LIBRARY_DIRECTORY}` : "";
    lines.push(assignLine(name, value, suffix, input.noEval, refer));
    lines.push(`\\builtin export ${name}`);
  }
  const directories = input.libraryDirectories();
  if (directories.length > 0) {
    const wanted = input.librariesBound
      ? ""
      : " && -n ${PREPEND_LD_LIBRARY_PATH-}${APPEND_LD_LIBRARY_PATH-}";
    lines.push(
      `[[ \${LD_LIBRARY_PATH-} == ${LIBRARY_DIRECTORY}${wanted} ]] && ` +
        `\\builtin export LD_LIBRARY_PATH=${refer(`${directories.join(":")}:${LIBRARY_DIRECTORY}`)}`,
    );
  }
  return lines;
}

/** Gives `name` an injected value, evaluated unless it must not or cannot be. */
function assignLine(
  name: string,
  value: string,
  suffix: string,
  literal: boolean,
  refer: Refer,
): string {
  const quoted = literal ? undefined : quoteInjected(value);
  if (quoted?.kind !== "quoted") return `${name}=${refer(value + suffix)}`;
  return `\\builtin eval ${refer(`${name}="${quoted.text}${suffix}"`)}`;
}

function pathLines(construction: Construction, refer: Refer): string[] {
  const { input, injection } = construction;
  // What they say of PATH is the image's, before any of them.
  const values: string[] = [];
  const lines: string[] = [];
  const apply = (variable: { value: string } | undefined, name: string, line: string): void => {
    if (variable === undefined) return;
    values.push(assignLine(name, variable.value, "", input.noEval, refer));
    lines.push(`[[ -z $${name} ]] || PATH=${line}`);
  };
  apply(injection.prependPath, "__skiff_front", "$__skiff_front:${PATH-}");
  apply(injection.appendPath, "__skiff_end", "${PATH-}:$__skiff_end");
  apply(injection.path, "__skiff_path", "$__skiff_path");
  return [...values, ...lines, "\\builtin export PATH"];
}

function libraryPathLines(): string[] {
  return [
    "if [[ -n ${LD_LIBRARY_PATH-} ]]; then",
    "  [[ -z ${PREPEND_LD_LIBRARY_PATH-} ]] || LD_LIBRARY_PATH=$PREPEND_LD_LIBRARY_PATH:$LD_LIBRARY_PATH",
    "  [[ -z ${APPEND_LD_LIBRARY_PATH-} ]] || LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$APPEND_LD_LIBRARY_PATH",
    "fi",
  ];
}

/** Hidden variables come back where no script set the name; what scripts left empty is unset. */
function restoreLines(construction: Construction, refer: Refer): string[] {
  const forced = new Set(construction.base.forced.map((variable) => variable.name));
  const lines: string[] = [];
  for (const { name, value } of construction.base.hidden) {
    if (forced.has(name)) continue;
    lines.push(
      `if [[ ! -v ${name} ]]; then \\builtin export ${name}=${refer(value)}; ` +
        `elif [[ -z $${name} ]]; then \\builtin unset -v ${name}; fi`,
    );
  }
  return lines;
}

function finishLines(construction: Construction, refer: Refer): string[] {
  const { input, injection, base } = construction;
  const lines = ["\\builtin unset -v __skiff_front __skiff_end __skiff_path"];
  if (!injection.variables.some((variable) => variable.name === "PWD")) {
    lines.push(`\\builtin export PWD=${refer(input.cwd)}`);
  }
  lines.push(
    `[[ -n \${PS1-} ]] || \\builtin export PS1=${refer(input.prompt)}`,
    "if [[ -z ${PROMPT_COMMAND-} ]]; then",
    '  \\builtin export PROMPT_COMMAND="PS1=\\"$PS1\\"; unset PROMPT_COMMAND"',
    "else",
    '  \\builtin export PROMPT_COMMAND="$PROMPT_COMMAND; PROMPT_COMMAND=\\"\\${PROMPT_COMMAND%%; PROMPT_COMMAND=*}\\"; PS1=\\"$PS1\\""',
    "fi",
    "\\builtin export APPTAINER_ENVIRONMENT=${APPTAINER_ENVIRONMENT:-/.singularity.d/env/91-environment.sh}",
    `\\builtin export ${PREFIXES[1]}ENVIRONMENT=$APPTAINER_ENVIRONMENT`,
  );
  if (input.interactiveShell !== undefined)
    lines.push(`\\builtin export SHELL=${refer(input.interactiveShell)}`);
  const raw = [
    ...base.untouched,
    ...injection.variables.filter((variable) => !isScriptName(variable.name)),
  ];
  const ownedByShell = raw.filter(({ name }) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (ownedByShell.length > 0)
    lines.push(`\\builtin export -n ${ownedByShell.map(({ name }) => name).join(" ")}`);
  lines.push(
    // IFS may be anything, and may be exported itself.
    "__skiff_had=${IFS+x} __skiff_ifs=${IFS-} IFS=$'\\n' __skiff_out=()",
    "__skiff_names=($(\\builtin compgen -e))",
    "if [[ -n $__skiff_had ]]; then IFS=$__skiff_ifs; else \\builtin unset -v IFS; fi",
    'for __skiff_name in "${__skiff_names[@]}"; do',
    "  [[ -v $__skiff_name && $__skiff_name != __skiff_* && ${!__skiff_name@a} != *[aA]* ]] &&",
    '    __skiff_out+=("$__skiff_name=${!__skiff_name}")',
    "done",
    ...raw.map(({ name, value }) => `__skiff_out+=(${refer(`${name}=${value}`)})`),
    "\\builtin printf '%s\\0' \"${__skiff_out[@]}\" '' >&\"$__skiff_fd\"",
  );
  return lines;
}
