import { declare, readDeclared } from "./_declare.ts";
import { formatEcho, formatPrintf } from "./_print.ts";
import { readBuiltin } from "./_read.ts";
import { LoopSignal, ReturnSignal } from "./_signals.ts";
import { evaluateTest } from "./_test.ts";
import type { Builtin, BuiltinHost } from "./builtin.ts";
import { isName } from "./characters.ts";
import { ExitSignal } from "./exit-signal.ts";
import { NeedsShell } from "./needs-shell.ts";
import { RESERVED } from "./parse.ts";

/** The words that are found as keywords. */
const KEYWORDS: ReadonlySet<string> = new Set([...RESERVED, "]]"]);

/** Options of `shopt` that change nothing an environment script can show. */
const HARMLESS =
  /^(?:expand_aliases|checkwinsize|cmdhist|histappend|histverify|histreedit|progcomp|progcomp_alias|promptvars|interactive_comments|checkhash|checkjobs|cdspell|direxpand|dirspell|hostcomplete|huponexit|lithist|login_shell|mailwarn|no_empty_cmd_completion)$/;

function numberArgument(args: readonly string[], fallback: number, why: string): number {
  const [first, ...more] = args;
  if (first === undefined) return fallback;
  if (more.length > 0 || !/^[0-9]{1,9}$/.test(first)) throw new NeedsShell(why);
  return Number(first);
}

const setBuiltin: Builtin = (args, host) => {
  if (args.length === 0) throw new NeedsShell("lists variables with set");
  const { state } = host;
  let at = 0;
  for (; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "--") {
      state.positional = args.slice(at + 1);
      return 0;
    }
    if (arg === "-" || arg === "+" || !/^[-+]/.test(arg)) break;
    const on = arg[0] === "-";
    for (const flag of arg.slice(1)) {
      const name = flag === "o" ? (args[++at] ?? "") : flag;
      if (name === "e" || name === "errexit") state.exitOnError = on;
      else if (name === "u" || name === "nounset") state.refuseUnset = on;
      else if (name === "a" || name === "allexport") state.exportAll = on;
      else if (name === "f" || name === "noglob") state.noGlob = on;
      else if (/^(?:h|hashall|m|monitor|pipefail|b|notify|history|emacs|vi)$/.test(name) && !on)
        continue;
      // An environment file is on the launch's own way: a trace of it would be taken for messages.
      else if (/^[xv]$|^xtrace$|^verbose$/.test(name) && (!on || host.isEnvFile)) continue;
      else throw new NeedsShell(`uses set ${arg}${flag === "o" ? ` ${name}` : ""}`);
    }
  }
  if (at < args.length) {
    if (args[at] === "-" || args[at] === "+") throw new NeedsShell(`uses set ${args[at]}`);
    state.positional = args.slice(at);
  }
  return 0;
};

const unsetBuiltin: Builtin = (args, host) => {
  let functions = false;
  let variables = false;
  for (const arg of args) {
    if (arg === "-f") functions = true;
    else if (arg === "-v") variables = true;
    else if (arg.startsWith("-")) throw new NeedsShell(`uses unset ${arg}`);
    else if (!isName(arg)) throw new NeedsShell(`unsets "${arg}"`);
    else if (functions) host.state.functions.delete(arg);
    else if (variables || host.state.variables.has(arg)) unsetVariable(arg, host);
    else {
      host.state.lookup(arg);
      host.state.functions.delete(arg);
    }
  }
  return 0;
};

function unsetVariable(name: string, host: BuiltinHost): void {
  // What unset means for a name that is local somewhere differs between versions of bash.
  if (host.state.scopes.some((scope) => scope.has(name)))
    throw new NeedsShell("unsets a local variable");
  host.state.unset(name);
}

