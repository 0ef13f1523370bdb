import {
  getcwd,
  getgid,
  getgroups,
  getUmask,
  getuid,
  isTerminal,
  uname,
} from "../../host/process-calls.ts";
import { readlink } from "../../host/syscall.ts";

/** Where the record of a launch is kept, and under which name. */
export interface LaunchKey {
  readonly dir: string;
  /** SHA-256 of everything below, in hexadecimal: 64 characters. */
  readonly name: string;
}

const VERBS = ["exec", "run", "shell", "test"];

/**
 * Variables that a plan depends on by their values. All others only pass through: scripts of an image
 * do not see the caller's variables (reference: runtime.md 2.1, step 4).
 */
const READ_NAMES = ["PATH", "HOME", "TMPDIR", "PROMPT_COMMAND"];
const READ_PREFIXES = ["SKIFF_", "APPTAINER", "SINGULARITY", "DOCKER_"];

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
  const { release } = uname();
  const text = [
    program,
    String(words.length),
    ...words,
    ...env.filter(isRead),
    getcwd() ?? "",
    `${uid}.${getgid()}.${getgroups().join(".")}.${getUmask()}`,
    `${isTerminal(0)}.${isTerminal(2)}`,
    release,
    readlink("/proc/self/ns/user") ?? "",
  ].join("\0");
  return { dir, name: new Bun.CryptoHasher("sha256").update(text).digest("hex") };
}

function isRead(text: string): boolean {
  const name = text.slice(0, text.indexOf("="));
  return READ_NAMES.includes(name) || READ_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Below the cache directory of the environment, else below the home it names. */
function recordDirectory(env: readonly string[]): string | undefined {
  const value = (name: string): string | undefined =>
    env.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
  if (value("SKIFF_NO_REPLAY") !== undefined) return undefined;
  const cache =
    value("SKIFF_CACHEDIR") ?? value("APPTAINER_CACHEDIR") ?? value("SINGULARITY_CACHEDIR");
  const home = value("HOME");
  const base = cache ?? (home === undefined || home === "/" ? undefined : `${home}/.skiff`);
  return base?.startsWith("/") ? `${base}/cache/launch` : undefined;
}
