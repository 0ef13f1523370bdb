import { dirName } from "../../base/path.ts";
import { isInInitialNamespace } from "../../host/facts.ts";
import { NAME_SERVICE } from "../../host/launch-trace.ts";
import type { LaunchKey } from "../../host/launcher-note.ts";
import { type PathStamp, stampedSeconds } from "../../host/path-stamp.ts";
import {
  close,
  fstat,
  linkDescriptor,
  listDir,
  lstat,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_TMPFILE,
  O_WRONLY,
  open,
  pread,
  rename,
  unlink,
  write,
} from "../../host/syscall.ts";
import type { EnvironmentVariable } from "../../plan/env/environment-plan.ts";
import { ALWAYS_PASSED } from "../../plan/env/names.ts";
import {
  type AddressRecord,
  encodeAddress,
  encodeRecord,
  type LaunchRecord,
  type RecordedEnvironment,
} from "./record.ts";
import { makeRecordDirectory } from "./record-directory.ts";

/** Records are dropped all together when there are more: they come back with the launches that recur. */
const MOST_RECORDS = 256;
/** How long a record holds at most, and how long when a name service was asked: its answers have no stamp. */
const HOLDS_MS = 12 * 3600_000;
const NAMES_HOLD_MS = 5 * 60_000;
/** A file changed this recently could change again without its stamp showing it. */
const SETTLED_SECONDS = 2;
/** Names that no launch takes over, also when the caller of this one did not have them (reference: runtime.md 2.1). */
const NEVER_PASSED = ["HOME", "PATH", "LD_LIBRARY_PATH", "PWD"];
/** What may be read below /proc: its answers are part of the key, or of this process only. */
const KEYED = [
  "/proc/self/fd",
  "/proc/self/ns/pid",
  "/proc/self/status",
  "/proc/self/ns/user",
  "/proc/self/exe",
  "/proc/self/environ",
  "/proc/self/cmdline",
];
/** Part of the key only by the name of its namespace, which is given out again; of the initial one it never changes. */
const UID_MAP = "/proc/self/uid_map";
/** Files of a process in a container. */
const OTHER_ROOT = /^\/proc\/\d+\/root\//;
/** Begins the origin of a variable that takes the value of the caller's of that very name. */
const INJECTED = /^(APPTAINER|SINGULARITY)ENV_/;

export interface Remembered {
  /** Of the paths that were used, taken before. */
  readonly stamps: readonly PathStamp[];
  readonly starter: string;
  readonly variables: readonly EnvironmentVariable[];
  readonly hostEnv: Readonly<Record<string, string>>;
  readonly cleanEnv: boolean;
  readonly noEnv: readonly string[];
  /** Variables that pass to the starter although the environment is clean. */
  readonly stepVariables: readonly string[];
  /** What the launch said comes first. */
  readonly ops: Uint8Array;
}

/**
 * Keeps a planned launch for the launcher. Only worth it from the second time on that it is asked for
 * (`wasSeen`): most command lines of a workflow never come back. Failing to keep it is no failure of
 * the launch: nothing is said.
 */
export function remember(key: LaunchKey, launch: Remembered): void {
  if (!makeRecordDirectory(key.dir)) return;
  const starter = keepStarter(key.dir, launch.starter);
  const record = starter === undefined ? undefined : recordOf(launch, starter);
  if (record !== undefined) keep(key, encodeRecord(record));
}

/** What an address led to. */
export interface RememberedAddress extends Omit<AddressRecord, "expiresMs"> {
  /** Milliseconds since 1970 until which the question can be asked; absent: as long as a record holds. */
  readonly untilMs?: number | undefined;
}

/** Keeps what an address stood for, as `remember` keeps launches. */
export function rememberAddress(key: LaunchKey, address: RememberedAddress): void {
  if (!makeRecordDirectory(key.dir)) return;
  const settled = settledStamps(address.stamps);
  if (settled === undefined) return;
  const expiresMs = Math.min(settled.expiresMs, address.untilMs ?? settled.expiresMs);
  keep(key, encodeAddress({ ...address, ...settled, expiresMs }));
}

function keep(key: LaunchKey, bytes: Uint8Array): void {
  const names = listDir(key.dir) ?? [];
  if (names.length > MOST_RECORDS) for (const { name } of names) unlink(`${key.dir}/${name}`);
  writeWhole(`${key.dir}/${key.name}`, bytes, 0o600);
}

