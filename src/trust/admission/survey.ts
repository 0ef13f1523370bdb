import { signatureExtra } from "../../format/sif/extra.ts";
import { findObject } from "../../format/sif/image.ts";
import type { SignedImage } from "../signed-image.ts";
import { IntegrityFault, type IntegrityKind } from "../verify/integrity-fault.ts";
import type { KeyMaterial } from "../verify/key-material.ts";
import type { VerifyChoice } from "../verify/tasks.ts";
import { checkSignatures } from "../verify/verify-image.ts";

/** One signature on a group or object, as rules of admission see it. Plain data: it is kept. */
export interface SurveyedSignature {
  /** What it is on: `object group 1`. */
  readonly on: string;
  /** 40 hexadecimal digits as the signature object names them, lower case; "" for a key that is not PGP. */
  readonly fingerprint: string;
  /** Absent: it is good. */
  readonly failure?: { readonly kind: IntegrityKind; readonly why: string };
}

/** Everything that rules of admission ask of an image. */
export interface Survey {
  readonly signatures: readonly SurveyedSignature[];
  /** Everything that has to be signed. */
  readonly wanted: readonly string[];
  /** Something is not signed, or nothing can be verified. */
  readonly failure?: { readonly kind: IntegrityKind; readonly why: string };
}

/** Looks at all signatures of an image; never throws for what is wrong with them. */
export async function surveyImage(
  image: SignedImage,
  keys: KeyMaterial,
  choice: VerifyChoice = {},
): Promise<Survey> {
  const signatures: SurveyedSignature[] = [];
  const wanted = new Set<string>();
  let failure: Survey["failure"];
  try {
    for await (const { task, result, fault } of checkSignatures(image, keys, choice)) {
      wanted.add(task.what);
      const reason = fault === undefined ? undefined : { kind: fault.kind, why: fault.message };
      if (result === undefined) {
        failure ??= reason;
        continue;
      }
      const object = findObject(image.sif, result.signatureId);
      const hex = object === undefined ? "" : signatureExtra(object).fingerprint.toHex();
      signatures.push({
        on: task.what,
        fingerprint: /^0+$/.test(hex) ? "" : hex,
        ...(reason === undefined ? {} : { failure: reason }),
      });
    }
  } catch (error) {
    if (!(error instanceof IntegrityFault)) throw error;
    failure = { kind: error.kind, why: error.message };
  }
  return { signatures, wanted: [...wanted], ...(failure === undefined ? {} : { failure }) };
}

/** Fingerprints of keys whose good signature is on everything; "" stands for keys that are not PGP. */
export function allSignedBy({ signatures, wanted }: Survey): ReadonlySet<string> {
  const keys = new Set(signatures.map(({ fingerprint }) => fingerprint));
  return new Set(
    [...keys].filter((key) =>
      wanted.every((on) =>
        signatures.some(
          (one) => one.on === on && one.fingerprint === key && one.failure === undefined,
        ),
      ),
    ),
  );
}

/** Fingerprints of keys that signed anything, good or not. */
export function anySignedBy({ signatures }: Survey): ReadonlySet<string> {
  return new Set(signatures.map(({ fingerprint }) => fingerprint));
}

/** What is wrong besides signatures by keys that do not count: something unsigned, or something altered. */
export function damageOf({ signatures, failure }: Survey): string | undefined {
  const altered = signatures.find((one) => one.failure?.kind === "altered");
  return failure?.why ?? altered?.failure?.why;
}
