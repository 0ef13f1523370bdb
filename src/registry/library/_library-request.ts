import { Fault } from "../../base/fault.ts";
import type { HttpClient } from "../http/client.ts";
import { readErrorBody } from "../http/error-body.ts";
import { HttpFault } from "../http/http-fault.ts";
import { readWhole } from "../http/read-body.ts";
import type { LibraryPlace } from "./pull.ts";

const LIMIT_BYTES = 4 << 20;

/** The `data` member of answers. */
export type LibraryData = Readonly<Record<string, unknown>>;

/**
 * One call of a library: gives the `data` of its answer (empty when there is none), or undefined for
 * 404, which always means "there is no such thing". Throws a Fault for other refusals.
 */
export async function askLibrary(
  http: HttpClient,
  place: LibraryPlace,
  method: "GET" | "POST" | "PUT",
  path: string,
  body?: unknown,
): Promise<LibraryData | undefined> {
  const attempt = `Cannot ask ${place.base} for ${path.replace(/\?.*$/s, "")}`;
  const answer = await http.send({
    method,
    url: `${place.base}/${path}`,
    authorization: place.token === "" ? undefined : `Bearer ${place.token}`,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  if (answer.status === 404) {
    await answer.body?.cancel();
    return undefined;
  }
  if (!answer.ok) {
    const said = await readErrorBody(answer);
    const isRefused = answer.status === 401 || answer.status === 403;
    throw new HttpFault(
      answer.status,
      `${attempt}: it answers ${answer.status}${said === "" ? "" : `: ${said}`}`,
      isRefused ? { hint: "log in with: remote login" } : {},
    );
  }
  const text = new TextDecoder().decode(await readWhole(answer, LIMIT_BYTES, path));
  if (text.trim() === "") return {};
  try {
    const { data } = JSON.parse(text) as { readonly data?: LibraryData };
    return data ?? {};
  } catch (cause) {
    throw new Fault("invalid", `${attempt}: it answers no JSON`, { cause });
  }
}

/** A text member of an answer. Throws a Fault when it is missing. */
export function requireText(data: LibraryData | undefined, name: string, what: string): string {
  const value = data?.[name];
  if (typeof value === "string" && value !== "") return value;
  throw new Fault("invalid", `The library does not tell the ${name} of ${what}`);
}
