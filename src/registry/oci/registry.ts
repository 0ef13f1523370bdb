import { DOCKER_HUB } from "../../format/oci/reference.ts";
import { basicAuthorization, type Credential } from "../credentials/credential.ts";
import type { FindCredential } from "../credentials/find.ts";
import { credentialRefusal } from "../credentials/refusal.ts";
import type { HttpClient, HttpRequest } from "../http/client.ts";
import { ConnectionFault } from "../http/connection-fault.ts";
import { readErrorBody } from "../http/error-body.ts";
import { HttpFault } from "../http/http-fault.ts";
import { type Challenge, parseChallenge } from "./_challenge.ts";
import { isLoopback, mayBePlain } from "./_local-host.ts";
import { fetchToken } from "./_token.ts";

/** How registries are talked to. */
export interface RegistryOptions {
  readonly http: HttpClient;
  /** `--no-https`. */
  readonly noHttps: boolean;
  readonly findCredential: FindCredential;
}

/** What a registry wants to see before it answers. */
interface Authorization {
  readonly header: string;
  /** Milliseconds since 1970 until which it is good, where it was had without credentials. */
  readonly openUntilMs?: number;
}

/** A request as it was answered last. */
export interface OpenRequest {
  readonly url: string;
  /** A token that everybody is given. */
  readonly authorization?: string;
  /** Milliseconds since 1970 until which that is good. */
  readonly untilMs?: number;
}

/** What a token without the right to a repository means; the words that reference tools have for it. */
const DENIED = "requested access to the resource is denied";

/** What a request wants to do with a repository. */
export type Access = "pull" | "push,pull" | "delete" | "catalog";

/**
 * One registry. Requests go without credentials first; what the registry then asks for is found out,
 * sent, and kept for the following requests:
 *
 *   request ─► 401 + WWW-Authenticate ─► Basic:  name and password
 *                                     └► Bearer: token from the realm ─► request again, once
 */
export class Registry {
  /** As in references: `docker.io`, `host:port`. */
  readonly name: string;
  readonly #options: RegistryOptions;
  readonly #host: string;
  #scheme: "http" | "https" | undefined;
  /** Authorization headers by what they are good for. */
  readonly #authorizations: Map<string, Promise<Authorization>> = new Map();

