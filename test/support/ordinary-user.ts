import { readFileSync } from "node:fs";

/** The account that tests of the rootless paths run as. */
export interface OrdinaryUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

const currentUid = process.getuid?.() ?? -1;

/** Whether the tests themselves run as root (of whatever namespace). */
export const isRoot: boolean = currentUid === 0;

function accounts(): OrdinaryUser[] {
  return readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .filter((fields) => fields.length >= 7)
    .map(([name = "", , uid, gid, , home = ""]) => ({
      name,
      uid: Number(uid),
      gid: Number(gid),
      home,
    }));
}

/**
 * Who an ordinary user is here: the caller; when that is root, `SKIFF_TEST_USER` or the account
 * "skiff-test" that scripts/test.sh makes. Absent when there is no such account.
 */
export function ordinaryUser(): OrdinaryUser | undefined {
  const name = process.env["SKIFF_TEST_USER"] ?? "skiff-test";
  return accounts().find((a) => (isRoot ? a.name === name : a.uid === currentUid));
}

/** Words that, put before a command, run it as the ordinary user; none when the caller is one already. */
export function asOrdinaryUser(): readonly string[] {
  const user = ordinaryUser();
  if (!isRoot) return [];
  if (user === undefined) throw new Error("No ordinary user: run scripts/test.sh once as root");
  return ["setpriv", `--reuid=${user.uid}`, `--regid=${user.gid}`, "--init-groups"];
}
