import { Fault } from "../../base/fault.ts";
import { lastWords } from "../child.ts";
import { compressionWords } from "../pack/squashfs.ts";
import { WriteBackOf } from "./_write-back-of.ts";
import { pipeTo } from "./pipe-to.ts";
import type { Write } from "./write-merged.ts";

/** How a tar stream is packed. */
export interface StreamInput {
  /** Path of mksquashfs. */
  readonly tool: string;
  readonly target: string;
  /** Where in the target the file system begins. */
  readonly offsetBytes: number;
  /** From the configuration: 0 and "" leave it to the tool, but for memory. */
  readonly processors: number;
  readonly memory: string;
  /** Words of `--mksquashfs-args`. */
  readonly extraArguments: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Level of zstd: lower than for builds, for who pulls waits. 400 MB on two cores: level 3 takes 3.4 s
 * and 133 MB, level 5 takes 4.8 s and 128 MB.
 */
const ZSTD_LEVEL = "3";
/** mksquashfs would take a quarter of the machine; more than this makes it no faster. */
const MEMORY = "512M";

/**
 * Packs what `produce` writes, a tar archive, into a SquashFS file. Its root directory is whose who runs
 * this, and the times of both are none: format/squashfs/rewrite-root.ts puts that right.
 */
export async function packStream(
  input: StreamInput,
  produce: (write: Write) => Promise<void>,
): Promise<void> {
  const { signal } = input;
  const file = new WriteBackOf(input.target);
  const command = { argv: await argvOf(input), env: environment(), signal };
  const end = await pipeTo(command, (write) => produce(file.through(write))).finally(() =>
    file.close(),
  );
  if (end.status === 0) return;
  // Those before 4.5 have no -tar.
  if (/invalid option/.test(end.stderr) && input.extraArguments.length === 0) {
    throw new Fault("unsupported", `while creating squashfs: "${input.tool}" is too old`, {
      hint: "squashfs-tools 4.5 or newer is needed for OCI and Docker images",
    });
  }
  throw new Fault(
    "failed",
    `while creating squashfs: ${end.words}: ${lastWords(end.stderr)}`,
    /No space left/.test(end.stderr)
      ? { hint: "free space there or write the image elsewhere" }
      : {},
  );
}

async function argvOf(input: StreamInput): Promise<readonly string[]> {
  const { extraArguments } = input;
  const argv = [input.tool, "-", input.target, "-tar", "-noappend", "-no-progress", "-quiet"];
  argv.push("-exit-on-error", "-mem", input.memory === "" ? MEMORY : input.memory);
  if (input.offsetBytes > 0) argv.push("-offset", String(input.offsetBytes));
  if (input.processors > 0) argv.push("-processors", String(input.processors));
  argv.push(...(await compressionWords(input, ZSTD_LEVEL)));
  return [...argv, ...extraArguments];
}

function environment(): Readonly<Record<string, string>> {
  // No time in the archive is later than the latest one; that of the file system is rewritten.
  const env: Record<string, string> = { SOURCE_DATE_EPOCH: String(0xffffffff) };
  for (const name of ["PATH", "TMPDIR", "LD_LIBRARY_PATH"]) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}
