import { expect, test } from "bun:test";
import { isPassingFailure, isPassingStatus, readRetryAfter, waitBefore } from "./_retry.ts";

const NOW = Date.parse("2026-01-02T03:04:05Z");

test.each([
  [null, undefined],
  ["7", 7000],
  [" 0 ", 0],
  ["Fri, 02 Jan 2026 03:04:35 GMT", 30_000],
  ["Fri, 02 Jan 2026 03:04:00 GMT", 0],
  ["soon", undefined],
])("readRetryAfter(%j) is %p", (value, ms) => {
  expect(readRetryAfter(value, NOW)).toBe(ms as never);
});

test("waitBefore() triples, spreads, follows Retry-After, and gives up on long waits", () => {
  expect([2, 3, 4].map((next) => waitBefore(next, null, NOW, 0.5))).toEqual([1000, 3000, 9000]);
  expect(waitBefore(2, null, NOW, 0)).not.toBe(waitBefore(2, null, NOW, 1));
  expect(waitBefore(4, "2", NOW, 0)).toBe(2000);
  expect(waitBefore(2, "3600", NOW, 0)).toBeUndefined();
});

test("only what passes is tried again", () => {
  const failure = (code: string) => Object.assign(new Error("x"), { code });
  expect([429, 500, 503, 522, 408].every(isPassingStatus)).toBe(true);
  expect([200, 206, 400, 401, 403, 404, 416].some(isPassingStatus)).toBe(false);
  expect(isPassingFailure(failure("ECONNRESET"))).toBe(true);
  expect(isPassingFailure(new Error("socket closed"))).toBe(true);
  expect(isPassingFailure(failure("ECONNREFUSED"))).toBe(false);
  expect(isPassingFailure(failure("UNABLE_TO_VERIFY_LEAF_SIGNATURE"))).toBe(false);
  expect(isPassingFailure(failure("UnsupportedProxyProtocol"))).toBe(false);
  const refused = (status: string) =>
    Object.assign(new Error(`Proxy refused to open a tunnel: ${status}`), {
      code: "ERR_PROXY_TUNNEL",
    });
  expect(isPassingFailure(refused("407 Proxy Authentication Required"))).toBe(false);
  expect(isPassingFailure(refused("403 Access violation"))).toBe(false);
  expect(isPassingFailure(refused("503 Service Unavailable"))).toBe(true);
});