/** What to keep of a launch; undefined when it depends on something that no stamp tells. */
function recordOf(launch: Remembered, starter: string): LaunchRecord | undefined {
  const settled = settledStamps(launch.stamps);
  if (settled === undefined) return undefined;
  return { ...settled, starter, env: recordEnvironment(launch), ops: launch.ops };
}

/** The stamps that the launcher is to take again, and until when they tell everything; undefined when they do not. */
function settledStamps(
  all: readonly PathStamp[],
): Pick<LaunchRecord, "stamps" | "expiresMs"> | undefined {
  const stamps: PathStamp[] = [];
  const now = Math.floor(Date.now() / 1000);
  let asksNames = false;
  for (const stamp of all) {
    const { path, use } = stamp;
    if (path === NAME_SERVICE) asksNames = true;
    else if (path === UID_MAP ? !isInInitialNamespace() : !KEYED.includes(path)) {
      if (isPseudo(path, use) || stampedSeconds(stamp) > now - SETTLED_SECONDS) return undefined;
      stamps.push(stamp);
    }
  }
  return { stamps, expiresMs: Date.now() + (asksNames ? NAMES_HOLD_MS : HOLDS_MS) };
}

/** What the kernel makes up: content that changes without a sign, and names of this process's own things. */
function isPseudo(path: string, use: PathStamp["use"]): boolean {
  if (path.startsWith("/sys/")) return use === "content";
  return path.startsWith("/proc/") && !(use === "look" && OTHER_ROOT.test(path));
}

/**
 * The environment as operations on the caller's. Values of the caller's variables may be secret and
 * are not kept: what takes its value from one names it.
 */
function recordEnvironment({
  variables,
  hostEnv,
  cleanEnv,
  noEnv,
  stepVariables,
}: Remembered): RecordedEnvironment {
  const fixed: (string | readonly [string, string])[] = [];
  const replaced: string[] = [];
  const known = new Set<string>();
  for (const { name, value, origin } of variables) {
    known.add(name);
    if (origin === "host" && hostEnv[name] === value) continue;
    const isTaken = INJECTED.test(origin) && hostEnv[origin] === value;
    fixed.push(isTaken ? [name, origin] : `${name}=${value}`);
    if (name in hostEnv) replaced.push(name);
  }
  const dropped = Object.keys(hostEnv).filter((name) => !known.has(name));
  return {
    pass: cleanEnv ? [...ALWAYS_PASSED, ...stepVariables] : "all",
    // With a clean environment everything but a few names is dropped, whatever it is.
    dropped: cleanEnv ? [] : [...dropped, ...noEnv, ...NEVER_PASSED],
    fixed,
    replaced,
  };
}

/**
 * Path by which the starter can be executed later: its own, or that of a copy when it is only a
 * descriptor of this process (a binary that stands alone carries it inside).
 */
function keepStarter(dir: string, starter: string): string | undefined {
  if (!starter.startsWith("/proc/self/fd/")) return starter;
  const from = Number(starter.slice("/proc/self/fd/".length));
  const sizeBytes = fstat(from)?.sizeBytes ?? 0;
  const bytes = new Uint8Array(sizeBytes);
  if (sizeBytes === 0 || pread(from, bytes, 0) !== sizeBytes) return undefined;
  const path = `${dir}/starter-${Bun.hash.wyhash(bytes).toString(16)}`;
  if (lstat(path)?.sizeBytes === sizeBytes) return path;
  return writeWhole(path, bytes, 0o700) ? path : undefined;
}

/**
 * Writes a file that has no name until it is whole, so that nothing stays when this is killed; where
 * the file system has no such files (NFS), under a temporary name. Whether it stands.
 */
function writeWhole(path: string, bytes: Uint8Array, mode: number): boolean {
  const nameless = open(dirName(path), O_TMPFILE | O_WRONLY, mode);
  if (nameless >= 0) {
    const isWhole = write(nameless, bytes) === bytes.length;
    let linked = isWhole ? linkDescriptor(nameless, path) : -1;
    if (isWhole && linked < 0 && unlink(path) >= 0) linked = linkDescriptor(nameless, path);
    close(nameless);
    if (linked >= 0) return true;
  }
  const temporary = `${path}.${process.pid}`;
  const fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  if (fd < 0) return false;
  const isWhole = write(fd, bytes) === bytes.length;
  close(fd);
  if (isWhole && rename(temporary, path) >= 0) return true;
  unlink(temporary);
  return false;
}
