import { type FileView, resolveIn } from "../../base/file-view.ts";
import { decodeOsText } from "../../base/os-text.ts";
import { baseName, cleanPath, dirName } from "../../base/path.ts";
import { readIn } from "../metadata/inspect-metadata.ts";

/**
 * Debian's, for programs of the group "shadow". Tools that add accounts write them anew with the group
 * that the kernel tells of the old ones, so that what was noted on those is gone.
 */
const SHADOWS = ["/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-"];

/**
 * Owners that package managers of a root have on record, `uid:gid` by path: dpkg's overrides and apk's
 * list of what it installed. Where one id exists these are what the files would belong to.
 */
export function recordedOwners(root: FileView): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  const add = (path: string, ids: string): void => {
    // On the way links are followed; one that was installed itself has the owner, not what it leads to.
    const own = cleanPath(`${resolveIn(root, dirName(path)).path}/${baseName(path)}`);
    if (root.lstat(own) !== undefined && ids !== "0:0") owners.set(own, ids);
  };
  const text = (path: string): string => decodeOsText(readIn(root, path) ?? new Uint8Array(0));
  const users = idsIn(text("/etc/passwd"));
  const groups = idsIn(text("/etc/group"));
  for (const { user, group, path } of parseOverrides(text("/var/lib/dpkg/statoverride"))) {
    const [uid, gid] = [idOf(user, users), idOf(group, groups)];
    if (uid !== undefined && gid !== undefined) add(path, `${uid}:${gid}`);
  }
  const shadow = groups.get("shadow");
  for (const path of shadow === undefined ? [] : SHADOWS) {
    if (((root.lstat(path)?.mode ?? 0) & 0o040) !== 0) add(path, `0:${shadow}`);
  }
  for (const [path, ids] of parseInstalled(text("/lib/apk/db/installed"))) add(path, ids);
  return owners;
}

/** Lines of dpkg-statoverride: `USER GROUP MODE PATH`; a number is written `#5`. */
function parseOverrides(
  text: string,
): readonly { readonly user: string; readonly group: string; readonly path: string }[] {
  return text.split("\n").flatMap((line) => {
    const [, user = "", group = "", path = ""] = /^(\S+) (\S+) [0-7]+ (\/.*)$/.exec(line) ?? [];
    return path === "" ? [] : [{ user, group, path }];
  });
}

/**
 * Records of apk: `F:` names a directory and `M:uid:gid:mode` its owner, `R:` a file in it and `a:` that
 * one's; without them it is root.
 */
function parseInstalled(text: string): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  let folder = "";
  let file = "";
  for (const line of text.split("\n")) {
    const value = line.slice(2);
    if (line.startsWith("F:")) folder = `/${value}`;
    else if (line.startsWith("R:")) file = `${folder}/${value}`;
    else if (line.startsWith("M:") || line.startsWith("a:")) {
      const ids = /^([0-9]+:[0-9]+):/.exec(value)?.[1];
      if (ids !== undefined) owners.set(line.startsWith("M:") ? folder : file, ids);
    }
  }
  return owners;
}

/** Ids by name, of a passwd or group file. */
function idsIn(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split("\n").flatMap((line) => {
      const [name = "", , id = ""] = line.split(":");
      return /^[0-9]+$/.test(id) ? [[name, id] as const] : [];
    }),
  );
}

function idOf(word: string, ids: ReadonlyMap<string, string>): string | undefined {
  return /^#([0-9]+)$/.exec(word)?.[1] ?? ids.get(word);
}
