import { Fault } from "../../base/fault.ts";

/*
 * A seccomp profile as Docker and the OCI runtime specification write it (JSON):
 *
 *   defaultAction, defaultErrnoRet     what happens to a call that no rule names
 *   architectures | archMap            besides the machine's own
 *   flags                              SECCOMP_FILTER_FLAG_*
 *   syscalls[]  names | name           all of them
 *               action, errnoRet
 *               args[]                 all must hold: index, value, valueTwo, op
 *               includes, excludes     Docker only: caps, arches, minKernel
 */

/** Comparison of one argument of a call, 64 bits unsigned. */
export interface SeccompCondition {
  /** 0 to 5. */
  readonly index: number;
  readonly op: "NE" | "LT" | "LE" | "EQ" | "GE" | "GT" | "MASKED_EQ";
  /** What is compared with; the mask of MASKED_EQ. */
  readonly value: bigint;
  /** What MASKED_EQ compares the masked argument with. */
  readonly valueTwo: bigint;
}

export interface SeccompRule {
  readonly names: readonly string[];
  /** SECCOMP_RET_* with its data. */
  readonly verdict: number;
  readonly conditions: readonly SeccompCondition[];
}

export interface SeccompProfile {
  readonly defaultVerdict: number;
  /** SCMP_ARCH_* names, the machine's own first. */
  readonly architectures: readonly string[];
  /** SECCOMP_FILTER_FLAG_* bits. */
  readonly flags: number;
  readonly rules: readonly SeccompRule[];
}

/** Where the profile is to hold; decides which rules of a Docker profile apply. */
export interface SeccompPlace {
  /** GOARCH name. */
  readonly arch: string;
  readonly kernelVersion: readonly [number, number];
  /** Capability names ("CAP_SYS_ADMIN") of the container. */
  readonly capabilities: ReadonlySet<string>;
}

const EPERM = 1;
const NATIVE: Readonly<Record<string, string>> = {
  amd64: "SCMP_ARCH_X86_64",
  arm64: "SCMP_ARCH_AARCH64",
};
const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
};
const OPERATORS = ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"] as const;

/**
 * A profile from its JSON text, with the rules that do not apply at `place` left out.
 *
 * @throws Fault `invalid` that names the member which is not as it should be, `unsupported` for an
 * action or a machine that no filter can be made for.
 */
export function parseSeccompProfile(text: string, place: SeccompPlace): SeccompProfile {
  const json = objectOf(parseJson(text), "the profile");
  const native = NATIVE[place.arch];
  if (native === undefined) {
    throw new Fault(
      "unsupported",
      `Cannot make a seccomp filter for the architecture ${place.arch}`,
    );
  }
  const errno = numberOf(json["defaultErrnoRet"], "defaultErrnoRet", EPERM);
  return {
    defaultVerdict: verdictOf(json["defaultAction"], errno, "defaultAction"),
    architectures: [native, ...otherArchitectures(json, native)],
    flags: listOf(json["flags"], "flags").reduce<number>((bits, flag) => {
      const bit = FLAGS[String(flag)];
      if (bit === undefined) throw wrong("flags", `${JSON.stringify(flag)} is no known flag`);
      return bits | bit;
    }, 0),
    rules: listOf(json["syscalls"], "syscalls").flatMap((entry, at) =>
      rulesOf(objectOf(entry, `syscalls[${at}]`), `syscalls[${at}]`, place),
    ),
  };
}

function otherArchitectures(json: Json, native: string): string[] {
  const names = listOf(json["architectures"], "architectures").map(String);
  for (const entry of listOf(json["archMap"], "archMap")) {
    const map = objectOf(entry, "archMap");
    if (map["architecture"] === native) {
      names.push(...listOf(map["subArchitectures"], "subArchitectures").map(String));
    }
  }
  return [...new Set(names)].filter((name) => name !== native);
}

