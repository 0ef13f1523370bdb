import { readValue } from "./_value.ts";
import { type FlagIndex, unpackFlag } from "./flag-index.ts";
import type { FlagSetting, Notice } from "./invocation.ts";
import type { CommandSpec, FlagAlias, FlagSpec, PackedFlag } from "./spec.ts";
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

const HELP_ROW: PackedFlag = ["help", "h", "bool", "", "", "", ""];

/**
 * Takes the flags off the front of `words` (or from anywhere, for an interspersed command) by the
 * rules of pflag: `--flag=v`, `--flag v`, `-f v`, `-fv`, `-f=v`, bundled booleans, `--`.
 * Throws UsageFault.
 */
export function readFlagWords(
  command: CommandSpec,
  index: FlagIndex,
  path: readonly string[],
  words: readonly string[],
): FlagWords {
  const settings = new Map<string, FlagSetting[]>();
  const args: string[] = [];
  const notices: Notice[] = [];
  let help = false;

  const refuse = (reason: string): UsageFault => new UsageFault(reason, "flags", command, path);
  const fail = (reason: string): never => {
    throw refuse(reason);
  };
  const set = (row: PackedFlag, text: string, alias?: FlagAlias): void => {
    const [name, , kind, , , , json] = row;
    const result = readValue(kind, text);
    if (result.kind === "error") {
      const label = labelOf(row, alias);
      throw refuse(
        `invalid argument ${JSON.stringify(text)} for "${label}" flag: ${result.reason}`,
      );
    }
    if (row === HELP_ROW) {
      help = result.values[0] === "true";
      return;
    }
    if (alias !== undefined || json.includes('"deprecated"')) {
      const advice = alias === undefined ? unpackFlag(row).deprecated : alias.deprecated;
      const given = alias?.name ?? name;
      if (advice !== undefined) {
        notices.push({ level: "warning", text: `Flag --${given} has been deprecated, ${advice}` });
      }
    }
    const isList = kind === "strings" || kind === "array" || kind === "map";
    const list = isList ? (settings.get(name) ?? []) : [];
    for (const value of result.values) list.push({ value, source: "command line" });
    settings.set(name, list);
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
      const alias = index.get(name) === undefined ? index.getAlias(name) : undefined;
      const row = index.get(alias?.flag ?? name) ?? (name === "help" ? HELP_ROW : undefined);
      if (row === undefined) return fail(`unknown flag: --${name}`);
      let value = "true";
      if (equals >= 0) value = word.slice(equals + 1);
      else if (row[2] !== "bool") {
        at += 1;
        value = words[at] ?? fail(`flag needs an argument: --${name}`);
      }
      set(row, value, alias);
    } else {
      at += setShort(word.slice(1), words[at + 1]);
    }
  }
  return { settings, args, help, notices };

  /** Reads one bundle of letters; gives how many more words it took. */
  function setShort(bundle: string, next: string | undefined): number {
    for (let letters = bundle; letters !== ""; letters = letters.slice(1)) {
      const letter = letters[0] ?? "";
      const row = index.getByShort(letter) ?? (letter === "h" ? HELP_ROW : undefined);
      if (row === undefined) return fail(`unknown shorthand flag: '${letter}' in -${letters}`);
      if (letters.length > 2 && letters[1] === "=") {
        set(row, letters.slice(2));
        return 0;
      }
      if (row[2] === "bool") {
        set(row, "true");
        continue;
      }
      if (letters.length > 1) {
        set(row, letters.slice(1));
        return 0;
      }
      set(row, next ?? fail(`flag needs an argument: '${letter}' in -${letters}`));
      return 1;
    }
    return 0;
  }
}

function labelOf(row: PackedFlag, alias: FlagAlias | undefined): string {
  if (alias !== undefined) return `--${alias.name}`;
  return row[1] === "" ? `--${row[0]}` : `-${row[1]}, --${row[0]}`;
}
