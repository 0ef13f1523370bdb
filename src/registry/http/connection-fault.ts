import { Fault } from "../../base/fault.ts";
import { proxyFor } from "./_proxy.ts";
import { failureCode, tunnelRefusal } from "./_retry.ts";
import { holdsCertificates } from "./_trust.ts";
import { show, withoutSecrets } from "./error-body.ts";

/** The Fault for a request to which no answer came, in words that say what to do. */
export function connectionFault(
  url: URL,
  error: unknown,
  env: Readonly<Record<string, string>>,
): ConnectionFault {
  const proxy = proxyFor(url, env);
  // Its address may hold a password.
  const way = proxy === undefined ? "" : ` by way of the proxy ${withoutSecrets(proxy)}`;
  const code = failureCode(error);
  const text = error instanceof Error ? error.message.replace(/^[A-Z]+: /, "") : String(error);
  const [why, hint] =
    explainProxy(error, code) ??
    (isDistrust(code) ? explainDistrust(code, url, env) : explain(code, withoutSecrets(text), url));
  const message = `Cannot reach ${show(url)}${way}: ${why}`;
  return new ConnectionFault(code, message, hint, error, proxy !== undefined);
}

/** No answer came; `errno` is the code of the connection's failure, "" if it has none. */
export class ConnectionFault extends Fault {
  readonly errno: string;
  /** The request went to a proxy: who failed may be that. */
  readonly isProxied: boolean;

  constructor(
    errno: string,
    message: string,
    hint: string | undefined,
    cause: unknown,
    isProxied: boolean,
  ) {
    super("io", message, { cause, ...(hint === undefined ? {} : { hint }) });
    this.name = "ConnectionFault";
    this.errno = errno;
    this.isProxied = isProxied;
  }
}

type Explanation = readonly [why: string, hint: string | undefined];

function explainProxy(error: unknown, code: string): Explanation | undefined {
  if (code === "UnsupportedProxyProtocol") {
    return ["it is of another kind than http", "name an http:// or https:// proxy"];
  }
  const status = tunnelRefusal(error);
  if (status === undefined) return undefined;
  return status === 407
    ? ["it asks for credentials (407)", "put them into HTTPS_PROXY: http://NAME:PASSWORD@HOST:PORT"]
    : [`it refuses the connection (${status})`, "NO_PROXY names hosts to be reached without it"];
}

const CLOCK = "is the clock of this machine right?";

function isDistrust(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_|TLS|SSL/.test(code);
}

function explainDistrust(
  code: string,
  url: URL,
  env: Readonly<Record<string, string>>,
): Explanation {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return [`its certificate is for another name than ${url.hostname}`, undefined];
  }
  if (code === "CERT_HAS_EXPIRED") return ["its certificate has expired", CLOCK];
  if (code === "CERT_NOT_YET_VALID") return ["its certificate is not valid yet", CLOCK];
  const given = env["SSL_CERT_FILE"]?.trim();
  const why = `its certificate is not trusted (${code})`;
  return given && !holdsCertificates(given)
    ? [why, `SSL_CERT_FILE names "${given}", where no certificates can be read`]
    : [
        why,
        `put its CA certificate into /etc/docker/certs.d/${url.host}/ca.crt, or name it in SSL_CERT_FILE`,
      ];
}

function explain(code: string, text: string, url: URL): Explanation {
  if (code === "ECONNREFUSED") return ["nobody listens there (connection refused)", undefined];
  if (code === "ECONNRESET") {
    const hint = url.protocol === "http:" ? "it may want TLS: try without --no-https" : undefined;
    return ["the connection was closed", hint];
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    // These words are what callers of the reference tools look for, to go on with another registry.
    return [
      `dial tcp: lookup ${url.hostname}: no such host`,
      "behind a proxy, set HTTPS_PROXY and HTTP_PROXY",
    ];
  }
  if (code === "EPROTO") {
    return [
      "it does not speak TLS on this port, or wants a certificate to be shown",
      `for plain http use --no-https, or http:// where the address is of the web; a certificate goes into /etc/docker/certs.d/${url.host}`,
    ];
  }
  if (/^(ENETUNREACH|EHOSTUNREACH|EINVAL|FailedToOpenSocket)$/.test(code)) {
    return [`there is no way to this host (${code})`, undefined];
  }
  return [text === "" ? code : text, undefined];
}
