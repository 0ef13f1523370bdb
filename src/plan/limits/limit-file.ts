import { Fault } from "../../base/fault.ts";
import type { ResourceLimits } from "./resource-limits.ts";

/** What stands at a place of the file: a value of a kind, a table with named members, or a list of such. */
type Shape =
  | "number"
  | "text"
  | "truth"
  | "any"
  | { readonly [key: string]: Shape }
  | readonly [Shape];

const rate = [{ major: "number", minor: "number", rate: "number" }] as const;

/** Members as they are spelled in the specification; a file may spell them in any case. */
const SHAPE: Readonly<Record<string, Shape>> = {
  cpu: {
    shares: "number",
    quota: "number",
    quotas: "number",
    period: "number",
    realtimeRuntime: "number",
    realtimePeriod: "number",
    cpus: "text",
    mems: "text",
  },
  memory: {
    limit: "number",
    reservation: "number",
    swap: "number",
    kernel: "number",
    kernelTCP: "number",
    swappiness: "number",
    disableOOMKiller: "truth",
  },
  pids: { limit: "number" },
  blockIO: {
    weight: "number",
    leafWeight: "number",
    weightDevice: [{ major: "number", minor: "number", weight: "number", leafWeight: "number" }],
    throttleReadBpsDevice: rate,
    throttleWriteBpsDevice: rate,
    throttleReadIOPSDevice: rate,
    throttleWriteIOPSDevice: rate,
  },
  devices: [{ allow: "truth", type: "text", major: "number", minor: "number", access: "text" }],
  hugepageLimits: [{ pageSize: "text", limit: "number" }],
  network: { classID: "number", priorities: [{ name: "text", priority: "number" }] },
  rdma: "any",
  unified: "any",
};

/**
 * Limits from the tables of a TOML file (`--apply-cgroups`). Unknown members are left out and named
 * to `ignore`.
 *
 * @throws Fault that names the member which is of the wrong kind.
 */
export function limitsOfFile(tables: unknown, ignore: (member: string) => void): ResourceLimits {
  const limits = shaped(tables, SHAPE, "", ignore) as Record<string, Record<string, unknown>>;
  const cpu = limits["cpu"];
  // The peer's sample file has it so.
  if (cpu?.["quotas"] !== undefined) {
    limits["cpu"] = { quota: cpu["quotas"], ...cpu };
  }
  const texts = Object.entries(limits["unified"] ?? {}).map(([name, value]) => [
    name,
    String(value),
  ]);
  if (texts.length > 0) limits["unified"] = Object.fromEntries(texts);
  for (const rule of (limits["devices"] ?? []) as unknown as Record<string, unknown>[]) {
    rule["type"] ??= "a";
    rule["access"] ??= "rwm";
    const isRule =
      /^[abc]$/.test(String(rule["type"])) && /^[rwm]{1,3}$/.test(String(rule["access"]));
    if (!isRule) throw wrong("devices", 'type must be "a", "b" or "c", access out of "rwm"');
  }
  // Every member was checked against SHAPE, which spells ResourceLimits.
  return limits as ResourceLimits;
}

function shaped(
  value: unknown,
  shape: Shape,
  at: string,
  ignore: (member: string) => void,
): unknown {
  if (shape === "any") return value;
  if (shape === "number") {
    const isWide = typeof value === "string" && /^-?[0-9]{16,19}$/.test(value);
    if (typeof value === "number" || isWide) return Number(value);
    throw wrong(at, "it must be a number");
  }
  if (shape === "text") {
    if (typeof value === "string") return value;
    throw wrong(at, "it must be a text in quotes");
  }
  if (shape === "truth") {
    if (typeof value === "boolean") return value;
    throw wrong(at, "it must be true or false");
  }
  if (isList(shape)) {
    if (!Array.isArray(value)) throw wrong(at, `it must be a list of tables: [[${at}]]`);
    return value.map((one) => shaped(one, shape[0], at, ignore));
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(at, `it must be a table: [${at}]`);
  }
  const out: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    const name = Object.keys(shape).find((known) => known.toLowerCase() === key.toLowerCase());
    const path = at === "" ? (name ?? key) : `${at}.${name ?? key}`;
    const inner = name === undefined ? undefined : shape[name];
    if (name === undefined || inner === undefined) ignore(path);
    else out[name] = shaped(member, inner, path, ignore);
  }
  return out;
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function wrong(at: string, why: string): Fault {
  return new Fault("invalid", `${at === "" ? "the file" : at}: ${why}`);
}
