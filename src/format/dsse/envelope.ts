import { fromBase64, toBase64 } from "../../base/base64.ts";
import { encodeOsText } from "../../base/os-text.ts";

/*
 * A DSSE envelope (sif.md section 9.4): JSON that carries a payload and signatures over
 *
 *   "DSSEv1" SP <bytes of type> SP <type> SP <bytes of payload> SP <payload>
 */

/** Type of the payload in SIF images, in those of every peer. */
export const SIF_METADATA_TYPE: string = "application/vnd.sylabs.sif-metadata+json";

export interface EnvelopeSignature {
  /** Hint at the key: `SHA256:` and base64, or "". */
  readonly keyId: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface Envelope {
  readonly payloadType: string;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly signatures: readonly EnvelopeSignature[];
}

/** The bytes that each signature of an envelope is over. */
export function signedBytes(
  envelope: Pick<Envelope, "payload" | "payloadType">,
): Uint8Array<ArrayBuffer> {
  const { payload, payloadType } = envelope;
  const typeBytes = encodeOsText(payloadType).length;
  const start = encodeOsText(`DSSEv1 ${typeBytes} ${payloadType} ${payload.length} `);
  const out = new Uint8Array(start.length + payload.length);
  out.set(start);
  out.set(payload, start.length);
  return out;
}

export function renderEnvelope(envelope: Envelope): string {
  return JSON.stringify({
    payloadType: envelope.payloadType,
    payload: toBase64(envelope.payload),
    signatures: envelope.signatures.map(({ keyId, bytes }) => ({
      keyid: keyId,
      sig: toBase64(bytes),
    })),
  });
}

/** Reads an envelope; undefined for a text that is none. */
export function parseEnvelope(text: string): Envelope | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // Told to the caller, who then tries another form.
    return undefined;
  }
  return readEnvelope(document);
}

/** The same of JSON that was read already. */
export function readEnvelope(document: unknown): Envelope | undefined {
  const { payload, payloadType, signatures } = tableOf(document);
  const bytes = typeof payload === "string" ? fromEither(payload) : undefined;
  if (bytes === undefined || typeof payloadType !== "string" || !Array.isArray(signatures)) {
    return undefined;
  }
  const found: EnvelopeSignature[] = [];
  for (const one of signatures as unknown[]) {
    const { keyid, sig } = tableOf(one);
    const value = typeof sig === "string" ? fromEither(sig) : undefined;
    if (value === undefined) return undefined;
    found.push({ keyId: typeof keyid === "string" ? keyid : "", bytes: value });
  }
  return { payloadType, payload: bytes, signatures: found };
}

/** Both alphabets of base64, as the specification of DSSE asks of readers. */
function fromEither(text: string): Uint8Array<ArrayBuffer> | undefined {
  return fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
}

function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
