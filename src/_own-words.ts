import { rawArguments } from "./host/raw-environment.ts";

/** The words after the program's name, as kernel text. */
export function ownWords(): readonly string[] {
  const words = Bun.argv.slice(2);
  // Bun puts U+FFFD where a word is not UTF-8; the kernel still has the bytes.
  if (!words.some((word) => word.includes("\ufffd"))) return words;
  return rawArguments(words.length) ?? words;
}
