import type { Account } from "../plan/facts.ts";

/** What to look an account or group up by. */
export type AccountKey = { readonly name: string } | { readonly id: number };

/**
 * An entry of a passwd file's text, `name:password:uid:gid:gecos:home:shell`; the first that
 * matches. Undefined: no such line, or one with too few fields or ids that are no numbers.
 * A search instead of a parse: the file of a big site has tens of thousands of lines.
 */
export function findAccount(text: string, key: AccountKey): Account | undefined {
  const fields = findFields(text, key);
  if (fields === undefined) return undefined;
  const [name, , uid, gid, gecos, home, shell] = fields;
  if (name === undefined || !isId(uid) || !isId(gid) || home === undefined) return undefined;
  const ids = { uid: Number(uid), gid: Number(gid) };
  return { name, ...ids, gecos: gecos ?? "", home, shell: shell ?? "" };
}

/** Name of a group in a group file's text, `name:password:gid:members`. */
export function findGroupName(text: string, gid: number): string | undefined {
  return findFields(text, { id: gid })?.[0];
}

function findFields(text: string, key: AccountKey): readonly string[] | undefined {
  const isWanted = (fields: readonly string[]) =>
    "name" in key ? fields[0] === key.name : fields[2] === String(key.id);
  const needle = "name" in key ? `${key.name}:` : `:${key.id}:`;
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
    const end = text.indexOf("\n", at);
    const line = text.slice(text.lastIndexOf("\n", at) + 1, end < 0 ? undefined : end);
    const fields = line.split(":");
    // "+" and "-" lines belong to the old compat mode of the name service; they are no accounts.
    if (isWanted(fields) && line !== "" && !":+-#".includes(line.charAt(0))) return fields;
  }
  return undefined;
}

/** Whether a field is a decimal id; no regular expression, which costs more than the lookup. */
function isId(text: string | undefined): boolean {
  if (text === undefined || text === "" || text.length > 10) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return true;
}
