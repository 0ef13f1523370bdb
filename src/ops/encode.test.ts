import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { arbitraryOps } from "../../test/starter/arbitrary-op.ts";
import { decodeOps, encodeOps } from "./encode.ts";
import type { Op, WiredOp } from "./op.ts";

const plain = { debug: false, procPath: "/proc" };

function wired(...ops: Op[]): WiredOp[] {
  return ops.map((op) => ({ op, faults: [] }));
}

describe("encodeOps()", () => {
  test("writes the layout that its drawing shows", () => {
    const content = new Uint8Array([1, 2, 3]);
    const file: Op = { kind: "file", root: "", path: "/x", mode: 0o644, content };
    const bytes = encodeOps(
      [
        { op: file, faults: [{ errno: 2, text: "no" }] },
        { op: { kind: "loopback" }, faults: [] },
      ],
      plain,
    );
    const words = [
      ["534b4f50", "01000000", "64000000", "00000000"], // magic, version, size, flags
      ["07000000", "00000000", "02000000", "12000000", "03000000"], // signals, ops, words, bytes
      ["08000000", "04000000", "a4010000", "03000000", "01000000", "02000000"], // file
      ["10000000", "01000000", "00000000"], // loopback
    ];
    const texts = "/proc\0FATAL:   \0\0/x\0no\0\0\0";
    expect(Buffer.from(bytes).toString("hex")).toBe(
      `${words.flat().join("")}010203${Buffer.from(texts).toString("hex")}`,
    );
  });

  test("gives back what was encoded, whatever the values", () => {
    fc.assert(
      fc.property(arbitraryOps, (ops) => {
        const decoded = decodeOps(encodeOps(ops, plain));
        expect(decoded.ops).toEqual(ops);
        expect(decoded.procPath).toBe("/proc");
        expect(decoded.prefix).toBe("FATAL:   ");
        expect(decoded.notes).toEqual(ops.map(() => ""));
      }),
    );
  });

  test("carries the words of describeOp() when debugging, and a red prefix when asked", () => {
    const decoded = decodeOps(
      encodeOps(wired({ kind: "loopback" }), { ...plain, debug: true, colour: true }),
    );
    expect(decoded.notes).toEqual(["DEBUG    bring the loopback interface up"]);
    expect(decoded.prefix).toBe("\u001b[31mFATAL:  \u001b[0m ");
  });

  test("tells the starter which ways to take by flags", () => {
    const flags = (more: object) => decodeOps(encodeOps([], { ...plain, ...more })).flags;
    expect(flags({})).toBe(0);
    expect(flags({ classic: true })).toBe(1);
    expect(flags({ chroot: true })).toBe(2);
  });

  test.each([
    ["a NUL in a text", { kind: "say", text: "a\0b" }],
    ["a NUL after a letter outside ASCII", { kind: "say", text: "é\0b" }],
    ["a negative u32", { kind: "umask", mask: -1 }],
    ["a fraction", { kind: "umask", mask: 1.5 }],
    ["a u32 of 33 bits", { kind: "umask", mask: 2 ** 32 }],
    ["a u64 above 2^53", { kind: "rlimit", resource: 1, soft: 2 ** 53, hard: 1 }],
    ["a negative u64", { kind: "rlimit", resource: 1, soft: -1, hard: 1 }],
    ["NaN", { kind: "rlimit", resource: 1, soft: Number.NaN, hard: 1 }],
  ] as [string, Op][])("refuses %s", (_, op) => {
    expect(() => encodeOps(wired(op), plain)).toThrow("Cannot encode");
  });

  test("refuses a stream that the starter would refuse for its size", () => {
    const content = new Uint8Array(16 << 20);
    const op: Op = { kind: "file", root: "", path: "/x", mode: 0o600, content };
    expect(() => encodeOps(wired(op), plain)).toThrow("the limit is 16777216");
  });
});

describe("decodeOps()", () => {
  const sample = encodeOps(
    wired({ kind: "say", text: "hello" }, { kind: "join", paths: ["/a", "/b"] }),
    plain,
  );

  test("refuses every truncation", () => {
    for (let length = 0; length < sample.length; length++) {
      expect(() => decodeOps(sample.slice(0, length))).toThrow();
    }
  });

  test("either reads a mutated stream or throws, and never loops", () => {
    fc.assert(
      fc.property(fc.nat(sample.length - 1), fc.nat(255), (at, value) => {
        const bytes = sample.slice();
        bytes[at] = value;
        try {
          decodeOps(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
  });
});
