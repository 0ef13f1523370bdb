import { Fault } from "../../base/fault.ts";
import type { HttpClient } from "../http/client.ts";
import { readErrorBody } from "../http/error-body.ts";
import { HttpFault } from "../http/http-fault.ts";
import { readWhole } from "../http/read-body.ts";
import type { Remote } from "./remotes.ts";

/** Addresses of the parts of a service by name: `library`, `keyserver`, `builder`, `token`, `consent`. */
export type ServiceParts = ReadonlyMap<string, string>;

const LIMIT_BYTES = 1 << 20;

/** Address of a service, without a slash at the end. */
export function remoteUrl(remote: Pick<Remote, "uri" | "isInsecure">): string {
  const place = remote.uri.replace(/^[a-z]+:/i, "").replace(/^\/+|\/+$/g, "");
  return `${remote.isInsecure ? "http" : "https"}://${place}`;
}

/** Asks a service for the addresses of its parts (reference: library-api.md section 9). `tries`: default 4. */
export async function discoverService(
  http: HttpClient,
  base: string,
  tries?: number,
): Promise<ServiceParts> {
  const url = `${base}/assets/config/config.prod.json`;
  const attempt = `Cannot ask ${base} for its services`;
  const answer = await http.send({
    url,
    timeoutMs: 10_000,
    ...(tries === undefined ? {} : { tries }),
  });
  if (!answer.ok) {
    const said = await readErrorBody(answer);
    throw new HttpFault(
      answer.status,
      `${attempt}: it answers ${answer.status}${said === "" ? "" : `: ${said}`}`,
    );
  }
  const text = new TextDecoder().decode(
    await readWhole(answer, LIMIT_BYTES, `the list of ${base}`),
  );
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    const what = /^\s*</.test(text) ? "an HTML page" : "no JSON";
    throw new Fault("invalid", `${attempt}: it answers ${what}`);
  }
  const parts = new Map<string, string>();
  for (const [key, value] of Object.entries(document ?? {})) {
    const uri = (value as Readonly<Record<string, unknown>> | null)?.["uri"];
    if (typeof uri !== "string" || !key.endsWith("API")) continue;
    const name = key.slice(0, -3);
    parts.set(name === "keystore" ? "keyserver" : name, uri.replace(/\/+$/, ""));
  }
  return parts;
}

/** Whether a service takes a token. Throws a Fault with what it says otherwise. */
export async function checkToken(
  http: HttpClient,
  parts: ServiceParts,
  token: string,
): Promise<void> {
  const service = parts.get("token");
  if (service === undefined) throw new Fault("unsupported", "The service knows no tokens");
  if (!/^[A-Za-z0-9._~+/=-]+$/.test(token)) throw new Fault("invalid", "This is no token");
  const answer = await http.send({
    url: `${service}/v1/token-status`,
    authorization: `Bearer ${token}`,
  });
  await answer.body?.cancel();
  if (answer.status === 200) return;
  const why =
    { 404: "Invalid Credentials", 500: "Internal Server Error" }[answer.status] ?? "Unknown";
  throw new HttpFault(
    answer.status,
    `while verifying token: error response from server: ${why} (${answer.status})`,
  );
}

/** Who a token belongs to. */
export interface ServiceUser {
  readonly name: string;
  readonly mail: string;
  /** Password for the service's own registry; "" when it tells none. */
  readonly registryPassword: string;
}

/** Asks a library who a token belongs to; undefined when it does not say. */
export async function askUser(
  http: HttpClient,
  library: string,
  token: string,
): Promise<ServiceUser | undefined> {
  const answer = await http.send({
    url: `${library}/v1/rbac/users/current`,
    authorization: `Bearer ${token}`,
  });
  const text = new TextDecoder().decode(await readWhole(answer, LIMIT_BYTES, "the user"));
  if (!answer.ok) return undefined;
  try {
    const { username, email, oidc_user_meta } = JSON.parse(text) as Table;
    const { secret } = (oidc_user_meta ?? {}) as Table;
    return { name: plain(username), mail: plain(email), registryPassword: plain(secret) };
  } catch {
    return undefined;
  }
}

type Table = Readonly<Record<string, unknown>>;

/** What a server says has no business to steer the terminal. */
function plain(value: unknown): string {
  return typeof value === "string" ? value.replace(/[\u0000-\u001f\u007f-\u009f]/g, " ") : "";
}

/** The version that a part of a service tells; undefined when it does not answer properly. */
export async function askVersion(http: HttpClient, uri: string): Promise<string | undefined> {
  try {
    const answer = await http.send({ url: `${uri}/version`, tries: 1, timeoutMs: 10_000 });
    if (!answer.ok) return undefined;
    const { data } = JSON.parse(
      new TextDecoder().decode(await readWhole(answer, LIMIT_BYTES, "version")),
    ) as { readonly data?: { readonly version?: unknown } };
    return typeof data?.version === "string" ? data.version : undefined;
  } catch {
    return undefined;
  }
}
