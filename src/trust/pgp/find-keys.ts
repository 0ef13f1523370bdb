import type { Key } from "openpgp";
import type { KeySource } from "../verify/key-material.ts";

/** A key and where it was found. */
export interface FoundKey {
  readonly key: Key;
  readonly source: KeySource;
}

/** Looks up public keys by the id of a primary key or subkey: 16 hexadecimal digits in lower case. */
export type FindKeys = (keyId: string) => Promise<readonly FoundKey[]>;

/** Looks in one list after another and stops at the first that has the key; the lists are read when it comes to them. */
export function findInOrder(
  places: readonly {
    readonly source: KeySource;
    readonly keys: (keyId: string) => Promise<readonly Key[]>;
  }[],
): FindKeys {
  return async (keyId) => {
    for (const { source, keys } of places) {
      const found = (await keys(keyId)).filter((key) => hasKey(key, keyId));
      if (found.length > 0) return found.map((key) => ({ key, source }));
    }
    return [];
  };
}

/** Whether a key or one of its subkeys has that id. */
export function hasKey(key: Key, keyId: string): boolean {
  return key.getKeyIDs().some((id) => id.toHex() === keyId);
}