const commandBuiltin: Builtin = (args, host) => {
  const [first = "", ...rest] = args;
  if (first === "-v") {
    if (rest.length !== 1) throw new NeedsShell("uses command -v with several names");
    const found = findCommand(rest[0] ?? "", host);
    if (found === undefined) return 1;
    host.streams.output.write(`${found}\n`);
    return 0;
  }
  if (first.startsWith("-")) throw new NeedsShell(`uses command ${first}`);
  if (first === "") return 0;
  return host.runBuiltin(first, rest);
};

/** What `command -v` prints; undefined when there is no such command. */
function findCommand(name: string, host: BuiltinHost): string | undefined {
  if (host.state.aliases.has(name)) throw new NeedsShell("asks for an alias");
  if (KEYWORDS.has(name) || host.state.functions.has(name) || host.isBuiltin(name)) return name;
  const why = `looks up the program "${name}"`;
  if (OTHER_BUILTINS.has(name)) return name;
  if (name.includes("/")) throw new NeedsShell(why);
  const path = host.state.get("PATH");
  if (name === "" || path === undefined) throw new NeedsShell(why);
  return host.files.lookPath(name, path, why);
}

const typeBuiltin: Builtin = (args, host) => {
  const [first = "", ...rest] = args;
  const quiet = host.streams.output.kind === "null" && host.streams.error.kind === "null";
  if (first.startsWith("-") || rest.length > 0) throw new NeedsShell(`uses type ${first}`);
  const found = findCommand(first, host);
  if (!quiet) throw new NeedsShell(`prints the type of ${first}`);
  return found === undefined ? 1 : 0;
};

const shoptBuiltin: Builtin = (args) => {
  const [flag = "", ...names] = args;
  if (flag === "-q" && names.length === 1 && names[0] === "login_shell") return 1;
  if ((flag !== "-s" && flag !== "-u") || names.length === 0)
    throw new NeedsShell(`uses shopt ${args.join(" ")}`);
  for (const name of names)
    if (!HARMLESS.test(name)) throw new NeedsShell(`uses shopt ${flag} ${name}`);
  return 0;
};

const aliasBuiltin: Builtin = (args, host) => {
  if (args.length === 0) throw new NeedsShell("lists aliases");
  for (const arg of args) {
    const equals = arg.indexOf("=");
    if (equals <= 0) throw new NeedsShell("lists aliases");
    host.state.aliases.add(arg.slice(0, equals));
  }
  return 0;
};

const unaliasBuiltin: Builtin = (args, host) => {
  for (const arg of args) {
    if (arg === "-a") host.state.aliases.clear();
    else if (!host.state.aliases.delete(arg))
      throw new NeedsShell("removes an alias that is not there");
  }
  return 0;
};

const printfBuiltin: Builtin = (args, host) => {
  let [format, ...rest] = args;
  let variable: string | undefined;
  if (format === "-v") [variable, format, ...rest] = rest;
  if (format === "--") [format, ...rest] = rest;
  if (format === undefined || format.startsWith("-"))
    throw new NeedsShell("uses printf without a format");
  const text = formatPrintf(format, rest);
  if (variable === undefined) host.streams.output.write(text);
  else if (isName(variable)) host.state.set(variable, text, host.origin(host.at));
  else throw new NeedsShell("prints into an array element");
  return 0;
};

const umaskBuiltin: Builtin = (args, host) => {
  const [mask] = args;
  if (args.length !== 1 || mask === undefined || !/^[0-7]{1,4}$/.test(mask))
    throw new NeedsShell("uses umask");
  host.state.umask = Number.parseInt(mask, 8) & 0o777;
  return 0;
};

const shiftBuiltin: Builtin = (args, host) => {
  const count = numberArgument(args, 1, "uses shift in an unusual way");
  if (count > host.state.positional.length) return 1;
  host.state.positional = host.state.positional.slice(count);
  return 0;
};

const hashBuiltin: Builtin = (args) => {
  if (args.length === 1 && args[0] === "-r") return 0;
  throw new NeedsShell("uses hash");
};

