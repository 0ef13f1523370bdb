import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ociArguments, recogniseOciRunscript } from "./oci-arguments.ts";
import { writeOciRunscript } from "./oci-scripts.ts";

function run(
  entrypoint: readonly string[],
  cmd: readonly string[],
  args: readonly string[],
  options: { noEval?: boolean; variables?: Readonly<Record<string, string>> | undefined } = {},
): unknown {
  const runscript = recogniseOciRunscript(writeOciRunscript(entrypoint, cmd));
  if (runscript === undefined) throw new Error("not recognised");
  const made = ociArguments({
    runscript,
    arguments: args,
    noEval: options.noEval ?? false,
    variables: "variables" in options ? options.variables : { HOME: "/home/u" },
  });
  return made.kind === "argv" ? made.argv : made.kind;
}

describe("recogniseOciRunscript()", () => {
  test("knows only runscripts with the line and the two lists", () => {
    expect(recogniseOciRunscript("#!/bin/sh\nexec true\n")).toBeUndefined();
    expect(recogniseOciRunscript('echo; eval "set ${SINGULARITY_OCI_RUN}"\n')).toBeUndefined();
    expect(recogniseOciRunscript('eval "set ${SINGULARITY_OCI_RUN}"\n')).toBeUndefined();
    expect(
      recogniseOciRunscript(
        "OCI_ENTRYPOINT=$(x)\nOCI_CMD=''\neval \"set ${SINGULARITY_OCI_RUN}\"\n",
      ),
    ).toBeUndefined();
    expect(
      recogniseOciRunscript(
        '#!/bin/sh\nOCI_ENTRYPOINT=\'"/bin/a" "it\'"\'"\'s"\'\nOCI_CMD=\'\'\n# x\neval "set ${SINGULARITY_OCI_RUN}"\nexec "$@"\n',
      ),
    ).toEqual({ entrypoint: '"/bin/a" "it\'s"', cmd: "" });
  });
});

describe("ociArguments()", () => {
  const cases: [string[], string[], string[], unknown][] = [
    [["/e"], [], [], ["/e"]],
    [["/e"], [], ["a", "b c"], ["/e", "a", "b c"]],
    [[], ["/c", "x"], [], ["/c", "x"]],
    [[], ["/c", "x"], ["a"], ["a"]],
    [["/e"], ["c"], [], ["/e", "c"]],
    [["/e"], ["c"], ["a"], ["/e", "a"]],
    [[], [], ["a", "b"], ["a", "b"]],
    [[], [], [], "nothing"],
    [
      ["/e", "it's", 'q"q', "$HOME", "`x`", "a\\b", "a\nb", ""],
      [],
      [],
      ["/e", "it's", 'q"q', "$HOME", "`x`", "a\\b", "a\nb", ""],
    ],
  ];
  for (const [entrypoint, cmd, args, expected] of cases) {
    test(`gives ${JSON.stringify(expected)} for ${JSON.stringify([entrypoint, cmd, args])}`, () => {
      expect(run(entrypoint, cmd, args)).toEqual(expected);
      expect(run(entrypoint, cmd, args, { noEval: true })).toEqual(expected);
    });
  }

  for (const word of ['grep "(a|b)" f', 'echo "a', "$(x", 'a "&& b']) {
    test(`takes arguments as they are that no shell reads: ${word}`, () => {
      expect(run([], ["/c"], ["sh", "-c", word])).toEqual(["sh", "-c", word]);
      expect(run(["/e"], ["/c"], ["$HOME", word])).toEqual(["/e", "$HOME", word]);
    });
  }

  test("evaluates the user's arguments once more, unless told not to", () => {
    const args = ["$HOME", "$(echo x)", 'a"b"c', "\\$x", "*"];
    expect(run(["/e"], [], args)).toEqual(["/e", "/home/u", "x", "abc", "$x", "*"]);
    expect(run(["/e"], [], args, { noEval: true })).toEqual(["/e", ...args]);
  });

  test("leaves to a shell what only a shell answers", () => {
    expect(run(["/e"], [], ["$(date)"])).toBe("shell");
    expect(run(["/e"], [], ["$HOME"], { variables: undefined })).toBe("shell");
    expect(run(["/e"], [], ["plain"], { variables: undefined })).toEqual(["/e", "plain"]);
  });

  test("gives back any words that a runscript was written with", () => {
    const words = fc.array(
      fc.string({ unit: "binary" }).map((text) => text.replaceAll("\0", "")),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(words, words, (entrypoint, cmd) => {
        // A carriage return before a newline is taken for a line end.
        fc.pre(![...entrypoint, ...cmd].some((word) => word.includes("\r\n")));
        expect(run(entrypoint, cmd, [])).toEqual([...entrypoint, ...cmd]);
        expect(run(entrypoint, cmd, [], { noEval: true })).toEqual([...entrypoint, ...cmd]);
      }),
    );
  });
});
