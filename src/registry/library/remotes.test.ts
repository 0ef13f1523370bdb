import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { Fault } from "../../base/fault.ts";
import {
  mergeRemotes,
  parseRemotes,
  readRemotes,
  readSystemRemotes,
  writeRemotes,
} from "./remotes.ts";

const folder = mkdtempSync(`${tmpdir()}/skiff-remotes-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SYSTEM = parseRemotes(
  "Active: a\nRemotes:\n  a:\n    URI: a.example.org\n    System: true\n  b:\n    URI: b.example.org\n    System: true\n",
  "system",
);
const OWN = parseRemotes(
  `Active: mine
Remotes:
  a:
    URI: forged.example.org
    Token: abc
    System: true
  gone:
    URI: gone.example.org
    System: true
  mine:
    URI: //mine.example.org:5000
    Insecure: true
    Keyservers:
    - URI: https://keys.example.org
Credentials:
- URI: docker://r.example.org
  Auth: x
`,
  "own",
);

test("mergeRemotes() takes addresses of the list for all users from there, tokens from the user", () => {
  const merged = mergeRemotes(SYSTEM, OWN);
  expect([...merged.remotes.keys()].sort()).toEqual(["a", "b", "mine"]);
  expect(merged.remotes.get("a")).toMatchObject({ uri: "a.example.org", token: "abc" });
  expect(merged.active).toBe("mine");
  expect(mergeRemotes(SYSTEM, undefined).active).toBe("a");
  expect(mergeRemotes(SYSTEM, { ...OWN, active: "gone" }).active).toBe("a");
});

test("mergeRemotes() lets nothing but an exclusive service be used", () => {
  const b = SYSTEM.remotes.get("b");
  if (b === undefined) throw new Error("no b");
  const remotes = new Map(SYSTEM.remotes).set("b", { ...b, isExclusive: true });
  expect(mergeRemotes({ ...SYSTEM, remotes }, OWN).active).toBe("b");
});

test("writeRemotes() keeps what it does not know, for the user alone", () => {
  const path = `${folder}/remote.yaml`;
  writeRemotes(path, OWN, 0o600);
  expect(readRemotes(path)).toEqual(OWN);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, "utf8")).toContain("Keyservers");
});

test("readSystemRemotes() has the peer's service when there is no file", () => {
  expect(readSystemRemotes([`${folder}/none`]).active).toBe("DefaultRemote");
  expect(readRemotes(`${folder}/none`)).toBeUndefined();
});

test.each(["[1]", "Remotes: 3", "Remotes:\n  a: 1", "Remotes:\n  a: {}", "a: [", '"'])(
  "parseRemotes(%j) is refused",
  (text) => {
    expect(() => parseRemotes(text, "x")).toThrow(Fault);
  },
);

test("parseRemotes() takes an empty file", () => {
  expect(parseRemotes("", "x").remotes.size).toBe(0);
});
