type Environment = Readonly<Record<string, string>>;

const PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/**
 * The proxy for a URL by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY (lower case first), or
 * undefined to connect directly. As in the peer, this machine itself is never asked for by proxy.
 */
export function proxyFor(url: URL, env: Environment): string | undefined {
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  if (host === "localhost" || host === "::1" || /^127\./.test(host)) return undefined;
  const scheme = url.protocol === "https:" ? "https" : "http";
  const value = lookUp(env, `${scheme}_proxy`) ?? lookUp(env, "all_proxy");
  if (value === undefined) return undefined;
  const port = url.port === "" ? (PORTS[url.protocol] ?? "") : url.port;
  if (isExempt(host, port, lookUp(env, "no_proxy") ?? "")) return undefined;
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
}

/** Bun would choose a proxy by its own rules; every request is given the one of these instead. */
export function forgetBunsProxies(): void {
  for (const name of ["http_proxy", "https_proxy", "all_proxy", "no_proxy"]) {
    delete process.env[name];
    delete process.env[name.toUpperCase()];
  }
}

function lookUp(env: Environment, name: string): string | undefined {
  return env[name]?.trim() || env[name.toUpperCase()]?.trim() || undefined;
}

function isExempt(host: string, port: string, list: string): boolean {
  for (const raw of list.split(/[\s,]+/)) {
    const [, name = "", onlyPort] = /^(.*?)(?::([0-9]+))?$/.exec(raw.toLowerCase()) ?? [];
    if (raw === "" || (onlyPort !== undefined && onlyPort !== port)) continue;
    if (raw === "*" || name === host || isInNetwork(host, name)) return true;
    // "example.org" and ".example.org" both cover the hosts below; the first also itself.
    const suffix = name.startsWith("*.") ? name.slice(1) : name.startsWith(".") ? name : `.${name}`;
    if (name !== "" && host.endsWith(suffix)) return true;
  }
  return false;
}

/** Whether an IPv4 address lies in a network such as `10.0.0.0/8`. */
function isInNetwork(host: string, network: string): boolean {
  const [base = "", bits] = network.split("/");
  const address = readIpv4(host);
  const start = readIpv4(base);
  if (bits === undefined || address === undefined || start === undefined) return false;
  const size = 2 ** (32 - Number(bits));
  return Math.floor(address / size) === Math.floor(start / size);
}

function readIpv4(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((p) => /^[0-9]{1,3}$/.test(p) && Number(p) < 256)) {
    return undefined;
  }
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}
