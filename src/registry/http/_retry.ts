/** Statuses that pass: the same request may succeed a moment later (reference: oci.md section 2). */
const PASSING = [408, 429, 499, 500, 502, 503, 504, 522];
/** Failures of a connection that no second try mends: nobody listens, no such name, no trust, no such proxy. */
const LASTING =
  /^(ECONNREFUSED|UnsupportedProxyProtocol|ENOTFOUND|EPROTO|ERR_INVALID_|ERR_TLS_|ERR_SSL_|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|UNKNOWN_CERTIFICATE)/;

/** How often a request is made in all. */
export const TRIES = 4;
const FIRST_WAIT_MS = 1000;
/** A server may ask for longer waits; then the user is told instead. */
const LONGEST_WAIT_MS = 60_000;

export function isPassingStatus(status: number): boolean {
  return PASSING.includes(status);
}

/** The code of a failed `fetch`: `ECONNRESET`, `ENOTFOUND`, a name of OpenSSL; "" when it has none. */
export function failureCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

export function isPassingFailure(error: unknown): boolean {
  const refusal = tunnelRefusal(error);
  if (refusal !== undefined) return isPassingStatus(refusal);
  return !LASTING.test(failureCode(error));
}

/** The status with which a proxy refused to pass a connection of TLS on; undefined for any other failure. */
export function tunnelRefusal(error: unknown): number | undefined {
  if (failureCode(error) !== "ERR_PROXY_TUNNEL") return undefined;
  const [, status] = /\b([45][0-9]{2})\b/.exec((error as Error).message) ?? [];
  return status === undefined ? undefined : Number(status);
}

/**
 * Milliseconds to wait before try number `next` (2 is the first repetition), or undefined when the
 * server asks for more than is sensible. `random` is between 0 and 1: many processes that were
 * refused at once must not come back at once.
 */
export function waitBefore(
  next: number,
  retryAfter: string | null,
  nowMs: number,
  random: number,
): number | undefined {
  const own = FIRST_WAIT_MS * 3 ** (next - 2) * (0.75 + random / 2);
  const asked = readRetryAfter(retryAfter, nowMs);
  if (asked === undefined) return own;
  if (asked > LONGEST_WAIT_MS) return undefined;
  return Math.max(asked, FIRST_WAIT_MS / 10) + random * 250;
}

/** Milliseconds that a Retry-After header asks for: seconds or a date. Undefined when it says nothing. */
export function readRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  if (/^\s*[0-9]{1,9}\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
