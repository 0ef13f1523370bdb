import { describe, expect, test } from "bun:test";
import { join } from "node:path";

const ASKER = join(import.meta.dir, "asker.ts");

/** Runs test/cli/asker.ts on a pseudo-terminal; the text is typed once the question is there. */
async function onTerminal(kind: string, typed: string): Promise<{ shown: string; code: number }> {
  let shown = "";
  let isTyped = false;
  const child = Bun.spawn([process.execPath, ASKER, kind], {
    terminal: {
      cols: 80,
      rows: 24,
      data: (terminal, data) => {
        shown += new TextDecoder().decode(data);
        if (!isTyped && shown.includes("? ")) {
          isTyped = true;
          terminal.write(typed);
        }
      },
    },
  });
  const code = await child.exited;
  child.terminal?.close();
  return { shown, code };
}

async function onPipe(kind: string, input: string): Promise<{ stdout: string; stderr: string }> {
  const child = Bun.spawn([process.execPath, ASKER, kind], {
    stdin: new Blob([input]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  return { stdout, stderr };
}

describe("askSecret()", () => {
  test("shows nothing of a secret on a terminal, and takes editing keys", async () => {
    const { shown } = await onTerminal("secret", "wrong\x15häX\x7fß\x7fslich\r");
    expect(shown).toContain('answer="häslich"');
    expect(shown.split("answer=")[0]).not.toContain("slich");
  });

  test("ends with status 130 at Ctrl-C", async () => {
    const { shown, code } = await onTerminal("secret", "ab\x03");
    expect(code).toBe(130);
    expect(shown).not.toContain("answer=");
  });

  test("reads a line from a pipe", async () => {
    expect((await onPipe("secret", "pass word\nmore\n")).stdout).toBe('answer="pass word"\n');
  });

  test("gives undefined at the end of input", async () => {
    expect((await onPipe("secret", "")).stdout).toBe("answer=undefined\n");
  });
});

describe("askYesNo()", () => {
  test.each([
    ["y\n", true],
    ["Yes\n", true],
    [" y\n", true],
    ["n\n", false],
    ["\n", false],
    ["", false],
    ["maybe\n", false],
  ])("takes %j as %p", async (input, answer) => {
    const { stdout, stderr } = await onPipe("yes", input);
    expect(stdout).toBe(`answer=${answer}\n`);
    expect(stderr).toBe("Well? [y/N] ");
  });
});

test("askLine() reads one line and leaves the rest", async () => {
  expect((await onPipe("lines", "one\r\ntwo\n")).stdout).toBe('answer=["one","two",null]\n');
});
