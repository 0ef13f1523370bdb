import {
  getcwd,
  getgid,
  getgroups,
  getUmask,
  getuid,
  isTerminal,
  kernelRelease,
} from "../../host/process-calls.ts";
import { readlink } from "../../host/syscall.ts";

/** Where the record of a launch is kept, and under which name. */
export interface LaunchKey {
  readonly dir: string;
  /** Digest of everything below, in hexadecimal: 32 characters. */
  readonly name: string;
}

const VERBS = ["exec", "run", "shell", "test"];

/**
 * Variables that a plan depends on by their values. All others only pass through: scripts of an image
 * do not see the caller's variables (reference: runtime.md 2.1, step 4).
 */
const READ = [
  "PATH=",
  "PWD=", // the name that the working directory was reached by
  "HOME=",
  "TMPDIR=",
  "PROMPT_COMMAND=",
  "SKIFF_",
  "APPTAINER",
  "SINGULARITY",
  "DOCKER_",
];

/**
 * The key of a launch that may be remembered: the program and its words, the variables that a plan
 * reads, who and where the caller is, which terminal it has, kernel and user namespace. Undefined for
 * other commands, for root, without a place to keep records, and when SKIFF_NO_REPLAY is set.
 *
 * @param words words after the program's name; @param env `NAME=value` strings.
 */
export function launchKey(
  program: string,
  words: readonly string[],
  env: readonly string[],
): LaunchKey | undefined {
  const verb = words.find((word) => !word.startsWith("-"));
  if (verb === undefined || !VERBS.includes(verb)) return undefined;
  const uid = getuid();
  if (uid === 0) return undefined;
  const dir = recordDirectory(env);
  if (dir === undefined) return undefined;
  let text = `${program}\0${words.length}\0${words.join("\0")}\0${getcwd() ?? ""}`;
  for (let i = 0; i < env.length; i++) {
    const entry = env[i] as string;
    if (isRead(entry)) text += `\0${entry}`;
  }
  text += `\0${uid}.${getgid()}.${getgroups().join(".")}.${getUmask()}.${isTerminal(0)}.${isTerminal(2)}`;
  text += `\0${kernelRelease()}\0${readlink("/proc/self/ns/user")}`;
  return { dir, name: digest(text) };
}

/** 128 bits: two seeds of a 64-bit hash. Against accidents, not against the caller, whose own records these are. */
function digest(text: string): string {
  const half = (seed: bigint): string => Bun.hash.wyhash(text, seed).toString(16).padStart(16, "0");
  return half(0x736b6966n) + half(0x6b657932n);
}

// Loops instead of array methods: each of those costs 20 to 80 microseconds at its first call.
function isRead(entry: string): boolean {
  for (let i = 0; i < READ.length; i++) if (entry.startsWith(READ[i] as string)) return true;
  return false;
}

/** Below the cache directory of the environment, else below the home it names. */
function recordDirectory(env: readonly string[]): string | undefined {
  let home = "";
  let cache = "";
  for (let i = 0; i < env.length; i++) {
    const entry = env[i] as string;
    if (entry.startsWith("HOME=")) home = entry.slice("HOME=".length);
    else if (entry.startsWith("SKIFF_NO_REPLAY=")) return undefined;
    else if (entry.startsWith("SKIFF_CACHEDIR=")) cache = entry.slice("SKIFF_CACHEDIR=".length);
    else if (cache === "" && entry.startsWith("APPTAINER_CACHEDIR=")) {
      cache = entry.slice("APPTAINER_CACHEDIR=".length);
    } else if (cache === "" && entry.startsWith("SINGULARITY_CACHEDIR=")) {
      cache = entry.slice("SINGULARITY_CACHEDIR=".length);
    }
  }
  const base = cache !== "" ? cache : home === "" || home === "/" ? "" : `${home}/.skiff`;
  return base.startsWith("/") ? `${base}/cache/launch` : undefined;
}
