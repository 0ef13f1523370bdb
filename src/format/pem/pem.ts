import { fromBase64, toBase64 } from "../../base/base64.ts";

/** One block of a PEM text (RFC 7468). */
export interface PemBlock {
  /** Between the dashes: `RSA PUBLIC KEY`, `CERTIFICATE`. */
  readonly label: string;
  /** Whether lines such as `DEK-Info:` precede the data: the key is encrypted in the old way. */
  readonly hasHeaders: boolean;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n([\s\S]*?)-----END \1-----/g;

/** All blocks of a text, in order; what is no block, or broken inside, is left out. */
export function parsePem(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  for (const [, label = "", body = ""] of text.matchAll(BLOCK)) {
    const data = body.replace(/^(?:[!-9;-~]+:.*\r?\n(?:[ \t].*\r?\n)*)+/, "");
    const bytes = fromBase64(data);
    if (bytes !== undefined) blocks.push({ label, hasHeaders: data !== body, bytes });
  }
  return blocks;
}

/** A block as text, 64 characters a line, with a newline at its end. */
export function renderPem(label: string, bytes: Uint8Array): string {
  const lines = toBase64(bytes).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
