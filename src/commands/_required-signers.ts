import { Fault } from "../base/fault.ts";
import type { Invocation } from "../cli/invocation.ts";
import { readSif } from "../format/sif/image.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { Context } from "../terminal/context.ts";
import { allSignedBy, surveyImage } from "../trust/admission/survey.ts";
import { localSignedImage } from "../trust/signed-image.ts";
import { openForReading } from "./_change-sif.ts";
import { pgpMaterial } from "./_pgp-material.ts";

const WHILE = "while checking fingerprint: ";

/**
 * Checks that everything in an image is signed by each of these keys, and that no signature is bad or
 * by a key that nobody knows. Throws a Fault otherwise, and for what is no SIF.
 */
export async function requireSignedBy(
  path: string,
  fingerprints: readonly string[],
  inv: Invocation,
  ctx: Context,
  host: HostFacts,
): Promise<void> {
  const file = openForReading(path);
  try {
    const image = localSignedImage(readSif(file.source), file.source, file.fd);
    const survey = await surveyImage(image, await pgpMaterial(inv, ctx, host));
    const bad = survey.failure ?? survey.signatures.find(({ failure }) => failure)?.failure;
    if (bad !== undefined) throw new Fault("denied", bad.why);
    const signers = allSignedBy(survey);
    const missing = fingerprints.filter((one) => !signers.has(one.toLowerCase()));
    if (missing.length > 0) {
      throw new Fault("denied", "image not signed by required entities", {
        hint: `it lacks a signature by ${missing.join(", ")}`,
      });
    }
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    throw new Fault(cause.code, `${WHILE}${cause.message}`, {
      cause,
      ...(cause.hint === undefined ? {} : { hint: cause.hint }),
    });
  } finally {
    file.close();
  }
}
