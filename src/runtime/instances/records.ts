import { decodeOsText } from "../../base/os-text.ts";
import { hostFiles } from "../../host/host-files.ts";
import { processStart } from "../../host/other-process.ts";
import { listDir, readlink } from "../../host/syscall.ts";
import type { InstancePlan, RunningInstance } from "../../plan/instance.ts";

/*
 * A record, NAME.json in recordDirectory(), mode 0600:
 *
 *   PID START\n      process 1 and its start in clock ticks since boot; of a claim: the process that starts it
 *   JSON             RecordText, or ClaimText while it is being started
 *
 * No record tells whether its instance runs: its process does.
 */

/** What the JSON of a record holds. */
export interface RecordText extends Omit<RunningInstance, "pid" | "started"> {
  readonly version: 1;
  readonly user: string;
  /** PID namespace that the process id belongs to: "pid:[4026531836]". */
  readonly place: string;
  /** It has control groups with limits, which are those of what joins it, too. */
  readonly isLimited: boolean;
  /** Name of the checkpoint that DMTCP saves its state to. */
  readonly checkpoint?: string;
  readonly logOutPath: string;
  readonly logErrPath: string;
  /** The command line that started it, and where: for a unit that does it again. */
  readonly command: { readonly words: readonly string[]; readonly cwd: string };
}

export interface ClaimText {
  readonly claim: true;
  readonly place: string;
}

export type InstanceRecord = RecordText & Pick<RunningInstance, "pid" | "started">;

/** What stands in the place of a record. */
export type Found =
  | { readonly kind: "none" }
  | { readonly kind: "record"; readonly record: InstanceRecord }
  /** A start is under way, or was killed. */
  | {
      readonly kind: "claim";
      readonly pid: number;
      readonly started: number;
      readonly place: string;
    }
  /** No record: damaged, or of a version after this. */
  | { readonly kind: "broken" };

const NAME = /^[a-zA-Z0-9._-]+$/;
const LONGEST_NAME = 200;

/** Whether an instance may be called so (reference: runtime.md section 9). */
export function isInstanceName(name: string): boolean {
  return NAME.test(name) && name !== "." && name !== ".." && name.length <= LONGEST_NAME;
}

export function recordPath(directory: string, name: string): string {
  return `${directory}/${name}.json`;
}

/** The record of a name, whether its process lives or not. */
export function readRecord(directory: string, name: string): Found {
  const bytes = isInstanceName(name) ? hostFiles().read(recordPath(directory, name)) : undefined;
  return bytes === undefined ? { kind: "none" } : parseRecord(decodeOsText(bytes), name);
}

/** Reads a record; whatever is not one is `broken`, never an error: it may be anybody's text. */
export function parseRecord(text: string, name: string): Found {
  const end = text.indexOf("\n");
  const [, pid = "", started = ""] = /^([0-9]{1,10}) ([0-9]{1,16})$/.exec(text.slice(0, end)) ?? [];
  if (pid === "" || Number(pid) < 2) return { kind: "broken" };
  const head = { pid: Number(pid), started: Number(started) };
  let body: Partial<RecordText> & Partial<ClaimText>;
  try {
    body = JSON.parse(text.slice(end + 1));
  } catch {
    return { kind: "broken" };
  }
  if (typeof body !== "object" || body === null || typeof body.place !== "string") {
    return { kind: "broken" };
  }
  if (body.claim === true) return { kind: "claim", ...head, place: body.place };
  return isRecord(body, name)
    ? { kind: "record", record: { ...body, ...head } }
    : { kind: "broken" };
}

function isRecord(body: Partial<RecordText>, name: string): body is RecordText {
  const texts = [body.image, body.user, body.logOutPath, body.logErrPath];
  const { plan, namespaces, identity, security, command } = body;
  const parts: readonly unknown[] = [plan, namespaces, identity, security, command];
  return (
    body.version === 1 &&
    body.name === name &&
    texts.every((text) => typeof text === "string") &&
    parts.every((part) => typeof part === "object" && part !== null) &&
    isPlan(plan)
  );
}

function isPlan(plan: Partial<InstancePlan> | undefined): boolean {
  return (
    typeof plan?.home === "string" &&
    typeof plan.files === "object" &&
    plan.files !== null &&
    Object.values(plan.files).every((text) => typeof text === "string") &&
    Array.isArray(plan.directories)
  );
}

/** The PID namespace of this process, as /proc names it. */
export function ownPlace(): string {
  return readlink("/proc/self/ns/pid") ?? "";
}

/**
 * Whether the process of a record is that very process and lives. `elsewhere`: its number is of
 * another PID namespace, where nobody here can look.
 */
export function lifeOf(one: {
  readonly pid: number;
  readonly started: number;
  readonly place: string;
}): "running" | "gone" | "elsewhere" {
  if (one.place !== ownPlace()) return "elsewhere";
  return processStart(one.pid) === one.started ? "running" : "gone";
}

/** Names of all records, sorted. */
export function recordNames(directory: string): string[] {
  return (listDir(directory) ?? [])
    .map(({ name }) => name)
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -".json".length))
    .filter(isInstanceName)
    .sort();
}
