import { readCsvRecord } from "./_csv.ts";
import type { FlagKind } from "./spec.ts";

/** The settings that one given value stands for, or why it is not a value of the kind. */
export type ValueResult =
  | { readonly kind: "values"; readonly values: readonly string[] }
  | { readonly kind: "error"; readonly reason: string };

const TRUE_WORDS: readonly string[] = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE_WORDS: readonly string[] = ["0", "f", "F", "FALSE", "false", "False"];

const values = (...list: readonly string[]): ValueResult => ({ kind: "values", values: list });
const error = (reason: string): ValueResult => ({ kind: "error", reason });

/** Reads one value as its flag's kind wants it. Booleans become `true` or `false`, numbers decimal. */
export function readValue(kind: FlagKind, text: string): ValueResult {
  switch (kind) {
    case "bool":
      if (text === "true" || TRUE_WORDS.includes(text)) return values("true");
      if (FALSE_WORDS.includes(text)) return values("false");
      return error(`${JSON.stringify(text)} is neither true nor false`);
    case "int":
      return readInt(text);
    case "uint":
      return readUint(text);
    case "string":
    case "array":
      return values(text);
    case "strings": {
      const record = readCsvRecord(text);
      return record.kind === "error" ? record : values(...record.fields);
    }
    case "map":
      return readPairs(text);
  }
}

/** A 64-bit number in Go's base-0 notation: 10, 0x1f, 0b11, 0o17, 017, with `_` between digits of a prefixed one. */
function readInt(text: string): ValueResult {
  const match =
    /^([+-]?)(0|[1-9][0-9]*|0x_?[0-9a-f]+(?:_[0-9a-f]+)*|0b_?[01]+(?:_[01]+)*|0o?_?[0-7]+(?:_[0-7]+)*|[1-9][0-9]*(?:_[0-9]+)+)$/i.exec(
      text,
    );
  if (match === null) return error(`${JSON.stringify(text)} is not a whole number`);
  const digits = (match[2] ?? "").replaceAll("_", "").toLowerCase();
  const magnitude = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const number = match[1] === "-" ? -magnitude : magnitude;
  if (number !== BigInt.asIntN(64, number)) return error(`${text} is out of range`);
  return values(String(number));
}

/** A number of 32 bits in the same notation, without a sign. */
function readUint(text: string): ValueResult {
  const read = /^[+-]/.test(text)
    ? error(`${JSON.stringify(text)} is not a whole number without a sign`)
    : readInt(text);
  const isLarge = read.kind === "values" && Number(read.values[0]) > 0xffffffff;
  return isLarge ? error(`${text} is out of range`) : read;
}

function readPairs(text: string): ValueResult {
  const equals = text.split("=").length - 1;
  let pairs: readonly string[];
  if (equals > 1) {
    const record = readCsvRecord(text);
    if (record.kind === "error") return record;
    pairs = record.fields;
  } else {
    // One pair: commas belong to the value, and quotes at the ends come from shells that kept them.
    pairs = [text.replace(/^"+|"+$/g, "")];
  }
  const bad = pairs.find((pair) => !pair.includes("="));
  if (bad !== undefined || equals === 0) {
    return error(`${bad ?? text} must be formatted as key=value`);
  }
  return values(...pairs);
}
