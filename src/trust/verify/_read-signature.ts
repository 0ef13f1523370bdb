import { type Envelope, parseEnvelope, SIF_METADATA_TYPE } from "../../format/dsse/envelope.ts";
import type { SifDescriptor } from "../../format/sif/descriptor.ts";
import { signatureExtra } from "../../format/sif/extra.ts";
import { isLegacyText } from "../../format/sif/signed-metadata.ts";
import { readObject, type SignedImage } from "../signed-image.ts";
import { LEGACY_HASHES } from "./_match-signed.ts";
import { badSignature } from "./integrity-fault.ts";

/** A signature is a few kilobytes; each entry of its text has 190 bytes. */
const MOST_SIGNATURE_BYTES = 4 * 1024 * 1024;

/** A signature object as it was read: its form is known, nothing of it is trusted. */
export interface ReadSignature {
  readonly object: SifDescriptor;
  readonly envelope: Envelope | undefined;
  readonly bytes: Uint8Array;
  /** What it claims to sign. */
  readonly claimed: string;
}

/** Reads a signature object, as its form has it; throws an IntegrityFault for one that is too long. */
export async function readSignature(
  image: SignedImage,
  object: SifDescriptor,
): Promise<ReadSignature> {
  if (object.sizeBytes > MOST_SIGNATURE_BYTES) {
    throw badSignature(object.id, "altered", `it has ${object.sizeBytes} bytes`);
  }
  const bytes = await readObject(image, object);
  const text = new TextDecoder().decode(bytes);
  const envelope = parseEnvelope(text);
  if (envelope !== undefined && envelope.payloadType === SIF_METADATA_TYPE) {
    return { object, envelope, bytes, claimed: new TextDecoder().decode(envelope.payload) };
  }
  // Header lines end at the first empty line (RFC 9580 section 7).
  const [, claimed = ""] =
    /^-----BEGIN PGP SIGNED MESSAGE-----\r?\n(?:.+\r?\n)*[ \t]*\r?\n([\s\S]*?)-----BEGIN PGP SIGNATURE-----/.exec(
      text,
    ) ?? [];
  return { object, envelope: undefined, bytes, claimed };
}

/** Hashes that current signatures name: what they claim costs nothing but work, and is checked later. */
export function claimedHashes(signatures: readonly ReadSignature[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { claimed, object } of signatures) {
    const legacy = LEGACY_HASHES[signatureExtra(object).hashType] ?? "";
    if (isLegacyText(claimed)) names.add(legacy);
    else
      for (const [, name = ""] of claimed.matchAll(/"objectDigest"\s*:\s*"(\w+):/g))
        names.add(name);
  }
  return names;
}
