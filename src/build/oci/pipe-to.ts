import { Fault } from "../../base/fault.ts";
import { killTree } from "../kill-tree.ts";
import { putPiece } from "./_put-piece.ts";
import type { Write } from "./write-merged.ts";

/** A program that reads an archive from its standard input. */
export interface PipeInput {
  /** Full path of the program first. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

export interface PipeEnd {
  /** Exit status, 128 + number for a signal. */
  readonly status: number;
  /** `exit status 1`, `signal SIGKILL`. */
  readonly words: string;
  readonly stderr: string;
}

/**
 * Runs a program on what `produce` writes. When producing fails the program is killed and the failure
 * thrown, so that it never takes the end for an archive that is cut off.
 */
export async function pipeTo(
  input: PipeInput,
  produce: (write: Write) => Promise<void>,
): Promise<PipeEnd> {
  input.signal.throwIfAborted();
  const child = Bun.spawn([...input.argv], {
    env: { ...input.env },
    stdin: "pipe",
    stdout: "ignore",
    stderr: "pipe",
  });
  let killing: Promise<void> | undefined;
  const stop = (): void => {
    killing = killTree(child.pid);
  };
  input.signal.addEventListener("abort", stop);
  const said = new Response(child.stderr).text();
  const write: Write = async (pieces) => {
    for (const piece of pieces) putPiece(child.stdin, piece);
    await child.stdin.flush();
    if (child.exitCode !== null || child.signalCode !== null) throw new EndedEarly();
  };
  let failure: { readonly cause: unknown } | undefined;
  try {
    await produce(write);
    await child.stdin.end();
  } catch (cause) {
    // A broken pipe and the like: the program itself says more.
    const isItsOwn = cause instanceof EndedEarly || (cause as { code?: unknown }).code === "EPIPE";
    if (!isItsOwn) {
      failure = { cause };
      child.kill("SIGKILL");
    }
  }
  const status = await child.exited;
  input.signal.removeEventListener("abort", stop);
  await killing;
  input.signal.throwIfAborted();
  if (failure !== undefined) {
    if (failure.cause instanceof Fault) throw failure.cause;
    const reason = failure.cause instanceof Error ? failure.cause.message : String(failure.cause);
    throw new Fault("io", `Cannot write the archive of the image: ${reason}`, {
      cause: failure.cause,
    });
  }
  const words = child.signalCode === null ? `exit status ${status}` : `signal ${child.signalCode}`;
  return { status, words, stderr: await said };
}

class EndedEarly extends Error {}
