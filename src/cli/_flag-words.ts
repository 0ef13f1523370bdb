import { readValue } from "./_value.ts";
import type { FlagSetting, Notice } from "./invocation.ts";
import type { CommandSpec, FlagAlias, FlagSpec } from "./spec.ts";
import { UsageFault } from "./usage-fault.ts";

/** What the words of a command say, before the environment is looked at. */
export interface FlagWords {
  /** Flags that were given, by their main name. */
  readonly settings: ReadonlyMap<string, readonly FlagSetting[]>;
  /** Positional words. */
  readonly args: readonly string[];
  /** Whether -h or --help was given. */
  readonly help: boolean;
  readonly notices: readonly Notice[];
}

/** Every command has this flag; it is in no table. */
export const HELP_FLAG: FlagSpec = {
  name: "help",
  short: "h",
  kind: "bool",
  help: "show this help",
};

/**
 * Takes the flags off the front of `words` (or from anywhere, for an interspersed command) by the
 * rules of pflag: `--flag=v`, `--flag v`, `-f v`, `-fv`, `-f=v`, bundled booleans, `--`.
 * Throws UsageFault.
 */
export function readFlagWords(
  command: CommandSpec,
  path: readonly string[],
  words: readonly string[],
): FlagWords {
  const settings = new Map<string, FlagSetting[]>();
  const args: string[] = [];
  const notices: Notice[] = [];
  let help = false;

  const fail = (reason: string): never => {
    throw new UsageFault(reason, "flags", command, path);
  };
  const set = (flag: FoundFlag, text: string): void => {
    const { spec, alias } = flag;
    const result = readValue(spec.kind, text);
    if (result.kind === "error") {
      fail(`invalid argument ${JSON.stringify(text)} for "${label(flag)}" flag: ${result.reason}`);
      return;
    }
    if (spec === HELP_FLAG) {
      help = result.values[0] === "true";
      return;
    }
    const deprecated = alias === undefined ? spec.deprecated : alias.deprecated;
    if (deprecated !== undefined) {
      const name = alias?.name ?? spec.name;
      notices.push({
        level: "warning",
        text: `Flag --${name} has been deprecated, ${deprecated}`,
      });
    }
    const given = result.values.map((value) => ({ value, source: "command line" }));
    const isList = spec.kind === "strings" || spec.kind === "array" || spec.kind === "map";
    const before = isList ? (settings.get(spec.name) ?? []) : [];
    settings.set(spec.name, [...before, ...given]);
  };

  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (word === "--") {
      args.push(...words.slice(at + 1));
      break;
    }
    if (word.length < 2 || word[0] !== "-") {
      if (command.interspersed !== true) {
        args.push(...words.slice(at));
        break;
      }
      args.push(word);
    } else if (word[1] === "-") {
      const equals = word.indexOf("=");
      const name = word.slice(2, equals < 0 ? undefined : equals);
      if (name === "" || name[0] === "-") return fail(`bad flag syntax: ${word}`);
      const flag = findLong(command.flags, name) ?? fail(`unknown flag: --${name}`);
      if (equals >= 0) set(flag, word.slice(equals + 1));
      else if (flag.spec.kind === "bool") set(flag, "true");
      else {
        at += 1;
        set(flag, words[at] ?? fail(`flag needs an argument: --${name}`));
      }
    } else {
      for (let letters = word.slice(1); letters !== ""; ) {
        const letter = letters[0] ?? "";
        const flag =
          findShort(command.flags, letter) ??
          fail(`unknown shorthand flag: '${letter}' in -${letters}`);
        if (letters.length > 2 && letters[1] === "=") {
          set(flag, letters.slice(2));
          break;
        }
        if (flag.spec.kind === "bool") {
          set(flag, "true");
          letters = letters.slice(1);
          continue;
        }
        if (letters.length > 1) {
          set(flag, letters.slice(1));
          break;
        }
        at += 1;
        set(flag, words[at] ?? fail(`flag needs an argument: '${letter}' in -${letters}`));
        break;
      }
    }
  }
  return { settings, args, help, notices };
}

interface FoundFlag {
  readonly spec: FlagSpec;
  readonly alias?: FlagAlias;
}

function findLong(specs: readonly FlagSpec[], name: string): FoundFlag | undefined {
  for (const spec of specs) {
    if (spec.name === name) return { spec };
    if (spec.aliases === undefined) continue;
    const alias = spec.aliases.find((one) => one.name === name);
    if (alias !== undefined) return { spec, alias };
  }
  return name === HELP_FLAG.name ? { spec: HELP_FLAG } : undefined;
}

function findShort(specs: readonly FlagSpec[], letter: string): FoundFlag | undefined {
  const spec = specs.find((one) => one.short === letter);
  if (spec !== undefined) return { spec };
  return letter === HELP_FLAG.short ? { spec: HELP_FLAG } : undefined;
}

function label({ spec, alias }: FoundFlag): string {
  if (alias !== undefined) return `--${alias.name}`;
  return spec.short === undefined ? `--${spec.name}` : `-${spec.short}, --${spec.name}`;
}
