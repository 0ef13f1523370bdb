import { Fault } from "../../base/fault.ts";
import type { HostFacts } from "../facts.ts";
import type { MountFlag } from "../plan.ts";
import { BIND_FLAGS, type MountList } from "./mount-list.ts";

export interface HostBind {
  readonly source: string;
  readonly target: string;
  readonly flags?: readonly MountFlag[];
  readonly why: string;
  /** Tag for warnings; absent: any obstacle is fatal. */
  readonly optional?: string;
  /** Mode of a host directory, and of those on the way to it from `below`, that the launch makes when missing. */
  readonly make?: { readonly mode: number; readonly below: string };
}

/**
 * Binds a host file or directory. Symbolic links in `source` are followed on the host; sub-mounts
 * come along.
 *
 * @returns whether it is mounted.
 * @throws Fault when the source or the place is missing and `optional` is absent.
 */
export function bindHost(list: MountList, host: HostFacts, bind: HostBind): boolean {
  const real = host.realPath(bind.source);
  const entry = real === undefined ? undefined : host.files.lstat(real);
  const isMade = entry === undefined && bind.make !== undefined;
  if ((real === undefined || entry === undefined) && !isMade) {
    const why = `mount source ${bind.source} doesn't exist`;
    if (bind.optional === undefined) {
      throw new Fault("not-found", `Cannot bind ${bind.source} on ${bind.target}: ${why}`, {
        hint: `create ${bind.source} or leave the bind out (${bind.why})`,
      });
    }
    list.notices.push({
      level: "warning",
      text: `Skipping mount ${bind.source} [${bind.optional}]: ${why}`,
    });
    return false;
  }
  const source = real ?? bind.source;
  const isDir = entry === undefined || entry.kind === "dir";
  const place = list.place(bind.target, {
    kind: isDir ? "dir" : "file",
    what: bind.source,
    ...(bind.optional === undefined ? {} : { optional: bind.optional }),
  });
  if (place === undefined) return false;
  list.add(
    {
      kind: "bind",
      ...place,
      source,
      isDir,
      recursive: true,
      flags: bind.flags ?? BIND_FLAGS,
      optional: bind.optional !== undefined,
      warning:
        bind.optional === undefined
          ? ""
          : `Skipping mount ${bind.source} [${bind.optional}]: it could not be mounted`,
      why: bind.why,
      ...(bind.make === undefined ? {} : { make: bind.make }),
    },
    host.files,
    source,
  );
  return true;
}
