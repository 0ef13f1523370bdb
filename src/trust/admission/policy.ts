import { Fault } from "../../base/fault.ts";
import { allSignedBy, damageOf, type Survey } from "./survey.ts";

/*
 * A trust policy, TOML:
 *
 *   default = "reject"                  # for images that no rule is about; or "accept"
 *   keyring = "/etc/skiff/site-keys"    # PGP keys that count; the system's key ring without it
 *
 *   [[rule]]                            # the first rule about an image decides
 *   name = "site images"
 *   path = "/opt/images/**"             # by where it lies, or
 *   source = "docker://registry.example.org/site/*"   # by the address it was started by
 *   action = "signed"                   # or "accept", "reject"
 *   require = "any"                     # one of the keys, or "all" of them
 *   keys = ["E97BA1D7EC617086CAE6285FBC681CF44FE627AB"]
 *   pem = ["/etc/skiff/site.pub"]       # instead of keys: public keys in PEM
 */
export interface TrustPolicy {
  readonly defaultAction: "accept" | "reject";
  /** "" for the system's. */
  readonly keyring: string;
  readonly rules: readonly PolicyRule[];
}

export interface PolicyRule {
  readonly name: string;
  /** Patterns; "" for any. `*` is anything but a slash, `**` anything, `?` one sign. */
  readonly path: string;
  readonly source: string;
  readonly action: "accept" | "reject" | "signed";
  readonly require: "any" | "all";
  /** Fingerprints in lower case. */
  readonly keys: readonly string[];
  /** Paths of PEM files. */
  readonly pem: readonly string[];
}

/** An image to be judged. */
export interface PolicySubject {
  /** Real path of its file. */
  readonly path: string;
  /** Address that it was named by; "" when by its path. */
  readonly source: string;
}

type Table = Readonly<Record<string, unknown>>;

/** Reads a policy; `path` names it in faults. Throws a Fault `invalid` for unknown words too: a mistyped rule must not be lost. */
export function parsePolicy(text: string, path: string): TrustPolicy {
  const refuse = (why: string): Fault =>
    new Fault("invalid", `Cannot use the trust policy "${path}": ${why}`);
  let document: Table;
  try {
    document = Bun.TOML.parse(text) as Table;
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause));
  }
  const known = (table: Table, names: readonly string[]): void => {
    const strange = Object.keys(table).find((name) => !names.includes(name));
    if (strange !== undefined) throw refuse(`"${strange}" is not known`);
  };
  const word = <T extends string>(table: Table, name: string, words: readonly T[], none: T): T => {
    const value = table[name] ?? none;
    const found = words.find((one) => one === value);
    if (found === undefined) throw refuse(`${name} is none of ${words.join(", ")}`);
    return found;
  };
  const text1 = (table: Table, name: string): string => {
    const value = table[name] ?? "";
    if (typeof value !== "string") throw refuse(`${name} is no text`);
    return value;
  };
  const texts = (table: Table, name: string): readonly string[] => {
    const value = table[name] ?? [];
    if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value;
    throw refuse(`${name} is no list of texts`);
  };
  known(document, ["default", "keyring", "rule"]);
  const rows = document["rule"] ?? [];
  if (!Array.isArray(rows)) throw refuse("rule is no list of tables: write [[rule]]");
  const rules = (rows as readonly Table[]).map((row, at): PolicyRule => {
    known(row, ["name", "path", "source", "action", "require", "keys", "pem"]);
    const rule: PolicyRule = {
      name: text1(row, "name") || `rule ${at + 1}`,
      path: text1(row, "path"),
      source: text1(row, "source"),
      action: word(row, "action", ["accept", "reject", "signed"], "signed"),
      require: word(row, "require", ["any", "all"], "any"),
      keys: texts(row, "keys").map((key) => key.replaceAll(" ", "").toLowerCase()),
      pem: texts(row, "pem"),
    };
    if (!rule.keys.every((key) => /^[0-9a-f]{40}$/.test(key))) {
      throw refuse(`${rule.name}: keys has something that is no fingerprint of 40 digits`);
    }
    if (rule.action === "signed" && rule.keys.length + rule.pem.length === 0) {
      throw refuse(`${rule.name}: it names neither keys nor pem`);
    }
    if (rule.keys.length > 0 && rule.pem.length > 0) {
      throw refuse(`${rule.name}: keys and pem exclude each other`);
    }
    return rule;
  });
  return {
    defaultAction: word(document, "default", ["accept", "reject"], "reject"),
    keyring: text1(document, "keyring"),
    rules,
  };
}

/** The rule that decides about an image; undefined for none. */
export function ruleFor(policy: TrustPolicy, subject: PolicySubject): PolicyRule | undefined {
  return policy.rules.find(
    ({ path, source }) =>
      (path === "" || pattern(path).test(subject.path)) &&
      (source === "" || pattern(source).test(subject.source)),
  );
}

/** Why a rule that asks for signatures does not admit an image; undefined when it does. A survey is of the rule's own keys. */
export function signatureRefusal(rule: PolicyRule, survey: Survey): string | undefined {
  const damage = damageOf(survey);
  if (damage !== undefined) return damage;
  const signers = allSignedBy(survey);
  if (rule.pem.length > 0) return signers.has("") ? undefined : "it is not signed by the given key";
  const missing = rule.keys.filter((key) => !signers.has(key));
  const isEnough =
    rule.require === "all" ? missing.length === 0 : missing.length < rule.keys.length;
  if (isEnough) return undefined;
  const names = missing.map((key) => key.toUpperCase()).join(", ");
  return rule.require === "all"
    ? `it is not signed by ${names}`
    : `it is signed by none of ${names}`;
}

function pattern(text: string): RegExp {
  const source = text.replace(/\*\*|[*?.+^${}()|[\]\\]/g, (sign) => {
    if (sign === "**") return ".*";
    if (sign === "*") return "[^/]*";
    return sign === "?" ? "[^/]" : `\\${sign}`;
  });
  return new RegExp(`^${source}$`, "s");
}
