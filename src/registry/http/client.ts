import { Fault } from "../../base/fault.ts";
import { forgetBunsProxies, proxyFor } from "./_proxy.ts";
import { failureCode, isPassingFailure, isPassingStatus, TRIES, waitBefore } from "./_retry.ts";
import { type TlsOptions, trustFor } from "./_trust.ts";
import { connectionFault } from "./connection-fault.ts";
import { show, withoutSecrets } from "./error-body.ts";
import { OWN_HEADERS } from "./own-headers.ts";

/** What a client knows about its surroundings. */
export interface HttpOptions {
  /** The caller's environment: proxies and certificates. */
  readonly env: Readonly<Record<string, string>>;
  /** skiff's own configuration directory: `certs.d` in it. */
  readonly configDir: string;
  /** Told when a request has to wait: `registry.example.org answers 503: trying again in 3 s`. */
  readonly note?: (text: string) => void;
  /** Ends everything under way. */
  readonly signal?: AbortSignal;
  /** Waits; tests count instead. */
  readonly sleep?: (ms: number) => Promise<void>;
}

export interface HttpRequest {
  readonly method?: "GET" | "HEAD" | "PUT" | "POST" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Value of the Authorization header: sent to this URL's origin only, never to where it redirects. */
  readonly authorization?: string | undefined;
  readonly body?: string | Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array>;
  /** How often it is tried in all; default 4. */
  readonly tries?: number;
  /** A connection that fails is told at once: the caller has another way to try. */
  readonly isProbe?: boolean;
  /** Milliseconds until the answer must begin; default 60000, none for uploads. */
  readonly timeoutMs?: number;
}

const REDIRECTS = [301, 302, 303, 307, 308];
const MOST_REDIRECTS = 10;
const ANSWER_TIMEOUT_MS = 60_000;
const LONG_BYTES = 1 << 20;

/**
 * HTTP for everything that fetches or sends images:
 *
 *   send ─► try ─► hop ─► fetch            a hop is one request
 *            │      └─ 3xx: next hop, without credentials when the origin changes
 *            └─ connection lost, 408, 429, 5xx: wait, try again
 *
 * Bodies come as they lie there: nothing is decompressed, as digests are over the stored bytes.
 */
export class HttpClient {
  readonly #options: HttpOptions;
  readonly #trust: Map<string, TlsOptions> = new Map();

  constructor(options: HttpOptions) {
    this.#options = options;
    forgetBunsProxies();
  }

  /**
   * The answer, whatever its status, once redirects are followed and passing failures have been
   * tried again. Throws a Fault when there is no answer at all.
   */
  async send(request: HttpRequest): Promise<Response> {
    if (parseUrl(request.url) === undefined) {
      const said = withoutSecrets(request.url).slice(0, 200);
      throw new Fault("usage", `Cannot reach "${said}": it is no valid address`, { exitCode: 255 });
    }
    const tries = request.tries ?? TRIES;
    for (let attempt = 1; ; attempt += 1) {
      let response: Response | undefined;
      let failure: unknown;
      try {
        response = await this.#follow(request);
        if (!isPassingStatus(response.status)) return response;
      } catch (error) {
        if (error instanceof Fault) throw error;
        failure = error;
      }
      const canRepeat =
        response !== undefined || (request.isProbe !== true && isPassingFailure(failure));
      const retryAfter = response?.headers.get("retry-after") ?? null;
      const wait =
        attempt < tries && canRepeat
          ? waitBefore(attempt + 1, retryAfter, Date.now(), Math.random())
          : undefined;
      if (wait === undefined) {
        if (response !== undefined) return response;
        throw connectionFault(new URL(request.url), failure, this.#options.env);
      }
      await response?.body?.cancel();
      const host = new URL(request.url).host;
      const what =
        response?.status === 429
          ? "limits how often it may be asked (429)"
          : response === undefined
            ? `does not answer (${failureCode(failure) || "connection lost"})`
            : `answers ${response.status}`;
      this.#options.note?.(`${host} ${what}: trying again in ${(wait / 1000).toFixed(1)} s`);
      await this.sleep(wait);
    }
  }

  async sleep(ms: number): Promise<void> {
    await (this.#options.sleep ?? Bun.sleep)(ms);
    this.throwIfStopped();
  }

  /** Throws the reason when everything is to end. */
  throwIfStopped(): void {
    this.#options.signal?.throwIfAborted();
  }

  async #follow(request: HttpRequest): Promise<Response> {
    const method = request.method ?? "GET";
    const origin = new URL(request.url).origin;
    let url = new URL(request.url);
    for (let hop = 0; hop <= MOST_REDIRECTS; hop += 1) {
      // An origin left is left for good: a redirect back could carry chosen parameters.
      const isOwn = hop === 0 || url.origin === origin;
      const response = await this.#hop(request, method, url, isOwn);
      const location = response.headers.get("location");
      if (!REDIRECTS.includes(response.status) || location === null) return response;
      if (method !== "GET" && method !== "HEAD") return response;
      await response.body?.cancel();
      const next = parseUrl(location, url);
      if (next === undefined || !/^https?:$/.test(next.protocol)) {
        const said = withoutSecrets(location).slice(0, 200);
        throw new Fault("failed", `Cannot fetch ${show(url)}: it redirects to "${said}"`);
      }
      url = next;
    }
    throw new Fault(
      "failed",
      `Cannot fetch ${show(new URL(request.url))}: more than ${MOST_REDIRECTS} redirects`,
    );
  }

  async #hop(request: HttpRequest, method: string, url: URL, isOwn: boolean): Promise<Response> {
    const proxy = proxyFor(url, this.#options.env);
    const headers: Record<string, string> = {
      ...OWN_HEADERS,
      ...request.headers,
      ...(isOwn && request.authorization !== undefined
        ? { authorization: request.authorization }
        : {}),
    };
    const waiting = new AbortController();
    const limit = request.timeoutMs ?? (isLong(request.body) ? undefined : ANSWER_TIMEOUT_MS);
    const timer =
      limit === undefined
        ? undefined
        : setTimeout(() => waiting.abort(new Error("no answer in time")), limit);
    const signals = [waiting.signal, this.#options.signal].filter((one) => one !== undefined);
    try {
      return await fetch(url, {
        method,
        headers,
        redirect: "manual",
        decompress: false,
        signal: AbortSignal.any(signals),
        ...(request.body === undefined ? {} : { body: request.body }),
        ...(proxy === undefined ? {} : { proxy }),
        ...(url.protocol === "https:" ? { tls: this.#trustOf(url.host) } : {}),
        // Bun's own limit counts an upload's time too.
        timeout: false,
      } as BunFetchRequestInit);
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #trustOf(host: string): TlsOptions {
    const known = this.#trust.get(host);
    if (known !== undefined) return known;
    const found = trustFor(host, this.#options.env, this.#options.configDir);
    this.#trust.set(host, found);
    return found;
  }
}

/** What may take any time to send. */
function isLong(body: HttpRequest["body"]): boolean {
  if (body instanceof Uint8Array) return body.length > LONG_BYTES;
  return body instanceof Blob || body instanceof ReadableStream;
}

function parseUrl(text: string, base?: URL): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}
