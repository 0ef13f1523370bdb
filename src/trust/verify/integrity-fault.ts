import { Fault } from "../../base/fault.ts";

/**
 * What is wrong with the signatures of an image.
 *
 * - `unsigned`     no signature on what was to be verified
 * - `unknown-key`  a signature by a key that is not at hand
 * - `revoked`      by a key that its owner has revoked
 * - `expired`      by a key, or a signature, whose time is over
 * - `altered`      something is not what was signed, or the signature itself is damaged
 * - `untrusted`    the key may not sign, or a certificate is not accepted
 * - `unusable`     the request does not fit the image: no such object, no key of the needed kind
 */
export type IntegrityKind =
  | "unsigned"
  | "unknown-key"
  | "revoked"
  | "expired"
  | "altered"
  | "untrusted"
  | "unusable";

/** An image does not verify. The message is the peer's, without its prefix. */
export class IntegrityFault extends Fault {
  readonly kind: IntegrityKind;
  /** What the peer says before the message: nothing where it looks for the object to verify itself. */
  readonly prefix: string;

  constructor(kind: IntegrityKind, message: string, prefix = "integrity: ") {
    super(kind === "unusable" ? "not-found" : "denied", message);
    this.name = "IntegrityFault";
    this.kind = kind;
    this.prefix = prefix;
  }
}

/** The fault of signature object `id`. */
export function badSignature(id: number, kind: IntegrityKind, why: string): IntegrityFault {
  return new IntegrityFault(kind, `signature object ${id} not valid: ${why}`);
}
