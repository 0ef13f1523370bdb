import { inheritedDescriptors } from "../../host/inherited-descriptors.ts";
import { stampPath } from "../../host/path-stamp.ts";
import { getuid } from "../../host/process-calls.ts";
import { environmentTable } from "../../host/raw-environment.ts";
import { close, fstat, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, open, read } from "../../host/syscall.ts";
import { becomeStarter } from "../become-starter.ts";
import type { LaunchKey } from "./launch-key.ts";
import { decodeRecord, type RecordedEnvironment } from "./record.ts";

/**
 * Starts a launch again as it was planned before, when nothing that the plan was made from has
 * changed since. Returns when there is no such record: then the launch is planned anew.
 */
export function replay(key: LaunchKey, env: readonly string[]): void {
  const bytes = readRecord(`${key.dir}/${key.name}`);
  const record = bytes === undefined ? undefined : decodeRecord(bytes);
  if (record === undefined || Date.now() > record.expiresMs) return;
  for (let i = 0; i < record.paths.length; i++) {
    const noted = record.paths[i];
    if (noted !== undefined && stampPath(noted.path, noted.use) !== noted.stamp) return;
  }
  const filled = fillIn(record.env, environmentTable(env));
  if (filled !== undefined) {
    becomeStarter(record.starter, record.ops, filled, inheritedDescriptors());
  }
}

/** The program's environment; undefined when the caller's differs in a variable that the plan replaced. */
function fillIn(
  { pass, dropped, fixed, replaced }: RecordedEnvironment,
  own: Readonly<Record<string, string>>,
): string[] | undefined {
  const out: string[] = [];
  const done = new Set(dropped);
  let found = 0;
  for (const entry of fixed) {
    const name = typeof entry === "string" ? entry.slice(0, entry.indexOf("=")) : entry[0];
    done.add(name);
    if (name in own) found++;
    out.push(typeof entry === "string" ? entry : `${name}=${own[entry[1]] ?? ""}`);
  }
  if (found !== replaced.length || replaced.some((name) => !(name in own))) return undefined;
  for (const name in own) {
    if (done.has(name) || (pass !== "all" && !pass.includes(name))) continue;
    out.push(`${name}=${own[name]}`);
  }
  return out;
}

const LIMIT_BYTES = 1 << 20;

/** The record's bytes; only a file of the caller's own, closed to others, is taken. */
function readRecord(path: string): Uint8Array | undefined {
  const fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return undefined;
  const stat = fstat(fd);
  let bytes: Uint8Array | undefined;
  const isOwn = stat?.kind === "file" && stat.uid === getuid() && stat.mode === 0o600;
  if (isOwn && stat.sizeBytes < LIMIT_BYTES) {
    bytes = new Uint8Array(stat.sizeBytes);
    if (read(fd, bytes) !== bytes.length) bytes = undefined;
  }
  close(fd);
  return bytes;
}
