import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isInstanceName, parseRecord } from "./records.ts";

const RECORD = {
  version: 1,
  name: "web",
  user: "ann",
  image: "/img/x.sif",
  place: "pid:[4026531836]",
  isLimited: false,
  logOutPath: "/l/web.out",
  logErrPath: "/l/web.err",
  namespaces: { user: true, pid: true, ipc: false, uts: false, net: false },
  identity: { uid: 1000, gid: 1000 },
  security: { effective: 0 },
  plan: {
    name: "web",
    boot: false,
    home: "/home/ann",
    librariesBound: false,
    files: { "/bin/sh": "" },
    directories: [],
  },
  command: { words: ["skiff"], cwd: "/" },
};

const text = (record: unknown, head = "4711 815"): string => `${head}\n${JSON.stringify(record)}\n`;

describe("parseRecord()", () => {
  test("reads process 1 and the plan", () => {
    const found = parseRecord(text(RECORD), "web");
    expect(found).toMatchObject({ kind: "record", record: { pid: 4711, started: 815 } });
  });

  test("knows a claim", () => {
    expect(parseRecord(text({ claim: true, place: "p" }), "web")).toEqual({
      kind: "claim",
      pid: 4711,
      started: 815,
      place: "p",
    });
  });

  test.each([
    ["another name", text({ ...RECORD, name: "other" })],
    ["a later version", text({ ...RECORD, version: 2 })],
    ["no plan", text({ ...RECORD, plan: undefined })],
    ["files that are no texts", text({ ...RECORD, plan: { ...RECORD.plan, files: { a: 1 } } })],
    ["process 1 of the machine", text(RECORD, "1 815")],
    ["no process", text(RECORD, "0 0")],
    ["a negative process", text(RECORD, "-4711 815")],
    ["half of it", text(RECORD).slice(0, 200)],
    ["nothing", ""],
    ["null", "4711 815\nnull"],
  ])("takes %s for broken", (_, broken) => {
    expect(parseRecord(broken, "web")).toEqual({ kind: "broken" });
  });

  test("never fails, whatever stands there", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((json) => `4711 815\n${json}`),
        ),
        (any) => {
          expect(["record", "claim", "broken"]).toContain(parseRecord(any, "web").kind);
        },
      ),
    );
  });
});

test.each([
  ["web", true],
  ["a.B_c-1", true],
  [".hidden", true],
  ["", false],
  [".", false],
  ["..", false],
  ["a/b", false],
  ["a b", false],
  ["a\n", false],
  ["x".repeat(200), true],
  ["x".repeat(201), false],
])("isInstanceName(%j) is %p", (name, expected) => {
  expect(isInstanceName(name)).toBe(expected);
});
