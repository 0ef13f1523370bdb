import { expect, test } from "bun:test";
import { findCommand } from "../cli/command-index.ts";
import { finishFlags, parseCommand, readWords } from "../cli/parse.ts";
import { ROOT } from "../cli/root.ts";
import { CAPABILITIES } from "../plan/capabilities.ts";
import type { Context } from "../terminal/context.ts";
import { run } from "./capability.ts";

async function capability(...words: readonly string[]): Promise<string> {
  const { flags: globals, notices } = finishFlags(
    readWords(ROOT, [], []),
    {},
    { preferNotice: false },
  );
  const command = await findCommand("capability");
  if (command === undefined) throw new Error("there is no capability command");
  const parsed = parseCommand(command, words, { preferNotice: false, env: {}, globals, notices });
  if (parsed.kind === "help") throw new Error("that was a call for help");
  let printed = "";
  const print = (text: string) => {
    printed += text;
  };
  run(parsed.invocation, { print } as unknown as Context);
  return printed;
}

test("capability avail describes every capability, or those named in any spelling", async () => {
  const all = await capability("avail");
  const entries = all.trimEnd().split("\n\n");
  expect(entries.map((entry) => entry.split(":")[0] ?? "")).toEqual([...CAPABILITIES]);
  for (const entry of entries) expect(entry).toMatch(/^CAP_[A-Z_]+:\n\t[A-Z].+\.$/);
  expect(await capability("avail", "cap_chown,net_raw")).toMatch(
    /^CAP_CHOWN:\n.*\n\nCAP_NET_RAW:\n.*\n\n$/,
  );
});

test("capability avail refuses unknown names", async () => {
  await expect(capability("avail", "chown,nosuch")).rejects.toThrow(
    "unknown capabilities found in",
  );
});
