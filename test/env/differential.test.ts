import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { testUnless } from "../support/skip.ts";
import { script } from "./arbitrary-script.ts";
import { type Effect, evaluateHere, sameEffect } from "./evaluate-here.ts";
import { noBash, runInBash } from "./run-in-bash.ts";
import { ANSWERED, REFUSED } from "./script-table.ts";

describe("the evaluation of scripts, beside bash", () => {
  testUnless(noBash())("answers the common forms as bash does", () => {
    const expected = runInBash(ANSWERED);
    const wrong: unknown[] = [];
    for (const [position, script] of ANSWERED.entries()) {
      const here = evaluateHere(script);
      const bash = expected[position];
      if (typeof here === "string" || !sameEffect(here, bash)) wrong.push({ script, here, bash });
    }
    expect(wrong).toEqual([]);
  });

  testUnless(noBash())(
    "never gives another answer than bash for generated scripts",
    () => {
      const answers = new Map<string, Effect>();
      for (const text of fc.sample(script, { seed: 20_240_501, numRuns: 600 })) {
        const here = evaluateHere(text);
        if (typeof here !== "string") answers.set(text, here);
      }
      // Only these are run: among the others are some that never end.
      const scripts = [...answers.keys()];
      const bash = runInBash(scripts);
      let answered = 0;
      const wrong: unknown[] = [];
      for (const [position, text] of scripts.entries()) {
        const [here, there] = [answers.get(text), bash[position]];
        if (here === undefined || there === undefined) continue;
        answered++;
        if (!sameEffect(here, there)) wrong.push({ text, here, there });
      }
      expect(wrong).toEqual([]);
      expect(answered).toBeGreaterThan(200);
    },
    60_000,
  );

  test("gives for plain lines what the parser gives", () => {
    const piece = fc.constantFrom(
      ..."ab=:/-_.,#;~*\"'\\$`{}()[] \t\n!&|<>%@".split(""),
      ...[
        "$A",
        "${B}",
        "${A:-x}",
        '\\"',
        "\\$",
        "\\\\",
        "export ",
        "A=",
        'B="',
        "${A:+$A:}",
        "${A:+:$B}",
        "C='",
        " # c\n",
        "\n\n",
      ],
      ...[
        'if [ -z "${A:-}" ]; then\n',
        'if test -n "$B"; then\n',
        "else\n",
        "fi\n",
        '  for N in x "$A"; do\n',
        "  done\n",
        '  A="x"\n',
        "  nosuch\n",
        'export C="${C:-"d\\"e"}"\n',
        "export A B\n",
      ],
    );
    let same = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (parts) => {
        const text = `export A=1 B="b b"\n${parts.join("")}`;
        // A known alias turns the short way off.
        const slow = evaluateHere(`alias never=used; ${text}`);
        const quick = evaluateHere(text);
        if (typeof slow === "string" || typeof quick === "string") return;
        same++;
        expect(quick).toEqual(slow);
      }),
      { numRuns: 20_000, seed: 11 },
    );
    expect(same).toBeGreaterThan(2000);
  });

  test("ends on any input, with an answer, a refusal or a syntax error", () => {
    const fragment = fc.constantFrom(
      ..."$`\"'(){}[]<>|&;!#~*?=+-/:@%^, \n\t\\".split(""),
      ...[
        "a",
        "x=",
        "${",
        "$((",
        "$(",
        "[[ ",
        " ]]",
        "if ",
        "then ",
        "fi\n",
        '  for N in x "$A"; do\n',
        "  done\n",
        "case ",
        " in ",
        "esac",
        ";;",
        "<<E\n",
        "for i in ",
        "do ",
        "done",
        "f() {",
        "eval ",
        "$'",
        "=~ ",
        "((",
        "))",
        "é",
        "\0",
      ],
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 40 }), (parts) => {
        evaluateHere(parts.join(""));
      }),
      { numRuns: 3000, seed: 7 },
    );
  });

  const hostile: Readonly<Record<string, string>> = {
    "deep parentheses": "(".repeat(100_000),
    "deep substitutions": "$(".repeat(50_000),
    "deep defaults": `echo ${"${a:-".repeat(50_000)}`,
    "deep quotes": `echo ${'"$('.repeat(50_000)}`,
    "deep conditions": `[[ ${"! ".repeat(50_000)} x ]]`,
    "deep arithmetic": `echo $((${"(".repeat(50_000)}1`,
    "deep blocks": "if true; then\n".repeat(50_000),
    "an endless loop": "while true; do x=$x; done",
    "endless recursion": "f() { f; }; f",
    "endless evals": 'x=\'eval "$x"\'; eval "$x"',
    "growing text": "x=aaaa; while true; do x=$x$x; done",
    "a slow pattern": `x=${"a".repeat(5000)}; case $x in ${"*a".repeat(60)}*b) ;; esac`,
    "slow replacement": `x=${"a".repeat(20_000)}; y=\${x//*b/z}`,
    "a long line": `export A=${"x".repeat(300_000)}`,
    "endless output": "while true; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
    "a slow expression": `x=${"a".repeat(4000)}; [[ $x =~ a*a*a*b ]]`,
    "long references that are not closed": `A="${`$${"A".repeat(20)}`.repeat(2000)}`,
    "blanks that lead nowhere": `A=1${"\t ".repeat(300_000)}x`,
    "words of an export that lead nowhere": `export ${"A ".repeat(200_000)}(`,
    "self-referring arithmetic": "a=b b=a; echo $((a))",
  };
  for (const [what, text] of Object.entries(hostile)) {
    test(`ends on ${what}`, () => {
      const found = evaluateHere(text);
      expect(
        typeof found === "string" || found.status !== 0 || what === "a slow pattern",
      ).toBeTrue();
    });
  }

  for (const text of REFUSED) {
    test(`leaves to a shell: ${JSON.stringify(text)}`, () => {
      expect(evaluateHere(text)).toBeString();
    });
  }
});
