import type { HostFacts, IdRange } from "../plan/facts.ts";

/**
 * With whose rights a definition is built. All but the first are user namespaces of the caller's own.
 *
 * - `root`    the process is root already, of the machine or of a namespace
 * - `sub-ids` root and the ids of the caller's range in /etc/subuid: packages install as for root
 * - `mapped`  root is the caller, no other id exists: a filter lets changes of owners appear to succeed
 * - `refused` no user namespace can be had
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
  | { readonly kind: "mapped"; readonly why: string }
  | { readonly kind: "refused"; readonly why: string };

/** A rung on which something can be built. */
export type BuildRung = Exclude<Rung, { readonly kind: "refused" }>;

/** Tries a rung out: undefined when it works, else what is in the way. */
export type TryRung = (rung: BuildRung) => Promise<string | undefined>;

/** Chooses the rung before anything is built: the first that works. */
export async function chooseRung(
  host: Pick<HostFacts, "uid" | "subUids" | "subGids" | "tool">,
  ignoreSubIds: boolean,
  attempt: TryRung,
): Promise<Rung> {
  if (host.uid === 0) return { kind: "root" };
  const subIds = ignoreSubIds ? "--ignore-subuid is given" : subIdRung(host);
  let why: string | undefined;
  if (typeof subIds === "string") why = subIds;
  else {
    why = await attempt(subIds);
    if (why === undefined) return subIds;
    why = `Sub-ids cannot be used (${why})`;
  }
  const mapped = { kind: "mapped", why } as const;
  const refusal = await attempt(mapped);
  return refusal === undefined ? mapped : { kind: "refused", why: refusal };
}

function subIdRung(
  host: Pick<HostFacts, "subUids" | "subGids" | "tool">,
): Extract<Rung, { readonly kind: "sub-ids" }> | string {
  const [uids] = host.subUids;
  const [gids] = host.subGids;
  if (uids === undefined) return "User not listed in /etc/subuid";
  if (gids === undefined) return "User not listed in /etc/subgid";
  const newuidmap = host.tool("newuidmap");
  const newgidmap = host.tool("newgidmap");
  if (newuidmap === undefined || newgidmap === undefined) {
    return "newuidmap is missing (package uidmap)";
  }
  return { kind: "sub-ids", uids, gids, newuidmap, newgidmap };
}

/** Lines of uid_map and gid_map for a rung. */
export function rungMaps(
  rung: Exclude<BuildRung, { readonly kind: "root" }>,
  uid: number,
  gid: number,
): { readonly uidMap: string; readonly gidMap: string } {
  const own = (id: number): string => `0 ${id} 1\n`;
  if (rung.kind === "mapped") return { uidMap: own(uid), gidMap: own(gid) };
  const rest = (range: IdRange): string => `1 ${range.first} ${range.count}\n`;
  return { uidMap: own(uid) + rest(rung.uids), gidMap: own(gid) + rest(rung.gids) };
}
