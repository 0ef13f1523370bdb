import { DATA_SIGNATURE, HASH_SHA256 } from "../../format/sif/codes.ts";
import { GROUP_MASK } from "../../format/sif/descriptor.ts";
import type { NewObject } from "../../format/sif/edit.ts";
import { encodeSignatureExtra } from "../../format/sif/extra.ts";

/** Makes signatures with one key. */
export interface ImageSigner {
  /** Of the primary PGP key, 20 bytes; zeros for other keys. */
  readonly fingerprint: Uint8Array;
  /** The content of the signature object for a text. */
  sign(text: string): Promise<Uint8Array>;
}

/** The object that holds a signature on a group (sif.md section 9.2). */
export function signatureObject(signer: ImageSigner, group: number, sizeBytes: number): NewObject {
  return {
    dataType: DATA_SIGNATURE,
    group: 0,
    link: GROUP_MASK + group,
    extra: encodeSignatureExtra({ hashType: HASH_SHA256, fingerprint: signer.fingerprint }),
    sizeBytes,
    alignment: 0,
  };
}
