import type { Fault } from "../../base/fault.ts";
import { IntegrityFault, type IntegrityKind } from "../../trust/verify/integrity-fault.ts";
import type { SignatureResult } from "../../trust/verify/verify-image.ts";

/** How `skiff verify` ends, in one word and one number. */
export interface Verdict {
  readonly word: string;
  readonly status: number;
  /** The rest of the line: who signed, or what is wrong. */
  readonly detail: string;
}

const VERDICTS: Readonly<Record<IntegrityKind, readonly [word: string, status: number]>> = {
  unsigned: ["unsigned", 3],
  "unknown-key": ["unknown key", 4],
  revoked: ["revoked key", 5],
  expired: ["expired key", 5],
  altered: ["altered", 6],
  untrusted: ["untrusted key", 7],
  unusable: ["not verified", 255],
};

/** The verdict on an image whose signatures are all good. */
export function trusted(results: readonly SignatureResult[]): Verdict {
  const signers = new Map<string, string>();
  for (const { signer } of results) {
    if (signer !== undefined) {
      signers.set(signer.fingerprint, `${signer.name} (${signer.fingerprint.toUpperCase()})`);
    }
  }
  const who = signers.size === 0 ? "the given key" : [...signers.values()].join(", ");
  return { word: "trusted", status: 0, detail: `signed by ${who}` };
}

/** The verdict that a failure means. */
export function verdictOf(error: Fault): Verdict {
  if (!(error instanceof IntegrityFault)) {
    return { word: "not verified", status: 255, detail: error.message };
  }
  const [word, status] = VERDICTS[error.kind];
  return { word, status, detail: error.message };
}
