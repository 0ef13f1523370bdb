/** A question for a registry; `registry/http/question.ts` has the words of one that Bun asks. */
export interface AskedQuestion {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly digest: string;
}

/** The first byte: who asks. */
const BUN = "\u0001";
const PLAINLY = 2;
const AF_INET = 2;
const ADDRESS_BYTES = 16;

/**
 * A question as a record holds it:
 *
 *   1, JSON that begins with the URL, NUL                   asked by Bun (src/main.ts)
 *   2, struct sockaddr_in, request, NUL, digest, NUL        asked by the launcher (launcher/http.c)
 *
 * @param isDirect no proxy is on the way.
 */
export function encodeQuestion(question: AskedQuestion, isDirect: boolean): Uint8Array {
  const url = new URL(question.url);
  const address = url.protocol === "http:" && isDirect ? addressOf(url) : undefined;
  const encoder = new TextEncoder();
  if (address === undefined) {
    const { url: first, ...rest } = question;
    return encoder.encode(`${BUN}${JSON.stringify({ url: first, ...rest })}\0`);
  }
  const lines = [
    `HEAD ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    ...Object.entries(question.headers).map(([name, value]) => `${name}: ${value}`),
    "Connection: close",
  ];
  const text = encoder.encode(
    `${lines.map((line) => `${line}\r\n`).join("")}\r\n\0${question.digest}\0`,
  );
  const bytes = new Uint8Array(1 + ADDRESS_BYTES + text.length);
  bytes[0] = PLAINLY;
  bytes.set(address, 1);
  bytes.set(text, 1 + ADDRESS_BYTES);
  return bytes;
}

/** A host that needs no name service, as struct sockaddr_in; undefined for any other. */
function addressOf(url: URL): Uint8Array | undefined {
  const host = url.hostname === "localhost" ? "127.0.0.1" : url.hostname;
  const parts = host.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part))) return undefined;
  const bytes = new Uint8Array(ADDRESS_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, url.port === "" ? 80 : Number(url.port));
  bytes.set(parts, 4);
  return bytes;
}