const sourceBuiltin: Builtin = (args, host) => {
  const [path, ...rest] = args[0] === "--" ? args.slice(1) : args;
  if (path === undefined || (!path.includes("/") && !host.isEnvFile))
    throw new NeedsShell(`sources "${path ?? ""}"`);
  return host.sourceFile(path, rest);
};

const pwdBuiltin: Builtin = (args, host) => {
  const here = host.state.get("PWD");
  if (args.length > 0 || here === undefined) throw new NeedsShell("uses pwd");
  host.streams.output.write(`${here}\n`);
  return 0;
};

/** A declaration whose operands are ordinary, already split words (`\export A=b`). */
function declarationBuiltin(name: string): Builtin {
  return (args, host) =>
    declare(
      name,
      args.map((arg) => (/^[-+]./.test(arg) ? { option: arg } : readDeclared(arg))),
      host,
    );
}

function loopBuiltin(kind: "break" | "continue"): Builtin {
  return (args) => {
    const levels = numberArgument(args, 1, `uses ${kind} in an unusual way`);
    if (levels === 0) throw new NeedsShell(`uses ${kind} in an unusual way`);
    throw new LoopSignal(kind, levels);
  };
}

/** The shell's own commands that are carried out here. */
export const BUILTINS: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  [":", () => 0],
  ["true", () => 0],
  ["false", () => 1],
  [
    "echo",
    (args, host) => {
      host.streams.output.write(formatEcho(args));
      return 0;
    },
  ],
  ["printf", printfBuiltin],
  ["test", (args, host) => (evaluateTest(args, host) ? 0 : 1)],
  [
    "[",
    (args, host) => {
      if (args.at(-1) !== "]") throw new NeedsShell("uses [ without ]");
      return evaluateTest(args.slice(0, -1), host) ? 0 : 1;
    },
  ],
  ["set", setBuiltin],
  ["unset", unsetBuiltin],
  ["shift", shiftBuiltin],
  ["read", readBuiltin],
  ["pwd", pwdBuiltin],
  ["export", declarationBuiltin("export")],
  ["readonly", declarationBuiltin("readonly")],
  ["declare", declarationBuiltin("declare")],
  ["typeset", declarationBuiltin("typeset")],
  ["local", declarationBuiltin("local")],
  ["eval", (args, host) => host.evaluateText(args.join(" "))],
  ["source", sourceBuiltin],
  [".", sourceBuiltin],
  ["command", commandBuiltin],
  [
    "builtin",
    (args, host) => (args.length === 0 ? 0 : host.runBuiltin(args[0] ?? "", args.slice(1))),
  ],
  ["type", typeBuiltin],
  ["hash", hashBuiltin],
  ["shopt", shoptBuiltin],
  ["alias", aliasBuiltin],
  ["unalias", unaliasBuiltin],
  ["umask", umaskBuiltin],
  ["break", loopBuiltin("break")],
  ["continue", loopBuiltin("continue")],
  [
    "return",
    (args, host) => {
      throw new ReturnSignal(
        numberArgument(args, host.state.status, "returns what is not a status") & 255,
      );
    },
  ],
  [
    "exit",
    (args, host) => {
      throw new ExitSignal(
        numberArgument(args, host.state.status, "exits with what is not a status") & 255,
      );
    },
  ],
]);

/** Builtins of bash that need the real one. */
const OTHER_BUILTINS: ReadonlySet<string> = new Set([
  "bg",
  "bind",
  "caller",
  "cd",
  "compgen",
  "complete",
  "compopt",
  "dirs",
  "disown",
  "enable",
  "exec",
  "fc",
  "fg",
  "getopts",
  "help",
  "history",
  "jobs",
  "kill",
  "let",
  "logout",
  "mapfile",
  "popd",
  "pushd",
  "readarray",
  "suspend",
  "times",
  "trap",
  "ulimit",
  "wait",
]);
