import { errnoText } from "../base/errno-text.ts";
import { Fault } from "../base/fault.ts";
import { decodeOsText } from "../base/os-text.ts";
import { resolvePath } from "../base/path.ts";
import type { Invocation } from "../cli/invocation.ts";
import { notePath } from "../host/launch-trace.ts";
import { close, O_RDONLY, open, read } from "../host/syscall.ts";
import { evaluateEnvFile } from "../plan/env/env-file.ts";
import type { EnvFileValues } from "../plan/env/environment-input.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { Notice } from "../plan/plan.ts";
import type { LaunchRequest } from "../plan/request.ts";

/** Reads and evaluates the files of `--env-file` on the host (reference: runtime.md 2.2). */
export function readEnvFiles(
  inv: Invocation,
  request: LaunchRequest,
  imagePath: string,
  host: HostFacts,
  notices: Notice[],
): EnvFileValues[] {
  const { uid, gid, groups, files: view } = host;
  const files = { view, isKnown: () => true, uid, gid, groups };
  return inv.strings("env-file").map((path) => {
    const bytes = readWhole(resolvePath(host.cwd ?? "/", path));
    if (typeof bytes === "number") {
      throw new Fault(
        "not-found",
        `while setting environment: while processing ${path}: could not read environment file "${path}": ${errnoText(bytes)}`,
        { hint: "check the path given to --env-file" },
      );
    }
    const result = evaluateEnvFile({
      file: { path, text: decodeOsText(bytes) },
      host: host.env,
      imagePath,
      action: request.action,
      arguments: request.args,
      cwd: host.cwd ?? "/",
      files,
      computed: (name) => computed(name, host),
    });
    if (result.kind === "values") {
      for (const text of result.complaints) notices.push({ level: "warning", text });
      return { path, variables: result.variables };
    }
    // The reference tool, too, runs no programs for such a file.
    const { text } = result;
    throw new Fault("invalid", `while setting environment: while processing ${path}: ${text}`, {
      hint: "an environment file holds assignments; values may use quotes and variables, but run no programs",
    });
  });
}

/** What the reference tool's shell computes; nothing of it is the same in the next launch. */
function computed(name: string, host: HostFacts): string | undefined {
  if (name.startsWith("~")) return host.accountByName(name.slice(1))?.home;
  notePath("/proc/self/stat", "content");
  switch (name) {
    case "$":
      return String(process.pid);
    case "PPID":
      return String(process.ppid);
    case "RANDOM":
      return String(Math.floor(Math.random() * 32768));
    default:
      return undefined;
  }
}

const LIMIT_BYTES = 1 << 22;

/** Content of a file or of a pipe (`--env-file <(command)`), at most 4 MiB; or the errno. */
function readWhole(path: string): Uint8Array | number {
  const fd = open(path, O_RDONLY);
  if (fd < 0) return -fd;
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const part = new Uint8Array(65536);
      const count = read(fd, part);
      if (count < 0) return -count;
      if (count === 0 || size > LIMIT_BYTES) break;
      parts.push(part.subarray(0, count));
      size += count;
    }
  } finally {
    close(fd);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
