import { Fault } from "../base/fault.ts";

/**
 * The table of granted capabilities, `capability.json` beside the configuration file, in the peer's
 * form: `{"users": {"root": ["CAP_NET_RAW"]}, "groups": {}}`. It decides for root's containers with
 * "root default capabilities = file"; in a user namespace nobody needs a grant.
 */
export interface Grants {
  readonly users: NamesByOwner;
  readonly groups: NamesByOwner;
}

type NamesByOwner = Readonly<Record<string, readonly string[]>>;

export const NO_GRANTS: Grants = { users: {}, groups: {} };

/**
 * The table from its text; an empty text is an empty table.
 *
 * @throws Fault for what is no such table: it may hold a policy.
 */
export function parseGrants(text: string, file: string): Grants {
  if (text.trim() === "") return NO_GRANTS;
  const broken = (why: string): Fault =>
    new Fault("invalid", `Cannot read the table of capabilities "${file}": ${why}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw broken(`it is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (!isRecord(json)) throw broken("it must be an object");
  const part = (name: string): NamesByOwner => {
    const value = json[name] ?? {};
    const isTable =
      isRecord(value) &&
      Object.values(value).every(
        (list) => Array.isArray(list) && list.every((one) => typeof one === "string"),
      );
    if (!isTable) throw broken(`"${name}" must hold lists of names`);
    // Proved by isTable.
    return value as NamesByOwner;
  };
  return { users: part("users"), groups: part("groups") };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The table's text, as `parseGrants` reads it. */
export function renderGrants(grants: Grants): string {
  return `${JSON.stringify(grants, undefined, "\t")}\n`;
}

/** Names granted to a user by itself and by its groups; each once. */
export function grantedTo(
  grants: Grants,
  who: { readonly user: string; readonly groups: readonly string[] },
): readonly string[] {
  const own = ownedBy(grants.users, who.user);
  return [...new Set([...own, ...who.groups.flatMap((name) => ownedBy(grants.groups, name))])];
}

/** What one user or group has in the table. */
export function ownedBy(part: NamesByOwner, owner: string): readonly string[] {
  return Object.hasOwn(part, owner) ? (part[owner] ?? []) : [];
}

/** The table with what `owner` has replaced; without the owner when that is nothing. */
export function withOwned(
  grants: Grants,
  part: keyof Grants,
  owner: string,
  names: readonly string[],
): Grants {
  const others = Object.entries(grants[part]).filter(([name]) => name !== owner);
  const own: [string, readonly string[]][] = names.length === 0 ? [] : [[owner, names]];
  return { ...grants, [part]: Object.fromEntries([...others, ...own]) };
}
