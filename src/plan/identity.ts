import { Fault } from "../base/fault.ts";
import { decodeOsText } from "../base/os-text.ts";
import { hasBit } from "./capabilities.ts";
import type { HostFacts, IdRange } from "./facts.ts";
import type { IdentityPlan, Notice } from "./plan.ts";
import type { LaunchRequest } from "./request.ts";

const CAP_SETUID = 7;
/** Ids are unsigned 32-bit numbers; the last one means "no change". */
const MOST_ID = 0xfffffffe;

/** Ids that a fake root needs besides 0 (reference: runtime.md 5.2). */
const SUBID_COUNT = 65536;

/**
 * Who the program is: plain (same id inside as outside), fakeroot with sub-ids, fakeroot with one
 * mapped id, or a real root (reference: runtime.md 5.1 and 5.2).
 */
export function planIdentity(
  request: LaunchRequest,
  host: HostFacts,
  userNamespace: boolean,
  notices: Notice[],
): IdentityPlan {
  const asked = securityIds(request.security);
  if (!userNamespace) return realRoot(host, asked);
  if (request.fakeroot && !host.isRealRoot) {
    return { ...fakeroot(request, host, notices), ...becomeAnother(host, asked) };
  }

  const uid = asked.uid ?? host.uid;
  const gid = asked.gids?.[0] ?? host.gid;
  return {
    uidMap: `${uid} ${host.uid} 1\n`,
    gidMap: `${gid} ${host.gid} 1\n`,
    setgroups: false,
    newuidmap: "",
    newgidmap: "",
    uid,
    gid,
    become: undefined,
    why:
      asked.uid === undefined
        ? "the caller keeps its own ids"
        : (request.origins["security"] ?? "--security"),
  };
}

/** Root of a user namespace may start the program as another one of its ids. */
function becomeAnother(
  host: HostFacts,
  asked: ReturnType<typeof securityIds>,
): Pick<IdentityPlan, "become" | "why"> | undefined {
  if (host.uid !== 0 || (asked.uid === undefined && asked.gids === undefined)) return undefined;
  const { uid = 0, gids = [] } = asked;
  return {
    become: { uid, gid: gids[0] ?? 0, groups: gids.length > 1 ? gids : [] },
    why: "--fakeroot as root of a user namespace, then --security",
  };
}

/** Root of a new namespace with all the ids that the caller has: what `--fakeroot` without further options gives. */
export function userRootIdentity(host: HostFacts, notices: Notice[]): IdentityPlan {
  return fakeroot({ ignoreSubuid: false, ignoreUserns: false }, host, notices);
}

function fakeroot(
  request: Pick<LaunchRequest, "ignoreSubuid" | "ignoreUserns">,
  host: HostFacts,
  notices: Notice[],
): IdentityPlan {
  if (host.uid === 0) return sameIds(host);
  const uids = host.subUids[0];
  const gids = host.subGids[0];
  const newuidmap = host.tool("newuidmap");
  const newgidmap = host.tool("newgidmap");
  const base = { uid: 0, gid: 0, become: undefined };
  if (
    !request.ignoreSubuid &&
    uids &&
    gids &&
    uids.count >= SUBID_COUNT &&
    gids.count >= SUBID_COUNT
  ) {
    if (!isMapped(host, "uid", uids) || !isMapped(host, "gid", gids)) {
      notices.push({
        level: "info",
        text: "the sub-ids of the user do not exist in the user namespace around this one, trying root-mapped namespace",
      });
    } else if (newuidmap !== undefined && newgidmap !== undefined) {
      return {
        ...base,
        uidMap: rangeMap(host.uid, uids),
        gidMap: rangeMap(host.gid, gids),
        setgroups: true,
        newuidmap,
        newgidmap,
        why: `--fakeroot with the sub-ids of /etc/subuid (${uids.first}, ${uids.count} ids)`,
      };
    } else {
      notices.push({
        level: "info",
        text: "newuidmap is not installed (package uidmap), trying root-mapped namespace",
      });
    }
  } else if (!request.ignoreSubuid) {
    notices.push({
      level: "info",
      text: "User not listed in /etc/subuid, trying root-mapped namespace",
    });
  }
  if (request.ignoreUserns) {
    throw new Fault(
      "unsupported",
      "Cannot be root in the container: --fakeroot has no sub-ids to use and --ignore-userns forbids a root-mapped namespace",
      {
        hint: "ask the administrator for an entry in /etc/subuid and /etc/subgid",
      },
    );
  }
  return {
    ...base,
    uidMap: `0 ${host.uid} 1\n`,
    gidMap: `0 ${host.gid} 1\n`,
    setgroups: false,
    newuidmap: "",
    newgidmap: "",
    why: "--fakeroot without sub-ids: only the caller's own id is mapped, to root",
  };
}

