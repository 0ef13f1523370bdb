import { textOf } from "./_raw-call.ts";
import { close, O_RDONLY, open, read } from "./syscall.ts";

/*
 * The environment and arguments as the kernel got them. Bun decodes both as UTF-8 and puts U+FFFD
 * for any other byte (and loses the value of a variable whose name has one), so a latin 1 value
 * could not be handed on unchanged. /proc/self/environ and cmdline hold the bytes; reading one takes
 * about 60 µs at start-up, as much as the first look at process.env.
 */

/**
 * `NAME=value` strings of the environment this process was started with, in order, as kernel text
 * (base/os-text.ts). Strings without `=` and duplicates are still in it. Undefined without /proc.
 */
export function rawEnvironment(): string[] | undefined {
  return records("/proc/self/environ");
}

/** The same environment as a table; of duplicates the first counts, as getenv(3) has it. */
export function environmentTable(strings: readonly string[]): Record<string, string> {
  const table: Record<string, string> = Object.create(null);
  for (const text of strings) {
    const at = text.indexOf("=");
    if (at <= 0) continue;
    const name = text.slice(0, at);
    if (!(name in table)) table[name] = text.slice(at + 1);
  }
  return table;
}

/** The last `count` arguments of the command line as kernel text; undefined without /proc. */
export function rawArguments(count: number): string[] | undefined {
  const all = records("/proc/self/cmdline");
  return all === undefined || count > all.length ? undefined : all.slice(all.length - count);
}

/** NUL-ended records of a file of unknown size. Decoded in one piece: a NUL never is part of a longer sequence. */
function records(path: string): string[] | undefined {
  const bytes = readWhole(path);
  if (bytes === undefined) return undefined;
  const parts = textOf(bytes).split("\0");
  if (parts.at(-1) === "") parts.pop();
  return parts;
}

function readWhole(path: string): Uint8Array | undefined {
  const fd = open(path, O_RDONLY);
  if (fd < 0) return undefined;
  let buffer = new Uint8Array(16384);
  let size = 0;
  try {
    for (;;) {
      const count = read(fd, buffer.subarray(size));
      if (count < 0) return undefined;
      if (count === 0) return buffer.subarray(0, size);
      size += count;
      if (size === buffer.length) {
        const larger = new Uint8Array(buffer.length * 4);
        larger.set(buffer);
        buffer = larger;
      }
    }
  } finally {
    close(fd);
  }
}
