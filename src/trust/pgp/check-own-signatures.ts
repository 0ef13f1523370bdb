import type { Key, SignaturePacket } from "openpgp";
import { Fault } from "../../base/fault.ts";
import { loadOpenPgp } from "./library.ts";

/** What the library says of a signature that is not by the key over these bytes; other reasons, such as its end, are for whoever uses the key. */
const NOT_ITS_OWN = /Signed digest did not match|Signature verification failed/;

/**
 * Throws a Fault, whose message is the reason, for a key that does not itself say what it says: whose signatures on
 * its names or subkeys were damaged or are another's.
 */
export async function checkOwnSignatures(key: Key): Promise<void> {
  const { enums } = await loadOpenPgp();
  const { keyPacket } = key;
  const check = async (
    what: string,
    signature: SignaturePacket,
    kind: (typeof enums.signature)[keyof typeof enums.signature],
    data: object,
  ): Promise<void> => {
    try {
      await signature.verify(keyPacket, kind, data);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (!NOT_ITS_OWN.test(why)) return;
      throw new Fault("invalid", `openpgp: invalid data: ${what}signature invalid: ${why}`);
    }
  };
  for (const { selfCertifications, userAttribute, userID } of key.users) {
    const data = { key: keyPacket, userID, userAttribute };
    for (const one of selfCertifications) {
      await check("user ID self-", one, enums.signature.certGeneric, data);
    }
  }
  for (const { bindingSignatures, keyPacket: bind } of key.subkeys) {
    const data = { key: keyPacket, bind };
    for (const one of bindingSignatures) {
      await check("subkey ", one, enums.signature.subkeyBinding, data);
    }
  }
}
