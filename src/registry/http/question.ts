import { forgetBunsProxies, proxyFor } from "./_proxy.ts";
import type { TlsOptions } from "./_trust.ts";

/** A request whose answer tells whether a name still stands for a digest. */
export interface Question {
  /** Asked for by HEAD. */
  readonly url: string;
  /** All of them; never a secret of the user's. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the header Docker-Content-Digest of the answer must say. */
  readonly digest: string;
  /** skiff's own configuration directory: `certs.d` in it. */
  readonly configDir: string;
}

/** Whether a proxy is asked for that URL. */
export function goesByProxy(url: string, env: Readonly<Record<string, string>>): boolean {
  return proxyFor(new URL(url), env) !== undefined;
}

/** Slower servers are asked by a client that says what it waits for. */
const LONGEST_MS = 10_000;

/**
 * Asks once, with as little as a request needs: this stands between a known launch and its program
 * (HttpClient takes 2 ms more). Whether the answer is yes; anything else is to be found out, and told, by
 * HttpClient.
 *
 * @param env the caller's: proxies and certificates.
 */
export async function confirms(
  { url: text, headers, digest, configDir }: Question,
  env: Readonly<Record<string, string>>,
): Promise<boolean> {
  const url = new URL(text);
  const proxy = proxyFor(url, env);
  const tls = url.protocol === "https:" ? await trustOf(url.host, env, configDir) : undefined;
  forgetBunsProxies();
  const asked = fetch(url, {
    method: "HEAD",
    redirect: "manual",
    headers,
    ...(proxy === undefined ? {} : { proxy }),
    ...(tls === undefined ? {} : { tls }),
  } as BunFetchRequestInit);
  const answer = await Promise.race([asked, Bun.sleep(LONGEST_MS)]).catch(() => undefined);
  return answer?.status === 200 && answer.headers.get("docker-content-digest") === digest;
}

/** Certificates are read by code that plain http needs none of. */
async function trustOf(
  host: string,
  env: Readonly<Record<string, string>>,
  configDir: string,
): Promise<TlsOptions> {
  const { trustFor } = await import("./_trust.ts");
  return trustFor(host, env, configDir);
}
