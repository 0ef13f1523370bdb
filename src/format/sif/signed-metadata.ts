import { Fault } from "../../base/fault.ts";

/*
 * The text that a signature is over (sif.md section 9.1), compact JSON with the keys in this order:
 *
 *   {"version":1,"header":{"digest":"sha256:<hex>"},
 *    "objects":[{"relativeId":0,"descriptorDigest":"sha256:<hex>","objectDigest":"sha256:<hex>"}, …]}
 *
 * The form before it (section 9.5) is "SIFHASH:", a newline, and the hexadecimal digest of data alone.
 */

/** A digest with the name of its hash: `sha256` and hexadecimal digits in lower case. */
export interface NamedDigest {
  readonly algorithm: string;
  readonly hex: string;
}

/** What a signature says about one object. */
export interface SignedObject {
  /** The object's id less the smallest id of its group. */
  readonly relativeId: number;
  readonly descriptor: NamedDigest;
  readonly data: NamedDigest;
}

/** What a signature says about an image. */
export interface SignedMetadata {
  readonly header: NamedDigest;
  readonly objects: readonly SignedObject[];
}

const LEGACY_START = "SIFHASH:\n";
/** Hexadecimal digits by name, as the peers' digests are spelled. */
const LENGTHS: Readonly<Record<string, number>> = {
  sha224: 56,
  sha256: 64,
  sha384: 96,
  sha512: 128,
  sha512_224: 56,
  sha512_256: 64,
};

/** The text to be signed, without a newline at its end. */
export function renderMetadata(metadata: SignedMetadata): string {
  return JSON.stringify({
    version: 1,
    header: { digest: nameOf(metadata.header) },
    objects: metadata.objects.map(({ relativeId, descriptor, data }) => ({
      relativeId,
      descriptorDigest: nameOf(descriptor),
      objectDigest: nameOf(data),
    })),
  });
}

/** Reads a signed text. Throws a Fault `invalid` for anything that is no metadata of version 1. */
export function parseMetadata(text: string): SignedMetadata {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new Fault("invalid", "the signed text is no JSON", { cause });
  }
  const { version, header, objects } = tableOf(document);
  if (version !== 1) throw new Fault("invalid", "the signed text is not of version 1");
  if (!Array.isArray(objects)) throw new Fault("invalid", "the signed text lists no objects");
  return {
    header: digestOf(tableOf(header)["digest"]),
    objects: objects.map((one: unknown) => {
      const { relativeId, descriptorDigest, objectDigest } = tableOf(one);
      const isId = Number.isInteger(relativeId) && Number(relativeId) >= 0;
      if (!isId || Number(relativeId) > 0xffffffff) {
        throw new Fault("invalid", "the signed text has an object without a relative id");
      }
      return {
        relativeId: Number(relativeId),
        descriptor: digestOf(descriptorDigest),
        data: digestOf(objectDigest),
      };
    }),
  };
}

/** Whether a signed text is of the form before metadata: a digest of data and nothing else. */
export function isLegacyText(text: string): boolean {
  return text.startsWith(LEGACY_START);
}

/** The digest in a text of that form, in hexadecimal; undefined when it holds none. */
export function parseLegacyText(text: string): string | undefined {
  const hex = text.slice(LEGACY_START.length).trim().toLowerCase();
  return isLegacyText(text) && /^([0-9a-f]{2})+$/.test(hex) ? hex : undefined;
}

function nameOf(digest: NamedDigest): string {
  return `${digest.algorithm}:${digest.hex}`;
}

function digestOf(value: unknown): NamedDigest {
  const text = typeof value === "string" ? value : "";
  const cut = text.indexOf(":");
  const [algorithm, hex] = [text.slice(0, cut), text.slice(cut + 1).toLowerCase()];
  if (cut > 0 && LENGTHS[algorithm] === hex.length && /^[0-9a-f]+$/.test(hex)) {
    return { algorithm, hex };
  }
  throw new Fault(
    "invalid",
    `the signed text has a digest of an unknown form, "${text.slice(0, 80)}"`,
  );
}

function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) {
    throw new Fault("invalid", "the signed text lacks a member");
  }
  return value as Readonly<Record<string, unknown>>;
}
