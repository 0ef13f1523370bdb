import type { HostFacts, IdRange } from "../plan/facts.ts";

/**
 * With whose rights a definition is built. All but the first are user namespaces of the caller's own.
 *
 * - `root`    the process is root already, of the machine or of a namespace
 * - `sub-ids` root and the ids of the caller's range in /etc/subuid: packages install as for root
 * - `mapped`  root is the caller, no other id exists: what gives files to other owners fails
 */
export type Rung =
  | { readonly kind: "root" }
  | {
      readonly kind: "sub-ids";
      readonly uids: IdRange;
      readonly gids: IdRange;
      readonly newuidmap: string;
      readonly newgidmap: string;
    }
  | { readonly kind: "mapped"; readonly why: string };

/** Chooses the rung before anything is built. */
export function chooseRung(
  host: Pick<HostFacts, "uid" | "subUids" | "subGids" | "tool">,
  ignoreSubIds: boolean,
): Rung {
  if (host.uid === 0) return { kind: "root" };
  if (ignoreSubIds) return { kind: "mapped", why: "--ignore-subuid is given" };
  const [uids] = host.subUids;
  const [gids] = host.subGids;
  if (uids === undefined) return { kind: "mapped", why: "User not listed in /etc/subuid" };
  if (gids === undefined) return { kind: "mapped", why: "User not listed in /etc/subgid" };
  const newuidmap = host.tool("newuidmap");
  const newgidmap = host.tool("newgidmap");
  if (newuidmap === undefined || newgidmap === undefined) {
    return { kind: "mapped", why: "newuidmap is missing (package uidmap)" };
  }
  return { kind: "sub-ids", uids, gids, newuidmap, newgidmap };
}

/** Lines of uid_map and gid_map for a rung. */
export function rungMaps(
  rung: Exclude<Rung, { readonly kind: "root" }>,
  uid: number,
  gid: number,
): { readonly uidMap: string; readonly gidMap: string } {
  const own = (id: number): string => `0 ${id} 1\n`;
  if (rung.kind === "mapped") return { uidMap: own(uid), gidMap: own(gid) };
  const rest = (range: IdRange): string => `1 ${range.first} ${range.count}\n`;
  return { uidMap: own(uid) + rest(rung.uids), gidMap: own(gid) + rest(rung.gids) };
}
