import { asOrdinaryUser, isRoot, ordinaryUser } from "./ordinary-user.ts";
import { skiffPath } from "./tree.ts";

/** What a finished program left. */
export interface Finished {
  /** Exit status; 128 + n for death by signal n. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run a program. */
export interface RunOptions {
  /** The whole environment; default: PATH, HOME, USER, LANG=C.UTF-8 of the account. */
  readonly env?: Readonly<Record<string, string>>;
  /** Added to the default environment. */
  readonly extraEnv?: Readonly<Record<string, string>>;
  /** Working directory; default: the account's home. */
  readonly cwd?: string;
  readonly stdin?: string | Uint8Array<ArrayBuffer>;
  /** "user" (default): as the ordinary user even when the tests run as root; "self": as whoever runs the tests. */
  readonly as?: "user" | "self";
  /** Milliseconds until SIGKILL; default 60000. */
  readonly timeoutMs?: number;
}

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The environment of a plain login of the account that `as` names. */
export function loginEnv(as: "user" | "self" = "user"): Record<string, string> {
  const asRoot = as === "self" && isRoot;
  const user = asRoot ? undefined : ordinaryUser();
  const name = asRoot ? "root" : (user?.name ?? "nobody");
  const home = asRoot ? "/root" : (user?.home ?? "/");
  return { PATH, HOME: home, USER: name, LOGNAME: name, LANG: "C.UTF-8" };
}

/** Starts a program with its standard streams as pipes; the caller waits for it. */
export function start(
  argv: readonly string[],
  options: RunOptions = {},
): Bun.Subprocess<Blob | "ignore", "pipe", "pipe"> {
  const as = options.as ?? "user";
  const env = options.env ?? { ...loginEnv(as), ...options.extraEnv };
  // setpriv is found by PATH, which `env` may lack: hence the full path of env(1) and an explicit list.
  const words = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const prefix = as === "user" ? asOrdinaryUser() : [];
  return Bun.spawn([...prefix, "/usr/bin/env", "-i", ...words, ...argv], {
    cwd: options.cwd ?? loginEnv(as)["HOME"] ?? "/",
    env: { PATH },
    stdin: options.stdin === undefined ? "ignore" : new Blob([options.stdin]),
    stdout: "pipe",
    stderr: "pipe",
    timeout: options.timeoutMs ?? 60_000,
    killSignal: "SIGKILL",
  });
}

/** Runs a program to its end. Never throws for a bad exit status. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = start(argv, options);
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const code = await child.exited;
  return { code, stdout, stderr };
}

/** Runs the skiff under test to its end. */
export function skiff(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return run([skiffPath, ...args], options);
}
