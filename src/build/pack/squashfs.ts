import { readFileSync, writeFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { lastWords, runChild } from "../child.ts";
import type { BuildPorts } from "../stage.ts";
import { toolHint } from "../tool-hint.ts";
import type { PseudoFiles } from "./pseudo-files.ts";

/**
 * Level and block of zstd. A 178 MB Debian root on two cores (squashfs-tools 4.5.1), gzip: 12 s and
 * 58.9 MB. Blocks of 128 KiB: level 5 takes 1.2 s and 58.5 MB. Blocks of 64 KiB: level 6 1.3 s and
 * 59.2 MB, level 8 1.8 s and 58.7 MB. A program that starts touches pages here and there, and each
 * costs its block: with 64 KiB `true` starts in 16.6 ms instead of 18.6.
 */
const ZSTD_LEVEL = "8";
const BLOCK_BYTES = "65536";

export interface SquashfsInput {
  /** Path of mksquashfs. */
  readonly tool: string;
  readonly source: string;
  readonly target: string;
  /** Where in the target the file system begins; the bytes before it are left empty. */
  readonly offsetBytes: number;
  /** Folder for small files that the tool reads. */
  readonly folder: string;
  readonly pseudo: PseudoFiles | undefined;
  /** Everything belongs to root in the image. */
  readonly allRoot: boolean;
  /** Extended attributes stay out. */
  readonly dropsAttributes?: boolean;
  /** From the configuration: 0 and "" leave it to the tool. */
  readonly processors: number;
  readonly memory: string;
  /** Words of `--mksquashfs-args`. */
  readonly extraArguments: readonly string[];
  /** Seconds since 1970: later times in the image become this one. */
  readonly latestSeconds: number;
  /** Bytes that the tool will read; absent: no progress is shown. */
  readonly sourceBytes?: number;
  readonly ports: Pick<BuildPorts, "signal" | "progress" | "showsTools">;
}

/** Words of `--mksquashfs-args` by which the caller sets times, instead of the builder. */
const TIME_WORDS = ["-mkfs-time", "-fstime", "-all-time", "-inode-time"];
const PROGRESS_MS = 200;

/** Packs a directory into a SquashFS file. */
export async function packSquashfs(input: SquashfsInput): Promise<void> {
  const argv = [
    input.tool,
    input.source,
    input.target,
    "-noappend",
    "-no-progress",
    "-exit-on-error",
  ];
  const { showsTools = false } = input.ports;
  if (!showsTools) argv.push("-quiet");
  if (input.offsetBytes > 0) argv.push("-offset", String(input.offsetBytes));
  if (input.allRoot) argv.push("-all-root");
  if (input.dropsAttributes === true) argv.push("-no-xattrs");
  if (input.memory !== "") argv.push("-mem", input.memory);
  if (input.processors > 0) argv.push("-processors", String(input.processors));
  argv.push(
    ...(await compressionWords({ ...input, signal: input.ports.signal }, ZSTD_LEVEL)),
    ...input.extraArguments,
  );
  if (input.pseudo !== undefined && input.pseudo.definitions.length > 0) {
    writeFileSync(`${input.folder}/pseudo`, input.pseudo.definitions);
    argv.push("-pf", `${input.folder}/pseudo`);
  }
  if (input.pseudo !== undefined && input.pseudo.excluded.length > 0) {
    writeFileSync(`${input.folder}/excluded`, input.pseudo.excluded);
    argv.push("-ef", `${input.folder}/excluded`);
  }
  const hasTimes = input.extraArguments.some((word) => TIME_WORDS.includes(word));
  let watch: (() => void) | undefined;
  const end = await runChild({
    argv,
    env: toolEnvironment(hasTimes ? undefined : input.latestSeconds),
    stdin: "none",
    stdout: showsTools ? "pass" : "drop",
    stderr: "keep",
    signal: input.ports.signal,
    onStart: (pid) => {
      watch = watchReading(pid, input);
    },
  }).finally(() => watch?.());
  if (end.status === 0) return;
  const hint = toolHint(end.stderr, end.words, "mksquashfs");
  throw new Fault(
    "failed",
    `while creating squashfs: ${end.words}: ${ownWords(end.stderr)}`,
    hint === undefined ? {} : { hint },
  );
}

/** Why mksquashfs failed, in its words: a refused option is named first, before all of its help. */
function ownWords(stderr: string): string {
  return /^mksquashfs: .*$/m.exec(stderr)?.[0] ?? lastWords(stderr);
}

/** Shows how much of the source a process has read; gives the end of that. */
function watchReading(pid: number, input: SquashfsInput): () => void {
  const { ports, sourceBytes } = input;
  if (ports.progress === undefined || sourceBytes === undefined) return () => {};
  const progress = ports.progress("Packing", sourceBytes);
  const timer = setInterval(() => {
    const read = /^rchar: ([0-9]+)/m.exec(readText(`/proc/${pid}/io`))?.[1];
    if (read !== undefined) progress.update(Math.min(Number(read), sourceBytes));
  }, PROGRESS_MS);
  return () => {
    clearInterval(timer);
    progress.finish();
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** What decides about the compression. */
export interface CompressionChoice extends Pick<SquashfsInput, "tool" | "extraArguments"> {
  readonly signal: AbortSignal;
}

/** Words that choose the compression; none when the caller's own words do. `level` is that of zstd. */
export async function compressionWords(
  input: CompressionChoice,
  level: string,
): Promise<readonly string[]> {
  const extra = input.extraArguments;
  if (extra.includes("-comp")) return [];
  // Options of a compressor alone are meant for the peer's default.
  if (extra.some((word) => word.startsWith("-X"))) return ["-comp", "gzip"];
  // Until 4.6 the compressors are in the short help, from 4.7 on only in the long one.
  const knowsZstd =
    (await helpNamesZstd(input, "-help")) || (await helpNamesZstd(input, "-help-all"));
  if (!knowsZstd) return ["-comp", "gzip"];
  const block = extra.includes("-b") ? [] : ["-b", BLOCK_BYTES];
  return ["-comp", "zstd", "-Xcompression-level", level, ...block];
}

async function helpNamesZstd(input: CompressionChoice, option: string): Promise<boolean> {
  const help = await runChild({
    argv: [input.tool, option],
    stdin: "none",
    stdout: "keep",
    stderr: "keep",
    signal: input.signal,
  });
  return /\bzstd\b/.test(help.stdout + help.stderr);
}

function toolEnvironment(epoch: number | undefined): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const name of ["PATH", "TMPDIR", "LD_LIBRARY_PATH"]) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  if (epoch !== undefined) env["SOURCE_DATE_EPOCH"] = String(epoch);
  return env;
}
