import { describe, expect, test } from "bun:test";
import { firstReason, testUnless } from "../support/skip.ts";
import { evaluateHere } from "./evaluate-here.ts";
import { noBash, runInBash } from "./run-in-bash.ts";
import { ANSWERED, REFUSED } from "./script-table.ts";

describe("the evaluation of scripts, beside bash", () => {
  testUnless(firstReason(noBash()))("answers the common forms as bash does", () => {
    const expected = runInBash(ANSWERED);
    const wrong: unknown[] = [];
    for (const [position, script] of ANSWERED.entries()) {
      const here = evaluateHere(script);
      const bash = expected[position];
      if (!Bun.deepEquals(here, bash)) wrong.push({ script, here, bash });
    }
    expect(wrong).toEqual([]);
  });

  for (const script of REFUSED) {
    test(`leaves to a shell: ${JSON.stringify(script)}`, () => {
      expect(evaluateHere(script)).toBeString();
    });
  }
});