function rulesOf(entry: Json, where: string, place: SeccompPlace): SeccompRule[] {
  const names = listOf(entry["names"], `${where}.names`).map(String);
  if (typeof entry["name"] === "string" && entry["name"] !== "") names.push(entry["name"]);
  if (names.length === 0) throw wrong(where, "it names no system call");
  const includes = objectOf(entry["includes"] ?? {}, `${where}.includes`);
  const excludes = objectOf(entry["excludes"] ?? {}, `${where}.excludes`);
  if (!isIncluded(includes, place) || isExcluded(excludes, place)) return [];
  const errno = numberOf(entry["errnoRet"], `${where}.errnoRet`, EPERM);
  const verdict = verdictOf(entry["action"], errno, `${where}.action`);
  const conditions = listOf(entry["args"], `${where}.args`).map((arg, at) =>
    conditionOf(objectOf(arg, `${where}.args[${at}]`), `${where}.args[${at}]`),
  );
  // Several conditions on one argument are alternatives, as in the library that all others use.
  const isRepeated = new Set(conditions.map((c) => c.index)).size < conditions.length;
  if (!isRepeated) return [{ names, verdict, conditions }];
  return conditions.map((condition) => ({ names, verdict, conditions: [condition] }));
}

function isIncluded(rule: Json, place: SeccompPlace): boolean {
  const { caps, arches, kernel } = filterOf(rule);
  return (
    caps.every((cap) => place.capabilities.has(cap)) &&
    (arches.length === 0 || arches.includes(place.arch)) &&
    (kernel === undefined || isAtLeast(place.kernelVersion, kernel))
  );
}

function isExcluded(rule: Json, place: SeccompPlace): boolean {
  const { caps, arches, kernel } = filterOf(rule);
  return (
    caps.some((cap) => place.capabilities.has(cap)) ||
    arches.includes(place.arch) ||
    (kernel !== undefined && isAtLeast(place.kernelVersion, kernel))
  );
}

function filterOf(rule: Json): { caps: string[]; arches: string[]; kernel: string | undefined } {
  const { minKernel } = rule;
  return {
    caps: listOf(rule["caps"], "caps").map(String),
    arches: listOf(rule["arches"], "arches").map(String),
    kernel: typeof minKernel === "string" && minKernel !== "" ? minKernel : undefined,
  };
}

function isAtLeast([major, minor]: readonly [number, number], wanted: string): boolean {
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function conditionOf(arg: Json, where: string): SeccompCondition {
  const index = numberOf(arg["index"], `${where}.index`, -1);
  if (index < 0 || index > 5) throw wrong(`${where}.index`, "it must be a number from 0 to 5");
  const word = String(arg["op"] ?? "").replace("SCMP_CMP_", "");
  const op = OPERATORS.find((name) => name === word);
  if (op === undefined) throw wrong(`${where}.op`, `${JSON.stringify(arg["op"])} is no comparison`);
  return {
    index,
    op,
    value: wideOf(arg["value"], `${where}.value`),
    valueTwo: wideOf(arg["valueTwo"], `${where}.valueTwo`),
  };
}

function verdictOf(action: unknown, errno: number, where: string): number {
  switch (action) {
    case "SCMP_ACT_KILL":
    case "SCMP_ACT_KILL_THREAD":
      return 0;
    case "SCMP_ACT_KILL_PROCESS":
      return 0x80000000;
    case "SCMP_ACT_TRAP":
      return 0x00030000;
    case "SCMP_ACT_ERRNO":
      return 0x00050000 + (errno & 0xffff);
    case "SCMP_ACT_TRACE":
      return 0x7ff00000 + (errno & 0xffff);
    case "SCMP_ACT_LOG":
      return 0x7ffc0000;
    case "SCMP_ACT_ALLOW":
      return 0x7fff0000;
    default:
      throw wrong(
        where,
        `${JSON.stringify(action) ?? "nothing"} is no action that can be taken here`,
      );
  }
}

type Json = Readonly<Record<string, unknown>>;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Fault("invalid", `it is not JSON: ${error instanceof Error ? error.message : error}`);
  }
}

function objectOf(value: unknown, where: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw wrong(where, "it must be an object");
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw wrong(where, "it must be a list");
}

function numberOf(value: unknown, where: string, fallback: number): number {
  if (value === undefined || value === null) return fallback;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(where, "it must be a whole number");
}

/** 64 bits: JSON's own numbers are exact to 2^53 only, and 2^64-1 is read as 2^64. */
function wideOf(value: unknown, where: string): bigint {
  if (value === undefined || value === null) return 0n;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 2 ** 64) {
    throw wrong(where, "it must be a whole number of 64 bits");
  }
  return value === 2 ** 64 ? 2n ** 64n - 1n : BigInt(value);
}

function wrong(where: string, why: string): Fault {
  return new Fault("invalid", `${where}: ${why}`);
}
