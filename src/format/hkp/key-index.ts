import { Fault } from "../../base/fault.ts";

/*
 * The machine-readable index of a key server (key-api.md section 3), a record a line, fields between
 * colons:
 *
 *   info:1:<number of keys>
 *   pub:<fingerprint or id>:<algorithm>:<bits>:<created>:<expires>:<flags>
 *   uid:<percent-encoded user id>:<created>:<expires>:<flags>
 */

/** A key that a server knows. */
export interface ListedKey {
  /** Fingerprint or key id in upper case. */
  readonly id: string;
  /** OpenPGP number of the algorithm; 0 when the server does not tell. */
  readonly algorithm: number;
  /** 0 when the server does not tell. */
  readonly bits: number;
  /** Seconds since 1970; undefined when the server does not tell. */
  readonly createdAt: number | undefined;
  readonly expiresAt: number | undefined;
  /** Any of `r` revoked, `d` disabled, `e` expired. */
  readonly flags: string;
  readonly userIds: readonly string[];
}

const ALGORITHMS: Readonly<Record<number, string>> = {
  1: "RSA",
  2: "RSA (encrypt only)",
  3: "RSA (sign only)",
  16: "Elgamal",
  17: "DSA",
  18: "ECDH",
  19: "ECDSA",
  22: "EdDSA",
};

/** Reads an index. Throws a Fault `invalid` for a count that is none or that the keys do not meet. */
export function parseKeyIndex(text: string): readonly ListedKey[] {
  const keys: (Omit<ListedKey, "userIds"> & { readonly userIds: string[] })[] = [];
  let announced = 0;
  for (const line of text.split(/\r?\n/)) {
    const [kind, ...fields] = line.split(":");
    const [first = "", second = "", third = "", fourth = "", fifth = "", sixth = ""] = fields;
    if (kind === "info") {
      if (!/^\d+$/.test(second)) throw new Fault("invalid", "the key server's list has no count");
      announced = Number(second);
    } else if (kind === "pub") {
      keys.push({
        id: first.toUpperCase(),
        algorithm: Number(second) || 0,
        bits: Number(third) || 0,
        createdAt: fourth === "" ? undefined : Number(fourth),
        expiresAt: fifth === "" ? undefined : Number(fifth),
        flags: sixth,
        userIds: [],
      });
    } else if (kind === "uid") keys.at(-1)?.userIds.push(decodePercent(first));
  }
  if (announced > 0 && announced !== keys.length) {
    throw new Fault(
      "invalid",
      `the key server announces ${announced} keys and lists ${keys.length}`,
    );
  }
  return keys;
}

/** Name of a public key algorithm by its OpenPGP number. */
export function algorithmName(number: number): string {
  return ALGORITHMS[number] ?? "unknown";
}

/** What the flags of a key say: `[revoked]` and the like. */
export function statusText(flags: string): string {
  if (flags.includes("r")) return "[revoked]";
  if (flags.includes("d")) return "[disabled]";
  return flags.includes("e") ? "[expired]" : "[enabled]";
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    // Not an encoding of UTF-8: shown as it came.
    return text;
  }
}
