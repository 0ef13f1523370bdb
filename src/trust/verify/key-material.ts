import type { Envelope } from "../../format/dsse/envelope.ts";
import type { IntegrityKind } from "./integrity-fault.ts";

/** Where a key was found. */
export type KeySource = "global" | "local" | "server";

/** Who made a signature. */
export interface Signer {
  /** User id: `Name (comment) <address>`. */
  readonly name: string;
  /** Of the primary key: 40 hexadecimal digits in lower case. */
  readonly fingerprint: string;
  readonly source: KeySource;
}

/** What a look at one signature gave. `signer` is there when the key is known, be the signature good or not. */
export interface SignatureCheck {
  readonly signer?: Signer;
  /** Absent: the signature is good. */
  readonly failure?: { readonly kind: IntegrityKind; readonly why: string };
}

/** Checks clear-signed texts; gives the signed text too. */
export interface ClearSignVerifier {
  /** Undefined for bytes that are no clear-signed text. */
  verify(bytes: Uint8Array): Promise<(SignatureCheck & { readonly text: string }) | undefined>;
}

/** Checks DSSE envelopes. */
export interface EnvelopeVerifier {
  verify(envelope: Envelope): Promise<SignatureCheck>;
}

/** The keys that an image is verified with; a kind of signature without any is a fault. */
export interface KeyMaterial {
  readonly pgp?: ClearSignVerifier;
  readonly envelope?: EnvelopeVerifier;
}
