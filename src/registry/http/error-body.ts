const LIMIT_BYTES = 4096;
const SHOWN = 300;

/**
 * What a server said with an error, in one line of at most 300 characters: the messages of an OCI or
 * library error document, the title of an HTML page, else the text. "" when it said nothing.
 */
export async function readErrorBody(response: Response): Promise<string> {
  const text = await readStart(response);
  const said = fromJson(text) ?? fromHtml(text) ?? text;
  return oneLine(withoutSecrets(said));
}

/** The first part of a body as text; the rest is not read. */
async function readStart(response: Response): Promise<string> {
  if (response.body === null) return "";
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const piece of response.body) {
      pieces.push(piece);
      size += piece.length;
      if (size >= LIMIT_BYTES) break;
    }
  } catch {
    // The status has been seen already; a body cut short only tells less.
  }
  return new TextDecoder().decode(Buffer.concat(pieces).subarray(0, LIMIT_BYTES));
}

function fromJson(text: string): string | undefined {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== "object" || json === null) return undefined;
    const { errors, error, message, details } = json as Record<string, unknown>;
    const list: readonly unknown[] = Array.isArray(errors) ? errors : [error ?? json];
    const said = list.map((one) => {
      if (typeof one === "string") return one;
      if (typeof one !== "object" || one === null) return "";
      const entry = one as Record<string, unknown>;
      const words = [entry["code"], entry["message"]].filter((w) => typeof w === "string" && w);
      return words.join(": ").toLowerCase() === words.join(": ")
        ? words.join(": ")
        : `${words[1] ?? words[0] ?? ""}${words.length > 1 ? ` (${String(words[0])})` : ""}`;
    });
    const joined = said.filter((part) => part !== "").join("; ");
    if (joined !== "") return joined;
    return [message, details].find((part) => typeof part === "string") as string | undefined;
  } catch {
    return undefined;
  }
}

function fromHtml(text: string): string | undefined {
  if (!/^\s*<(!doctype|html|\?xml|head|body)/i.test(text)) return undefined;
  const title = /<title[^>]*>([^<]*)</i.exec(text)?.[1]?.trim();
  return title ? `an HTML page "${title}"` : "an HTML page";
}

/** Takes out what may open doors: values after the usual words, and signed parts of URLs. */
export function withoutSecrets(text: string): string {
  return text
    .replace(/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, "$1 ***")
    .replace(
      /("?\b(?:[a-z_-]*token|password|secret|[a-z_-]*signature|authorization|credential)"?\s*[=:]\s*"?)[^\s"&,}]+/gi,
      "$1***",
    )
    .replace(/(\w+:\/\/)[^/\s@]+:[^/\s@]+@/g, "$1***@");
}

function oneLine(text: string): string {
  // Control characters of a server have no business at the user's terminal.
  const line = text.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
}

/** A URL without its query and credentials, which may be secret. */
export function show(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}
