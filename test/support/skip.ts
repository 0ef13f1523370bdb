import { test } from "bun:test";

type Body = () => void | Promise<void>;

/**
 * Declares a test that is skipped, with the reason in its name, when there is a reason.
 *
 * @example
 * testUnless(noFuse())("a SIF is mounted without extraction", async () => { … });
 */
export function testUnless(
  reason: string | undefined,
): (name: string, body: Body, timeoutMs?: number) => void {
  return (name, body, timeoutMs) => {
    if (reason === undefined) test(name, body, timeoutMs);
    else test.skip(`${name} [skipped: ${reason}]`, body);
  };
}

/** The first reason that applies, or undefined. */
export function firstReason(...reasons: readonly (string | undefined)[]): string | undefined {
  return reasons.find((reason) => reason !== undefined);
}
