import { Fault } from "../base/fault.ts";
import { killTree } from "./kill-tree.ts";

/** A program to run and wait for. */
export interface ChildInput {
  /** Full path of the program first. */
  readonly argv: readonly string[];
  /** Whole environment; that of this process when absent. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** `pass`: to the terminal; `error`: where errors go; `keep`: returned. Errors always pass unless kept. */
  readonly stdout: "pass" | "error" | "keep" | "drop";
  readonly stderr: "pass" | "keep";
  /** `none`: /dev/null; `pass`: the caller's. */
  readonly stdin: "none" | "pass";
  /** Ends the program, and what it started, when the build is stopped. */
  readonly signal?: AbortSignal;
  /** Told the process id. */
  onStart?(pid: number): void;
}

export interface ChildEnd {
  /** Exit status, 128 + number for a signal. */
  readonly status: number;
  /** In the words of the peer: `exit status 1`, `signal: killed`. */
  readonly words: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program and waits for its end; throws a Fault only when it cannot be started. */
export async function runChild(input: ChildInput): Promise<ChildEnd> {
  input.signal?.throwIfAborted();
  const flow = (kind: "pass" | "error" | "keep" | "drop") =>
    kind === "error" ? 2 : kind === "pass" ? "inherit" : kind === "keep" ? "pipe" : "ignore";
  let child: Bun.Subprocess<
    "ignore" | "inherit",
    "pipe" | "inherit" | "ignore",
    "pipe" | "inherit" | "ignore"
  >;
  try {
    child = Bun.spawn([...input.argv], {
      ...(input.env === undefined ? {} : { env: { ...input.env } }),
      ...(input.cwd === undefined ? {} : { cwd: input.cwd }),
      stdin: input.stdin === "pass" ? "inherit" : "ignore",
      stdout: flow(input.stdout),
      stderr: flow(input.stderr),
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("io", `Cannot start "${input.argv[0] ?? ""}": ${reason}`, { cause });
  }
  input.onStart?.(child.pid);
  let killing: Promise<void> | undefined;
  const stop = (): void => {
    killing = killTree(child.pid);
  };
  input.signal?.addEventListener("abort", stop);
  const text = (stream: unknown): Promise<string> =>
    stream instanceof ReadableStream ? new Response(stream).text() : Promise.resolve("");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const code = await child.exited;
  input.signal?.removeEventListener("abort", stop);
  await killing;
  input.signal?.throwIfAborted();
  const signal = child.signalCode;
  const words = signal === null ? `exit status ${code}` : `signal: ${signalWords(signal)}`;
  return { status: code, words, stdout, stderr };
}

function signalWords(signal: NodeJS.Signals | number): string {
  const known: Readonly<Record<string, string>> = {
    SIGKILL: "killed",
    SIGTERM: "terminated",
    SIGINT: "interrupt",
    SIGHUP: "hangup",
    SIGSEGV: "segmentation fault",
    SIGABRT: "aborted",
    SIGPIPE: "broken pipe",
  };
  return known[signal] ?? String(signal);
}

/** The last lines of what a program said, for a message: at most `count`, blank ones left out. */
export function lastWords(text: string, count: number = 3): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.slice(-count).join("; ");
}
