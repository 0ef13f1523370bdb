import { Fault } from "../../base/fault.ts";
import { lastWords } from "../child.ts";
import { pipeTo } from "./pipe-to.ts";
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
  const { signal } = input;
  const end = await pipeTo(
    { argv: argvOf(input), env: environmentOf(input.latest), signal },
    produce,
  );
  if (end.status === 0) return;
  throw new Fault(
    "failed",
    `while creating squashfs: ${end.words}: ${lastWords(end.stderr)}`,
    /No space left/.test(end.stderr)
      ? { hint: "free space there or write the image elsewhere" }
      : {},
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