  constructor(name: string, options: RegistryOptions) {
    this.name = name;
    this.#options = options;
    this.#host = name === DOCKER_HUB ? "registry-1.docker.io" : name;
    if (options.noHttps) this.#scheme = "http";
    else if (!mayBePlain(this.#host)) this.#scheme = "https";
  }

  /**
   * Sends a request to `path` below `/v2/` (or to an absolute URL of this registry) and gives the
   * answer, whatever its status but 401. Throws a Fault when the registry cannot be reached or
   * refuses the credentials.
   */
  async send(
    path: string,
    repository: string,
    access: Access,
    request: Omit<HttpRequest, "url" | "authorization"> = {},
  ): Promise<Response> {
    const key = `${repository}:${access}`;
    const known = await this.#authorizations.get(key);
    const answer = await this.#sendTo(path, { ...request, authorization: known?.header });
    if (answer.status !== 401) return answer;
    await answer.body?.cancel();
    const challenge = parseChallenge(answer.headers.get("www-authenticate"));
    if (challenge === undefined) throw this.#refusal(undefined, "it does not say what it wants");
    // Many layers may find at once that a token is missing or too old: one of them gets the next.
    let next = this.#authorizations.get(key);
    if (next === undefined || (await next) === known) {
      next = this.#authorize(challenge, repository, access, known !== undefined);
      this.#authorizations.set(key, next);
      // A failure must not be remembered as an answer.
      next.catch(() => this.#authorizations.delete(key));
    }
    const repeated = await this.#sendTo(path, { ...request, authorization: (await next).header });
    if (repeated.status !== 401) return repeated;
    const said = await readErrorBody(repeated);
    const wanted = parseChallenge(repeated.headers.get("www-authenticate"));
    const isDenied = wanted?.parameters["error"] === "insufficient_scope" && !said.includes(DENIED);
    const whole = [isDenied ? DENIED : "", said].filter((part) => part !== "").join("; ");
    throw this.#refusal(await this.#credential(repository), whole);
  }

  /**
   * The request to `path` that was answered, for one who asks again without any credentials; undefined
   * when it needed some.
   */
  async openRequest(
    path: string,
    repository: string,
    access: Access,
  ): Promise<OpenRequest | undefined> {
    const url = `${this.#scheme ?? "https"}://${this.#host}/v2/${path}`;
    const known = await this.#authorizations.get(`${repository}:${access}`);
    if (known === undefined) return { url };
    const { header, openUntilMs } = known;
    if (openUntilMs === undefined) return undefined;
    return { url, authorization: header, untilMs: openUntilMs };
  }

  /** The URL of a Location header: absolute, or relative to the registry. */
  locate(location: string): string {
    return new URL(location, `${this.#scheme ?? "https"}://${this.#host}/v2/`).href;
  }

  /** A Fault for an answer that is no success; `otherwise` says why for one without a body. */
  async faultOf(answer: Response, attempt: string, otherwise: string = ""): Promise<HttpFault> {
    const said = (await readErrorBody(answer)) || otherwise;
    const detail = said === "" ? "" : `: ${said}`;
    const { status } = answer;
    if (status === 429) {
      return new HttpFault(
        status,
        `${attempt}: ${this.name} limits how often it may be asked (429)${detail}`,
        { hint: "wait some minutes, or log in: accounts have higher limits (registry login)" },
      );
    }
    if (status === 407) {
      return new HttpFault(status, `${attempt}: the proxy asks for credentials (407)${detail}`, {
        hint: "put them into HTTPS_PROXY or HTTP_PROXY: http://NAME:PASSWORD@HOST:PORT",
      });
    }
    if (status === 403) {
      return new HttpFault(status, `${attempt}: ${this.name} does not allow it (403)${detail}`, {
        hint: "log in with an account that may (registry login)",
      });
    }
    if (status === 404) {
      return new HttpFault(status, `${attempt}: ${this.name} has no such thing (404)${detail}`, {
        hint: "see to the spelling of name and tag; private images look the same without a log-in",
      });
    }
    // What servers of TLS say to a plain request.
    const mayWantTls = status === 400 && this.#scheme === "http";
    return new HttpFault(status, `${attempt}: ${this.name} answers ${status}${detail}`, {
      ...(mayWantTls ? { hint: "it may want TLS: try without --no-https" } : {}),
    });
  }

  async #sendTo(path: string, request: Omit<HttpRequest, "url">): Promise<Response> {
    const { http } = this.#options;
    const to = (scheme: string, more: Pick<HttpRequest, "isProbe"> = {}): Promise<Response> =>
      http.send({
        ...request,
        ...more,
        url: /^https?:\/\//.test(path) ? path : `${scheme}://${this.#host}/v2/${path}`,
      });
    if (this.#scheme !== undefined) return await to(this.#scheme);
    // On this machine nobody listens in, and plain http is the rule.
    const order = isLoopback(this.#host)
      ? (["http", "https"] as const)
      : (["https", "http"] as const);
    const [first, second] = order;
    try {
      const answer = await to(first, { isProbe: true });
      // As those of TLS do.
      if (first === "https" || answer.status !== 400) {
        this.#scheme = first;
        return answer;
      }
      await answer.body?.cancel();
    } catch (error) {
      const isOther =
        error instanceof ConnectionFault &&
        !(error.isProxied && error.errno === "ECONNREFUSED") &&
        /^E(PROTO|CONNREFUSED|CONNRESET)$/.test(error.errno);
      if (!isOther || (first === "http" && error.errno === "ECONNREFUSED")) throw error;
    }
    const answer = await to(second);
    this.#scheme = second;
    return answer;
  }

  async #authorize(
    challenge: Challenge,
    repository: string,
    access: Access,
    isRefresh: boolean,
  ): Promise<Authorization> {
    const credential = await this.#credential(repository);
    if (credential?.kind === "registry-token" && !isRefresh) {
      return { header: `Bearer ${credential.secret}` };
    }
    if (challenge.scheme === "basic") {
      if (credential?.kind !== "password") throw this.#refusal(undefined, "");
      return { header: basicAuthorization(credential) };
    }
    const token = await fetchToken(this.#options.http, {
      challenge,
      registry: this.name,
      registryHost: this.#host,
      isPlain: this.#scheme === "http",
      scope: scopeOf(repository, access),
      credential,
    });
    return {
      header: `Bearer ${token.text}`,
      ...(credential === undefined ? { openUntilMs: token.untilMs } : {}),
    };
  }

  #credential(repository: string): Promise<Credential | undefined> {
    return this.#options.findCredential(this.name, repository);
  }

  #refusal(credential: Credential | undefined, said: string): HttpFault {
    return credentialRefusal(this.name, credential, said);
  }
}

/** What a token is to be good for; undefined for a log-in only. */
function scopeOf(repository: string, access: Access): string | undefined {
  if (access === "catalog") return "registry:catalog:*";
  return repository === "" ? undefined : `repository:${repository}:${access}`;
}
