import { Fault } from "./base/fault.ts";
import { rawArguments } from "./host/raw-environment.ts";
import { selfImageOffset } from "./host/self-image.ts";
import { ownBinary } from "./runtime/installed.ts";

/** Ways in which a program that carries an image can be used, by the variable SKIFF_SELF_RUN; absent or empty: "run". */
const MODES = ["run", "exec", "shell", "test", "skiff", "extract"];

/**
 * The command line, as kernel text. A program that carries an image runs that: its words are the
 * runscript's, or what SKIFF_SELF_RUN makes of them.
 */
export function ownWords(): readonly string[] {
  const words = wordsAfterName();
  if (selfImageOffset() === 0) return words;
  const mode = Bun.env["SKIFF_SELF_RUN"] || "run";
  if (!MODES.includes(mode)) {
    throw new Fault("usage", `Cannot use SKIFF_SELF_RUN=${mode}: no such way to use an image`, {
      exitCode: 255,
      hint: `use one of ${MODES.join(", ")}`,
    });
  }
  if (mode === "skiff") return words;
  if (mode === "extract") return ["export", "--extract", ownBinary(), ...words];
  return [mode, ownBinary(), ...words];
}

function wordsAfterName(): readonly string[] {
  const words = Bun.argv.slice(2);
  // Bun puts U+FFFD where a word is not UTF-8; the kernel still has the bytes.
  if (!words.some((word) => word.includes("\ufffd"))) return words;
  return rawArguments(words.length) ?? words;
}