/** Root of a namespace already: a new one with all the ids that this one has (reference: runtime.md 5.2, mode 0). */
function sameIds(host: HostFacts): IdentityPlan {
  const text = (path: string): string => decodeOsText(host.files.read(path) ?? new Uint8Array(0));
  const canMapMany = hasBit(host.capabilities, CAP_SETUID);
  const map = (path: string): string =>
    !canMapMany
      ? "0 0 1\n"
      : [...text(path).matchAll(/^ *([0-9]+) +[0-9]+ +([0-9]+)$/gm)]
          .map(([, inside, count]) => `${inside} ${inside} ${count}\n`)
          .join("");
  return {
    uid: 0,
    gid: 0,
    become: undefined,
    uidMap: map("/proc/self/uid_map"),
    gidMap: map("/proc/self/gid_map"),
    setgroups: text("/proc/self/setgroups").trim() !== "deny",
    newuidmap: "",
    newgidmap: "",
    why: "--fakeroot as root of a user namespace: the ids that it has",
  };
}

/** Whether a range of ids exists where the caller is: in a namespace of its own it often does not. */
function isMapped(host: HostFacts, kind: "uid" | "gid", range: IdRange): boolean {
  if (!host.inUserNamespace) return true;
  const bytes = host.files.read(`/proc/self/${kind}_map`);
  if (bytes === undefined) return true;
  return decodeOsText(bytes)
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(
      ([inside = 0, , count = 0]) =>
        range.first >= inside && range.first + SUBID_COUNT <= inside + count,
    );
}

function rangeMap(own: number, range: IdRange): string {
  return `0 ${own} 1\n1 ${range.first} ${Math.max(SUBID_COUNT, range.count)}\n`;
}

function realRoot(
  host: HostFacts,
  asked: { uid?: number; gids?: readonly number[] },
): IdentityPlan {
  const changed = asked.uid !== undefined || asked.gids !== undefined;
  const uid = asked.uid ?? host.uid;
  const gid = asked.gids?.[0] ?? host.gid;
  return {
    uidMap: "",
    gidMap: "",
    setgroups: true,
    newuidmap: "",
    newgidmap: "",
    uid,
    gid,
    become: changed
      ? { uid, gid, groups: (asked.gids?.length ?? 0) > 1 ? (asked.gids ?? []) : [] }
      : undefined,
    why: changed ? "--security" : "started by root",
  };
}

/** `uid:N` and `gid:N[:N…]` words of `--security`. */
function securityIds(words: readonly string[]): { uid?: number; gids?: readonly number[] } {
  const out: { uid?: number; gids?: readonly number[] } = {};
  for (const word of words) {
    const [kind, ...values] = word.split(":");
    if (kind !== "uid" && kind !== "gid") continue;
    const numbers = values.map((v) => {
      if (!/^[0-9]+$/.test(v) || Number(v) > MOST_ID) {
        throw new Fault(
          "usage",
          `Cannot use --security ${word}: "${v}" is not a number from 0 to 4294967294`,
          {
            exitCode: 255,
          },
        );
      }
      return Number(v);
    });
    if (numbers.length === 0) {
      throw new Fault("usage", `Cannot use --security ${word}: a number must follow the colon`, {
        exitCode: 255,
      });
    }
    if (kind === "uid") out.uid = numbers[0] as number;
    else out.gids = numbers;
  }
  return out;
}
