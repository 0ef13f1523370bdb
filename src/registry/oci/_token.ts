import { Fault } from "../../base/fault.ts";
import { basicAuthorization, type Credential } from "../credentials/credential.ts";
import { credentialRefusal } from "../credentials/refusal.ts";
import type { HttpClient, HttpRequest } from "../http/client.ts";
import { readErrorBody } from "../http/error-body.ts";
import { HttpFault } from "../http/http-fault.ts";
import { readWhole } from "../http/read-body.ts";
import type { Challenge } from "./_challenge.ts";
import { isPrivateAddress } from "./_local-host.ts";

/** What a token is asked for. */
export interface TokenRequest {
  readonly challenge: Challenge;
  readonly registry: string;
  /** `host[:port]` on the wire. */
  readonly registryHost: string;
  /** The registry itself is talked to in plain http. */
  readonly isPlain: boolean;
  /** `repository:NAME:pull`; absent to ask for a log-in only. */
  readonly scope: string | undefined;
  readonly credential: Credential | undefined;
}

/** A token, and milliseconds since 1970 until which its service says it is good. */
export interface Token {
  readonly text: string;
  readonly untilMs: number;
}

const LIMIT_BYTES = 1 << 20;
/** Where the service does not say (distribution specification, token authentication). */
const USUAL_SECONDS = 60;

/**
 * A token from the service that a registry names (distribution specification, token authentication).
 * Throws a Fault when the service refuses, answers nonsense, or is one that no credentials may go to.
 */
export async function fetchToken(http: HttpClient, request: TokenRequest): Promise<Token> {
  const { challenge, credential, registry, scope } = request;
  const realm = requireRealm(request);
  const service = challenge.parameters["service"];
  const scopes = scope === undefined ? [] : [scope];
  const query = new URL(realm);
  if (service !== undefined) query.searchParams.set("service", service);
  for (const one of scopes) query.searchParams.append("scope", one);
  const plainGet: HttpRequest = { url: query.href };
  let answer: Response;
  if (credential?.kind === "identity-token") {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      service: service ?? "",
      client_id: "skiff",
      scope: scopes.join(" "),
      refresh_token: credential.secret,
    });
    answer = await http.send({
      url: realm.href,
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: form.toString(),
    });
    // Services that know no such form.
    if (answer.status === 404) answer = await http.send(plainGet);
  } else if (credential?.kind === "password") {
    answer = await http.send({ ...plainGet, authorization: basicAuthorization(credential) });
  } else {
    answer = await http.send(plainGet);
  }
  if (answer.status === 401 || answer.status === 403) {
    throw credentialRefusal(registry, credential, await readErrorBody(answer));
  }
  if (!answer.ok) {
    const said = await readErrorBody(answer);
    const hint =
      answer.status === 429 ? "wait some minutes, or log in (registry login)" : undefined;
    throw new HttpFault(
      answer.status,
      `Cannot get a token for ${registry} from ${realm.host}: it answers ${answer.status}${said === "" ? "" : `: ${said}`}`,
      hint === undefined ? {} : { hint },
    );
  }
  const text = new TextDecoder().decode(
    await readWhole(answer, LIMIT_BYTES, `the token from ${realm.host}`),
  );
  const token = readToken(text);
  if (token !== undefined) return token;
  const what = /^\s*</.test(text) ? "an HTML page" : "no token";
  throw new Fault("invalid", `Cannot get a token for ${registry}: ${realm.host} answered ${what}`);
}

function readToken(text: string): Token | undefined {
  try {
    const json = JSON.parse(text) as Record<string, unknown>;
    const token = [json["access_token"], json["token"]].find(
      (one): one is string =>
        // Nothing else may stand in a header.
        typeof one === "string" && /^[A-Za-z0-9._~+/=-]+$/.test(one),
    );
    const said = json["expires_in"];
    const seconds = typeof said === "number" && said > 0 ? said : USUAL_SECONDS;
    return token === undefined ? undefined : { text: token, untilMs: Date.now() + 1000 * seconds };
  } catch {
    return undefined;
  }
}

/** The service's address, unless credentials would be at risk there. */
function requireRealm(request: TokenRequest): URL {
  const { challenge, registry, registryHost, isPlain } = request;
  const text = challenge.parameters["realm"] ?? "";
  const refuse = (why: string): never => {
    throw new Fault(
      "denied",
      `Cannot get a token for ${registry}: its token service "${text}" ${why}`,
    );
  };
  let realm: URL;
  try {
    realm = new URL(text, `${isPlain ? "http" : "https"}://${registryHost}/v2/`);
  } catch {
    return refuse("is no address");
  }
  if (realm.protocol !== "https:" && (realm.protocol !== "http:" || !isPlain)) {
    return refuse("is not reached by https, so credentials cannot go there");
  }
  const isElsewhere = realm.host !== registryHost;
  const name = realm.hostname.replace(/^\[|\]$/g, "");
  const isInside = isPrivateAddress(name) || name === "localhost" || name === "::1";
  const registryName = registryHost.replace(/:[0-9]+$/, "");
  if (isElsewhere && isInside && name !== registryName && !isPrivateAddress(registryName)) {
    return refuse("is an address of a private network, which a registry outside cannot mean");
  }
  // Where machines of a cloud tell their secrets to whoever asks.
  if (/^169\.254\./.test(name) && name !== registryName) {
    return refuse("is an address of the local link");
  }
  realm.username = "";
  realm.password = "";
  return realm;
}
