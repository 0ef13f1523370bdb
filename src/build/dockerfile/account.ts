import { Fault } from "../../base/fault.ts";
import { type FileView, resolveIn } from "../../base/file-view.ts";
import { decodeOsText } from "../../base/os-text.ts";

/** Who a `USER` or `--chown` word means in a root. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, without `gid`. */
  readonly groups: readonly number[];
  /** Home directory of the passwd file; `/` when it does not say. */
  readonly home: string;
}

/**
 * Looks a word up: `name`, `uid`, `name:group`, `uid:gid`. Numbers need no entry. Without a group it is
 * the account's, or 0 for a number without entry.
 *
 * @param ownGroup for `--chown` by a bare number, where the group is the same number.
 * @throws Fault `not-found` for a name that the root's files lack.
 */
export function findAccount(view: FileView, word: string, ownGroup: boolean = false): Account {
  const [user = "", group] = word.split(":", 2);
  const accounts = linesOf(view, "/etc/passwd").filter((fields) => fields.length >= 4);
  const isNumber = /^[0-9]+$/.test(user);
  const entry =
    accounts.find((fields) => fields[0] === user) ??
    (isNumber ? accounts.find((fields) => fields[2] === user) : undefined);
  if (entry === undefined && !isNumber) {
    throw new Fault("not-found", `there is no user "${user}" in /etc/passwd of the image`, {
      hint: "make it with useradd or adduser before, or use a number",
    });
  }
  const uid = isNumber && entry?.[0] !== user ? Number(user) : Number(entry?.[2]);
  const groups = linesOf(view, "/etc/group").filter((fields) => fields.length >= 3);
  const name = entry?.[0] ?? "";
  const own = entry === undefined ? (ownGroup ? uid : 0) : Number(entry[3]);
  const gid = group === undefined || group === "" ? own : groupId(groups, group);
  const more = groups
    .filter((fields) => name !== "" && (fields[3] ?? "").split(",").includes(name))
    .map((fields) => Number(fields[2]));
  return {
    uid,
    gid,
    // A group that is named stands alone.
    groups: group === undefined ? more.filter((id) => id !== gid) : [],
    home: entry?.[5] === undefined || entry[5] === "" ? "/" : entry[5],
  };
}

function groupId(groups: readonly (readonly string[])[], word: string): number {
  const entry = groups.find((fields) => fields[0] === word);
  if (entry !== undefined) return Number(entry[2]);
  if (/^[0-9]+$/.test(word)) return Number(word);
  throw new Fault("not-found", `there is no group "${word}" in /etc/group of the image`, {
    hint: "make it with groupadd or addgroup before, or use a number",
  });
}

function linesOf(view: FileView, path: string): readonly (readonly string[])[] {
  const found = resolveIn(view, path);
  const bytes = found.entry?.kind === "file" ? view.read(found.path) : undefined;
  if (bytes === undefined) return [];
  return decodeOsText(bytes)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}
