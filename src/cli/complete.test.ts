import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { loadAllCommands } from "./command-index.ts";
import { completeWord } from "./complete.ts";

const commands = await loadAllCommands();

function complete(before: string, current: string): { words: readonly string[]; paths: string } {
  const words = before === "" ? [] : before.split(" ");
  const { candidates, paths } = completeWord(commands, words, current);
  return { words: candidates.map((candidate) => candidate.word), paths };
}

describe("completeWord()", () => {
  test.each([
    ["", "ex", ["exec", "explain", "export"]],
    ["", "--qu", ["--quiet"]],
    ["-q --silent", "sh", ["shell"]],
    ["-c my.conf", "sh", ["shell"]],
    ["--config=my.conf", "sh", ["shell"]],
    [
      "key",
      "",
      [
        "newpair",
        "list",
        "search",
        "pull",
        "push",
        "import",
        "export",
        "remove",
        "generate-cosign-key-pair",
      ],
    ],
    ["remote -c f", "sta", ["status"]],
    ["exec", "--writ", ["--writable", "--writable-tmpfs"]],
    ["exec", "--pw", []],
    ["exec --no-mount", "ho", ["home", "hostfs"]],
    ["exec --no-mount", "proc,ho", ["proc,home", "proc,hostfs"]],
    ["exec", "--no-mount=proc,s", ["--no-mount=proc,sys"]],
    ["exec", "--contain=f", ["--contain=false"]],
    ["help", "sif", ["sif"]],
    ["help sif", "h", ["header"]],
    ["explain", "sh", ["shell"]],
    ["explain exec", "--js", ["--json"]],
    ["sif add x.sif", "--part", ["--partarch", "--partfs", "--parttype"]],
    ["completion", "z", ["zsh"]],
  ])("after %j completes %j to %j", (before, current, words) => {
    expect([...complete(before, current).words].sort()).toEqual([...words].sort());
  });

  test.each([
    ["exec", "", "file"],
    ["exec -e", "im", "file"],
    ["exec --bind", "/t", "file"],
    ["exec -eB", "/t", "file"],
    ["exec -B/x", "im", "file"],
    ["exec", "--workdir=/t", "dir"],
    ["exec image", "--bi", "file"],
    ["exec image cmd", "", "file"],
    ["exec -- ", "--x", "file"],
    ["shell image", "", "none"],
    ["version", "", "none"],
    ["build a.sif a.def", "", "none"],
    ["instance start image", "", "none"],
    ["explain", "pl", "file"],
    ["bogus", "", "none"],
  ])("after %j offers for %j the paths %s", (before, current, paths) => {
    expect(complete(before.trimEnd(), current).paths).toBe(paths);
  });

  test("offers no flag after the image, and none that is hidden", () => {
    expect(complete("exec image", "--bi").words).toEqual([]);
    expect(complete("exec", "--").words).not.toContain("--docker-password");
    expect(complete("", "").words).not.toContain("__complete");
  });

  test("gives each flag its text", () => {
    const { candidates } = completeWord(commands, ["exec"], "--nv");
    expect(candidates[0]).toEqual({
      word: "--nv",
      text: "bring NVIDIA devices, libraries and programs of the host into the container",
    });
  });

  test("answers any words, with candidates that begin as the current word does", () => {
    const bits = fc.oneof(
      fc.string(),
      fc.constantFrom("exec", "sif", "-B", "--", "--bind", "key", "help"),
    );
    fc.assert(
      fc.property(fc.array(bits), bits, (before, current) => {
        for (const { word } of completeWord(commands, before, current).candidates) {
          expect(word.startsWith(current)).toBe(true);
        }
      }),
    );
  });
});
