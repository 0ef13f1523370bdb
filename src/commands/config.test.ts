import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { Fault } from "../base/fault.ts";
import { findCommand } from "../cli/command-index.ts";
import { finishFlags, parseCommand, readWords } from "../cli/parse.ts";
import { ROOT } from "../cli/root.ts";
import { UsageFault } from "../cli/usage-fault.ts";
import type { Context } from "../terminal/context.ts";
import { run } from "./config.ts";

const top = mkdtempSync(`${tmpdir()}/skiff-config-`);
afterAll(() => rmSync(top, { recursive: true }));

const FILE = `${top}/skiff.conf`;
const TEXT = "# head\nmount home = no\nbind path = /etc/hosts\n";

/** Runs `--config FILE config WORDS…`; what it printed. */
async function config(...words: readonly string[]): Promise<string> {
  const start = readWords(ROOT, [], ["--config", FILE, "config", ...words]);
  const { flags: globals, notices } = finishFlags(start, {}, { preferNotice: false });
  const command = await findCommand("config");
  if (command === undefined) throw new Error("there is no config command");
  const options = { preferNotice: false, env: {}, globals, notices };
  const parsed = parseCommand(command, start.args.slice(1), options);
  if (parsed.kind === "help") throw new Error("that was a call for help");
  let printed = "";
  const print = (text: string) => {
    printed += text;
  };
  const log = { verbose: () => {}, info: () => {} };
  // Only what the command uses.
  const context = { program: "skiff", env: {}, log, print } as unknown as Context;
  await run(parsed.invocation, context);
  return printed;
}

test("config global --get shows the value in force, a list with commas", async () => {
  writeFileSync(FILE, `${TEXT}bind path = /a, /b\n`);
  expect(await config("global", "--get", "mount home")).toBe("no\n");
  expect(await config("global", "--get", "bind path")).toBe("/etc/hosts,/a,/b\n");
  expect(await config("global", "--get", "mount tmp")).toBe("yes\n");
  expect(await config("global", "--get", "limit container paths")).toBe("\n");
});

test("config global --set writes the file, with --dry-run it prints it", async () => {
  writeFileSync(FILE, TEXT);
  const after = TEXT.replace("bind path", "bind path = /x\nbind path");
  expect(await config("global", "--set", "--dry-run", "bind path", "/x")).toBe(after);
  expect(readFileSync(FILE, "utf8")).toBe(TEXT);
  expect(await config("global", "--set", "bind path", "/x")).toBe("");
  expect(readFileSync(FILE, "utf8")).toBe(after);
  await config("global", "--unset", "bind path", "/x");
  expect(readFileSync(FILE, "utf8")).toBe(TEXT);
  await config("global", "--reset", "mount home");
  expect(readFileSync(FILE, "utf8")).toBe(TEXT.replace("mount home = no\n", ""));
});

test("config global refuses a missing option, two of them, and values that are not authorised", async () => {
  writeFileSync(FILE, TEXT);
  await expect(config("global", "mount home", "no")).rejects.toBeInstanceOf(UsageFault);
  await expect(config("global", "--set", "--get", "mount home")).rejects.toBeInstanceOf(UsageFault);
  await expect(config("global", "--set", "bind path", "/a", "/b")).rejects.toBeInstanceOf(
    UsageFault,
  );
  await expect(config("global", "--set", "mount home", "maybe")).rejects.toBeInstanceOf(Fault);
  await expect(config("global", "--get", "nosuch")).rejects.toThrow('"nosuch" is not a valid');
  expect(readFileSync(FILE, "utf8")).toBe(TEXT);
});

test("config fakeroot needs one option, and root", async () => {
  await expect(config("fakeroot", "root")).rejects.toBeInstanceOf(UsageFault);
  await expect(config("fakeroot", "--add", "--remove", "root")).rejects.toBeInstanceOf(UsageFault);
  const why = process.getuid?.() === 0 ? "there is no such user" : "requires root privileges";
  await expect(config("fakeroot", "--add", "no-such-user")).rejects.toThrow(why);
});
