import { Fault } from "../../base/fault.ts";
import type { Invocation } from "../../cli/invocation.ts";
import type { HttpClient } from "../../registry/http/client.ts";
import {
  type Remote,
  type RemoteList,
  SYSTEM_FILES,
  writeRemotes,
} from "../../registry/library/remotes.ts";
import type { Context } from "../../terminal/context.ts";

/** What one call of `remote` works on. */
export interface RemoteCall {
  readonly inv: Invocation;
  readonly ctx: Context;
  readonly http: HttpClient;
  readonly isRoot: boolean;
  /** The user's own file. */
  readonly file: string;
  readonly list: RemoteList;
}

/** The service of that name. Throws a Fault when there is none. */
export function known(list: RemoteList, name: string): Remote {
  const remote = list.remotes.get(name);
  if (remote !== undefined) return remote;
  throw new Fault("not-found", name === "" ? "no remote is in use" : `${name} is not a remote`);
}

/** Writes the list with another state of one service. */
export function setRemote(call: RemoteCall, name: string, remote: Remote): void {
  save(call, { ...call.list, remotes: new Map(call.list.remotes).set(name, remote) });
}

/** Writes the user's list, or with --global that for all users. */
export function save(
  { inv, isRoot, file }: RemoteCall,
  list: RemoteList,
  isExclusive: boolean = false,
): void {
  const isGlobal = isExclusive || (inv.has("global") && inv.bool("global"));
  if (!isGlobal) {
    writeRemotes(file, list, 0o600);
    return;
  }
  const [target = ""] = SYSTEM_FILES;
  if (!isRoot) {
    throw new Fault(
      "denied",
      `Cannot write "${target}": only root may change the list for all users`,
    );
  }
  const remotes = [...list.remotes].filter(([, one]) => one.isSystem);
  const open = remotes.map(([name, one]) => [name, { ...one, token: "" }] as const);
  writeRemotes(target, { ...list, remotes: new Map(open), rest: {} }, 0o644);
}
