import { errnoText } from "./base/errno-text.ts";
import { Fault } from "./base/fault.ts";
import { encodeOsText } from "./base/os-text.ts";
import type { FlagValues } from "./cli/invocation.ts";
import type { ProgramName } from "./cli/program.ts";
import { noteLine } from "./host/launch-trace.ts";
import { getuid, isTerminal } from "./host/process-calls.ts";
import { environmentTable, rawEnvironment } from "./host/raw-environment.ts";
import { write } from "./host/syscall.ts";
import type { Context } from "./terminal/context.ts";
import { createLog, readLevel } from "./terminal/log.ts";

const STDOUT = 1;
const STDERR = 2;
const EAGAIN = -11;
const EINTR = -4;
// Whoever read has gone, or there never was an output: nobody misses the text.
const EPIPE = 32;
const EBADF = 9;

/** The caller's environment as a table. */
export function ownEnvironment(): Readonly<Record<string, string>> {
  const strings = rawEnvironment();
  return strings === undefined
    ? { ...(Bun.env as Record<string, string>) }
    : environmentTable(strings);
}

/** What commands get; before the global flags are known, with the defaults of those. */
export function createContext(
  program: ProgramName,
  env: Readonly<Record<string, string>>,
  globals: FlagValues | undefined,
): Context {
  const log = createLog({
    level: readLevel(globals, env),
    isColor: () => globals?.bool("nocolor") !== true && isTerminal(STDERR),
    write: (line) => {
      noteLine(line.slice(0, -1));
      writeAll(STDERR, line);
    },
    identity: () => `U=${getuid()},P=${process.pid}`,
  });
  return {
    program,
    log,
    env,
    print: (text) => {
      const errno = writeAll(STDOUT, text);
      if (errno === 0 || errno === EPIPE || errno === EBADF) return;
      throw new Fault("io", `Cannot write to standard output: ${errnoText(errno)}`);
    },
    printError: (text) => {
      writeAll(STDERR, text);
    },
  };
}

/** Writes a whole text before it returns, also to a descriptor that is set non-blocking. Gives 0 or the errno that ended it. */
function writeAll(fd: number, text: string): number {
  let bytes = text.isWellFormed() ? new TextEncoder().encode(text) : encodeOsText(text);
  while (bytes.length > 0) {
    const count = write(fd, bytes);
    if (count === EAGAIN) Bun.sleepSync(1);
    else if (count < 0 && count !== EINTR) return -count;
    else if (count > 0) bytes = bytes.subarray(count);
  }
  return 0;
}
