import { isRepeatable, shownCommands, shownFlags } from "./flag-text.ts";
import { ROOT } from "./root.ts";
import type { CommandSpec, FlagSpec, ValueHint } from "./spec.ts";

/** One word the shell may put in place of the current one. */
export interface Candidate {
  readonly word: string;
  readonly text: string;
}

/** What can stand at the cursor: words of ours, and whether the shell should offer its paths. */
export interface Completion {
  readonly candidates: readonly Candidate[];
  readonly paths: "none" | "file" | "dir";
}

/** What the words before the cursor lead to. */
interface Place {
  readonly command: CommandSpec;
  /** Positional words already given to it. */
  readonly args: readonly string[];
  /** Flag that still waits for its value. */
  readonly waiting: FlagSpec | undefined;
  readonly takesFlags: boolean;
}

/**
 * Completes `current` after the words `before` (program name left out). Words that make no sense
 * are passed over: a shell asks in the middle of typing.
 */
export function completeWord(
  commands: readonly CommandSpec[],
  before: readonly string[],
  current: string,
): Completion {
  const place = findPlace({ ...ROOT, commands }, before);
  if (place.waiting !== undefined) return completeValue(place.waiting, current, "");
  if (place.takesFlags && current.startsWith("-")) {
    const equals = current.indexOf("=");
    if (equals >= 0) {
      const flag = findFlag(place.command, current.slice(0, equals));
      if (flag === undefined) return NOTHING;
      const head = current.slice(0, equals + 1);
      return completeValue(flag, current.slice(equals + 1), head);
    }
    return ofWords(shownFlags(place.command), current, (flag) => `--${flag.name}`);
  }
  const { command, args } = place;
  if (command.name === "help" || command.name === "man")
    return completeTopic(commands, args, current);
  if (command.commands !== undefined && args.length === 0) {
    const subs = shownCommands(command.commands);
    const found = ofWords(subs, current, (sub) => sub.name);
    if (command.bare !== "call") return found;
    return { ...found, paths: pathsOf(command.args.values?.[0]) };
  }
  const values = command.args.values;
  const isOver = command.args.max !== undefined && args.length >= command.args.max;
  if (values === undefined || isOver) return NOTHING;
  return completeHint(values[Math.min(args.length, values.length - 1)], current, "");
}

const NOTHING: Completion = { candidates: [], paths: "none" };

function findPlace(root: CommandSpec, words: readonly string[]): Place {
  let command = root;
  let args: string[] = [];
  let waiting: FlagSpec | undefined;
  let takesFlags = true;
  for (const word of words) {
    if (waiting !== undefined) {
      waiting = undefined;
    } else if (takesFlags && word === "--") {
      takesFlags = false;
    } else if (takesFlags && word.length > 1 && word.startsWith("-")) {
      const flag = word.includes("=") ? undefined : findFlag(command, word);
      if (flag !== undefined && flag.kind !== "bool") waiting = flag;
    } else {
      const sub = args.length === 0 ? findSub(command, word) : undefined;
      if (sub === undefined) {
        args.push(word);
        if (command.interspersed !== true) takesFlags = false;
      } else {
        command = sub;
        args = [];
        takesFlags = true;
      }
    }
  }
  return { command, args, waiting, takesFlags };
}

function findSub(command: CommandSpec, name: string): CommandSpec | undefined {
  return command.commands?.find((one) => one.name === name);
}

/** The flag that takes the next word as its value, or any long one: `--bind`, `-B`, `-eB`, but not `-B/data`. */
function findFlag(command: CommandSpec, word: string): FlagSpec | undefined {
  if (word.startsWith("--")) {
    const name = word.slice(2);
    return command.flags.find(
      (flag) => flag.name === name || flag.aliases?.some((alias) => alias.name === name) === true,
    );
  }
  for (let at = 1; at < word.length; at += 1) {
    const flag = command.flags.find((one) => one.short === word[at]);
    if (flag === undefined) return undefined;
    if (flag.kind !== "bool") return at === word.length - 1 ? flag : undefined;
  }
  return undefined;
}

/** Value of a flag; `head` is what stands before it in the same word. A CSV list completes its last element. */
function completeValue(flag: FlagSpec, current: string, head: string): Completion {
  if (flag.kind === "bool") return completeHint(["true", "false"], current, head);
  const cut =
    isRepeatable(flag) && typeof flag.values === "object" ? current.lastIndexOf(",") + 1 : 0;
  return completeHint(flag.values, current.slice(cut), head + current.slice(0, cut));
}

function completeHint(hint: ValueHint | undefined, current: string, head: string): Completion {
  if (hint === undefined || typeof hint === "string")
    return { candidates: [], paths: pathsOf(hint) };
  const fitting = hint.filter((word) => word.startsWith(current));
  return { candidates: fitting.map((word) => ({ word: head + word, text: "" })), paths: "none" };
}

function completeTopic(
  commands: readonly CommandSpec[],
  args: readonly string[],
  current: string,
): Completion {
  let topics = shownCommands(commands);
  for (const arg of args) topics = topics.find((one) => one.name === arg)?.commands ?? [];
  return ofWords(topics, current, (topic) => topic.name);
}

function pathsOf(hint: ValueHint | undefined): Completion["paths"] {
  if (hint === "image" || hint === "file") return "file";
  return hint === "dir" ? "dir" : "none";
}

function ofWords<T extends { readonly summary: string } | { readonly help: string }>(
  specs: readonly T[],
  current: string,
  wordOf: (spec: T) => string,
): Completion {
  const candidates = specs
    .map((spec) => ({ word: wordOf(spec), text: "summary" in spec ? spec.summary : spec.help }))
    .filter(({ word }) => word.startsWith(current));
  return { candidates, paths: "none" };
}
