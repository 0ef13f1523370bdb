import { Fault } from "../../base/fault.ts";
import { killTree } from "../kill-tree.ts";
import { lastWords } from "../child.ts";
import type { Write } from "./write-merged.ts";

/** How a tar stream is packed. */
export interface StreamInput {
  /** Path of mksquashfs. */
  readonly tool: string;
  readonly target: string;
  /** Where in the target the file system begins. */
  readonly offsetBytes: number;
  /** No time is later than this; seconds since 1970. */
  readonly latest: number;
  /** From the configuration: 0 and "" leave it to the tool, but for memory. */
  readonly processors: number;
  readonly memory: string;
  /** Words of `--mksquashfs-args`. */
  readonly extraArguments: readonly string[];
  readonly signal: AbortSignal;
}

/** Compression level of zstd. */
const ZSTD_LEVEL = "3";
/** mksquashfs would take a quarter of the machine; more than this makes it no faster. */
const MEMORY = "512M";

/**
 * Packs what `produce` writes, a tar archive, into a SquashFS file. Its root directory is whose who runs
 * this, with a time of its own: format/squashfs/rewrite-root.ts puts that right.
 */
export async function packStream(
  input: StreamInput,
  produce: (write: Write) => Promise<void>,
): Promise<void> {
  input.signal.throwIfAborted();
  const child = Bun.spawn([...argvOf(input)], {
    env: environmentOf(input.latest),
    stdin: "pipe",
    stdout: "ignore",
    stderr: "pipe",
  });
  let killing: Promise<void> | undefined;
  const stop = (): void => {
    killing = killTree(child.pid);
  };
  input.signal.addEventListener("abort", stop);
  const words = new Response(child.stderr).text();
  let produced: unknown;
  let isProduced = false;
  const write: Write = async (pieces) => {
    for (const piece of pieces) child.stdin.write(piece);
    if (child.exitCode !== null) throw new Error("mksquashfs ended early");
    await child.stdin.flush();
  };
  try {
    await produce(write);
    isProduced = true;
    await child.stdin.end();
  } catch (error) {
    produced = error;
    // Without this it would take the end of the stream for an archive that is cut off, and wait for it.
    if (child.exitCode === null) child.kill("SIGKILL");
  }
  const status = await child.exited;
  input.signal.removeEventListener("abort", stop);
  await killing;
  input.signal.throwIfAborted();
  if (produced instanceof Fault) throw produced;
  if (status === 0 && isProduced && produced === undefined) return;
  const said = await words;
  if (produced !== undefined && child.signalCode === "SIGKILL" && said === "") throw produced;
  const end = child.signalCode === null ? `exit status ${status}` : `signal ${child.signalCode}`;
  throw new Fault(
    "failed",
    `while creating squashfs: ${end}: ${lastWords(said)}`,
    /No space left/.test(said) ? { hint: "free space there or write the image elsewhere" } : {},
  );
}

function argvOf(input: StreamInput): readonly string[] {
  const { extraArguments } = input;
  const argv = [input.tool, "-", input.target, "-tar", "-noappend", "-no-progress", "-quiet"];
  argv.push("-exit-on-error", "-mem", input.memory === "" ? MEMORY : input.memory);
  if (input.offsetBytes > 0) argv.push("-offset", String(input.offsetBytes));
  if (input.processors > 0) argv.push("-processors", String(input.processors));
  const choosesCompression = extraArguments.includes("-comp");
  if (!choosesCompression) argv.push("-comp", "zstd", "-Xcompression-level", ZSTD_LEVEL);
  return [...argv, ...extraArguments];
}

function environmentOf(latest: number): Readonly<Record<string, string>> {
  // The time of the file system; that of the root too, until it is rewritten.
  const env: Record<string, string> = { SOURCE_DATE_EPOCH: String(latest) };
  for (const name of ["PATH", "TMPDIR", "LD_LIBRARY_PATH"]) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}
