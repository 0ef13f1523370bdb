import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import * as os from "node:os";
import * as calls from "./process-calls.ts";

test("ids, groups, directory, mask and names are those of this process", () => {
  expect(calls.getuid()).toBe(process.getuid?.() ?? -1);
  expect(calls.geteuid()).toBe(process.geteuid?.() ?? -1);
  expect(calls.getgid()).toBe(process.getgid?.() ?? -1);
  expect(calls.getegid()).toBe(process.getegid?.() ?? -1);
  const status = readFileSync("/proc/self/status", "utf8");
  const groups = /^Groups:\t(.*)$/m.exec(status)?.[1]?.trim() ?? "";
  expect(calls.getgroups()).toEqual(groups === "" ? [] : groups.split(" ").map(Number));
  expect(calls.getcwd()).toBe(process.cwd());
  expect(calls.getUmask()).toBe(process.umask());
  expect(calls.uname().hostname).toBe(os.hostname());
  expect(calls.uname().release).toBe(os.release());
  const machine = Bun.spawnSync(["uname", "-m"]).stdout.toString().trim();
  expect(calls.uname().machine).toBe(machine);
});

test("getRlimit() and setRlimit() use the numbers the kernel shows", () => {
  const RLIMIT_CORE = 4;
  const before = calls.getRlimit(RLIMIT_CORE);
  if (before === undefined) throw new Error("no core limit");
  expect(calls.setRlimit(RLIMIT_CORE, 0, before.hard)).toBe(0);
  expect(calls.getRlimit(RLIMIT_CORE)).toEqual({ soft: 0, hard: before.hard });
  expect(calls.setRlimit(RLIMIT_CORE, before.soft, before.hard)).toBe(0);
  expect(calls.getRlimit(999)).toBeUndefined();
});

test("isTerminal() is false for a plain file", () => {
  expect(calls.isTerminal(999)).toBe(false);
});

test("execve() reports why it did not start", () => {
  expect(calls.execve("/nonexistent/program", ["x"], [])).toBe(-2);
  expect(calls.execve("/", ["x"], [])).toBe(-13);
  expect(calls.execve("/bin/true", ["a\0b"], [])).toBe(-22);
});

test("execve() hands over arguments and environment byte by byte, with an empty list too", async () => {
  const script = `
    import { execve } from ${JSON.stringify(`${import.meta.dir}/process-calls.ts`)};
    import { rawArguments, rawEnvironment } from ${JSON.stringify(`${import.meta.dir}/raw-environment.ts`)};
    if (process.env.STAGE === "1") {
      const [text] = rawArguments(1);
      const value = rawEnvironment().find((e) => e.startsWith("BYTES="));
      execve("/bin/sh", ["sh", "-c", 'printf "%s|%s|%s|" "$0" "$1" "$BYTES"; tr "\\\\0" "\\\\n" < /proc/self/environ', text, ""], [value, "A=1", "A=2", "x"]);
    }
    execve(process.execPath, ["bun", "-e", process.argv.at(-1), "caf\\udce9"], ["STAGE=1", "BYTES=\\udcff\\u00e9"]);
  `;
  const child = Bun.spawn([process.execPath, "-e", script, script], {
    stdout: "pipe",
  });
  const out = Buffer.from(await new Response(child.stdout).arrayBuffer()).toString("latin1");
  expect(await child.exited).toBe(0);
  const utf8e = "\u00c3\u00a9";
  expect(out).toBe(`caf\u00e9||\u00ff${utf8e}|BYTES=\u00ff${utf8e}\nA=1\nA=2\nx\n`);
});
