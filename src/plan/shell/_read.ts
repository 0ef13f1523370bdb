import type { Builtin } from "./builtin.ts";
import { isName } from "./characters.ts";
import { NeedsShell } from "./needs-shell.ts";

/** `read` from text that the script itself supplies. */
export const readBuiltin: Builtin = (args, host) => {
  let raw = false;
  let array: string | undefined;
  let delimiter = "\n";
  let at = 0;
  for (; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (!arg.startsWith("-") || arg === "-") break;
    if (arg === "--") {
      at++;
      break;
    }
    if (arg === "-r") raw = true;
    else if (arg === "-a" || arg === "-ra") {
      raw = raw || arg === "-ra";
      array = args[++at];
    } else if (arg === "-d") delimiter = args[++at] ?? "";
    else throw new NeedsShell(`uses read ${arg}`);
  }
  const names = args.slice(at);
  if (names.some((name) => !isName(name)) || (array !== undefined && !isName(array))) {
    throw new NeedsShell("uses read with an unusual name");
  }
  const { input } = host.streams;
  if (input === undefined) throw new NeedsShell("reads standard input");
  // A NUL, which the delimiter "" stands for, is never in text.
  const { text, ended } = input.readUntil(delimiter === "" ? "\0" : (delimiter[0] ?? "\n"));
  if (!raw && text.includes("\\")) throw new NeedsShell("uses read without -r on a backslash");
  const origin = host.origin(host.at);
  const separators = host.state.get("IFS") ?? " \t\n";
  if (array !== undefined) {
    if (names.length > 0) throw new NeedsShell("uses read -a with more names");
    host.state.setElements(array, new Map(splitAll(text, separators).entries()), origin);
  } else if (names.length === 0) {
    host.state.set("REPLY", text, origin);
  } else {
    for (const [position, value] of splitFor(text, separators, names.length).entries()) {
      host.state.set(names[position] ?? "", value, origin);
    }
  }
  return ended ? 1 : 0;
};

function splitAll(text: string, separators: string): string[] {
  const out: string[] = [];
  let rest = trimStart(text, separators);
  while (rest !== "") {
    const [word, after] = takeWord(rest, separators);
    out.push(word);
    rest = after;
  }
  return out;
}

/** As many values as names; the last takes what is left. */
function splitFor(text: string, separators: string, count: number): string[] {
  const out: string[] = [];
  let rest = trimStart(text, separators);
  while (out.length < count - 1) {
    const [word, after] = takeWord(rest, separators);
    out.push(word);
    rest = after;
  }
  // The last name loses a final separator only when nothing but that one word is left.
  const [word, after] = takeWord(rest, separators);
  out.push(after === "" ? word : trimEnd(rest, separators));
  return out;
}

function takeWord(text: string, separators: string): [string, string] {
  let end = 0;
  while (end < text.length && !separators.includes(text[end] ?? "")) end++;
  let after = end;
  while (after < text.length && isWhite(text, after, separators)) after++;
  if (
    after < text.length &&
    separators.includes(text[after] ?? "") &&
    !isWhite(text, after, separators)
  ) {
    after++;
    while (after < text.length && isWhite(text, after, separators)) after++;
  }
  return [text.slice(0, end), text.slice(after)];
}

function isWhite(text: string, at: number, separators: string): boolean {
  const char = text[at] ?? "x";
  return " \t\n".includes(char) && separators.includes(char);
}

function trimStart(text: string, separators: string): string {
  let at = 0;
  while (at < text.length && isWhite(text, at, separators)) at++;
  return text.slice(at);
}

function trimEnd(text: string, separators: string): string {
  let end = text.length;
  while (end > 0 && isWhite(text, end - 1, separators)) end--;
  return text.slice(0, end);
}
