import { Fault } from "../../base/fault.ts";
import { dirName } from "../../base/path.ts";
import { allSignedBy, anySignedBy, damageOf, type Survey } from "./survey.ts";

/** The peer's execution control list: which keys must, or must not, have signed what lies in a directory. */
export interface ExecutionControlList {
  readonly isActivated: boolean;
  /** Legacy signatures count instead of current ones. */
  readonly legacy: boolean;
  readonly groups: readonly ExecutionGroup[];
}

export interface ExecutionGroup {
  readonly name: string;
  readonly mode: "whitelist" | "whitestrict" | "blacklist";
  /** "" for every directory that no other group names. */
  readonly directory: string;
  /** Fingerprints in lower case. */
  readonly keys: readonly string[];
}

const MODES = ["whitelist", "whitestrict", "blacklist"] as const;

/** Reads an ecl.toml; `path` names it in faults. Throws a Fault `invalid` for what the peer would not take either. */
export function parseEcl(text: string, path: string): ExecutionControlList {
  const refuse = (why: string): Fault =>
    new Fault("invalid", `Cannot use the execution control list "${path}": ${why}`);
  let document: Readonly<Record<string, unknown>>;
  try {
    document = Bun.TOML.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause));
  }
  const rows = document["execgroup"] ?? [];
  if (!Array.isArray(rows)) throw refuse("execgroup is no list of tables");
  const groups = rows.map((row: Readonly<Record<string, unknown>>): ExecutionGroup => {
    const mode = MODES.find((one) => one === row["mode"]);
    if (mode === undefined) throw refuse(`mode is none of ${MODES.join(", ")}`);
    const keys = row["keyfp"] ?? [];
    if (!Array.isArray(keys) || !keys.every((key) => /^[0-9a-f]{40}$/i.test(String(key)))) {
      throw refuse("keyfp has something that is no fingerprint of 40 hexadecimal digits");
    }
    const directory = String(row["dirpath"] ?? "");
    if (directory !== "" && !/^(\/|(\/[^/]+)+)$/.test(directory)) {
      throw refuse(`dirpath "${directory}" is no clean absolute path`);
    }
    return {
      name: String(row["tagname"] ?? ""),
      mode,
      directory,
      keys: keys.map((key) => String(key).toLowerCase()),
    };
  });
  const directories = groups.map(({ directory }) => directory);
  if (new Set(directories).size < directories.length) {
    throw refuse("a dirpath appears in two groups");
  }
  return {
    isActivated: document["activated"] === true,
    legacy: document["legacyinsecure"] === true,
    groups,
  };
}

/** The group that an image belongs to by its real path; undefined for none. */
export function groupOf(list: ExecutionControlList, path: string): ExecutionGroup | undefined {
  const directory = dirName(path);
  const named = list.groups.find((group) => group.directory === directory);
  return named ?? list.groups.find((group) => group.directory === "");
}

/** Why a group does not admit an image; undefined when it does. */
export function refusalOf(group: ExecutionGroup, survey: Survey): string | undefined {
  const damage = damageOf(survey);
  if (damage !== undefined) return `image signature not valid: integrity: ${damage}`;
  const signers = allSignedBy(survey);
  switch (group.mode) {
    case "whitelist":
      return group.keys.some((key) => signers.has(key)) ? undefined : NOT_SIGNED;
    case "whitestrict":
      return group.keys.every((key) => signers.has(key)) ? undefined : NOT_SIGNED;
    case "blacklist": {
      const any = anySignedBy(survey);
      return group.keys.some((key) => any.has(key))
        ? "image signed by a forbidden entity"
        : undefined;
    }
  }
}

const NOT_SIGNED = "image not signed by required entities";
