import { Fault } from "../../base/fault.ts";
import type { Instruction } from "./tree.ts";
import { parseJsonList } from "./words.ts";

/** The `Healthcheck` object of an image configuration; times in nanoseconds. */
export interface HealthCheck {
  readonly Test: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

const TIMES = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
} as const;

/** The check of a HEALTHCHECK instruction. Throws a Fault `invalid`. */
export function parseHealthCheck(instruction: Instruction): HealthCheck {
  const match = /^(\S+)\s*([\s\S]*)$/.exec(instruction.rest);
  const form = (match?.[1] ?? "").toUpperCase();
  const words = match?.[2] ?? "";
  if (form === "NONE") return { Test: ["NONE"] };
  if (form !== "CMD" || words === "") {
    throw new Fault("invalid", `HEALTHCHECK is followed by NONE or by CMD and a command`);
  }
  const list = parseJsonList(words);
  const out: { -readonly [K in keyof HealthCheck]: HealthCheck[K] } = {
    Test: list === undefined ? ["CMD-SHELL", words] : ["CMD", ...list],
  };
  for (const { name, value = "" } of instruction.flags) {
    if (name === "retries" && /^[0-9]+$/.test(value)) out.Retries = Number(value);
    else if (Object.hasOwn(TIMES, name))
      out[TIMES[name as keyof typeof TIMES]] = nanoseconds(value);
    else throw new Fault("invalid", `HEALTHCHECK: --${name}=${value} cannot be used`);
  }
  return out;
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12,
};

/** A time such as `1m30s`. */
function nanoseconds(text: string): number {
  const parts = [...text.matchAll(/([0-9]+(?:\.[0-9]*)?)(ns|us|ms|s|m|h)/g)];
  if (text === "" || parts.map(([whole]) => whole).join("") !== text) {
    throw new Fault("invalid", `"${text}" is no time such as 30s or 1m30s`);
  }
  return parts.reduce(
    (sum, [, count = "", unit = ""]) => sum + Number(count) * (UNITS[unit] ?? 0),
    0,
  );
}
