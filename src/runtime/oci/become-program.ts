import { errnoText } from "../../base/errno-text.ts";
import { Fault } from "../../base/fault.ts";
import { launcherNote } from "../../host/launcher-note.ts";
import { execve, setRlimit } from "../../host/process-calls.ts";
import { rawEnvironment } from "../../host/raw-environment.ts";

const RLIMIT_NOFILE = 7;

/** Replaces this process by a program with the caller's environment. Throws a Fault when the kernel refuses it. */
export function becomeProgram(argv: readonly string[]): never {
  const limit = launcherNote()?.fileLimit;
  if (limit !== undefined) setRlimit(RLIMIT_NOFILE, limit.soft, limit.hard);
  const program = argv[0] ?? "";
  const status = execve(program, argv, rawEnvironment() ?? []);
  throw new Fault("failed", `Cannot start ${program}: ${errnoText(-status)}`);
}
