import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { encodeOps } from "../../src/ops/encode.ts";
import type { Op } from "../../src/ops/op.ts";
import { noUserNamespaces } from "../support/host-lacks.ts";
import { run } from "../support/run.ts";
import { testUnless } from "../support/skip.ts";
import { useStarter, wire } from "./driver.ts";
import { bind, CLONE, enter, exec, mkdir, session, userNamespace } from "./make-op.ts";

const starter = useStarter();
const dump = starter.build("--dump");

const harmless: Op[] = [
  ...session(userNamespace(CLONE.uts)),
  bind("/root", "/root"),
  mkdir("/a/b/c", "/root"),
  mkdir("/l", "/root"),
  mkdir("/m", "/root"),
  { kind: "file", root: "/root", path: "/a/f", mode: 0o600, content: new Uint8Array([1, 2, 3]) },
  { kind: "symlink", root: "/root", path: "/a/l", target: "../a/f" },
  bind("/a/b", "/a/b/c", { sourceRoot: "/root", root: "/root", flags: 6 }),
  { kind: "remount", root: "/root", target: "/a/b/c", flags: 7 },
  {
    kind: "overlay",
    lower: ["/root/a", "/root/l"],
    upper: "",
    work: "",
    target: "/root/m",
    flags: 0,
    data: "userxattr",
  },
  { kind: "hostname", name: "x" },
  { kind: "say", text: "100%" },
  { kind: "umask", mask: 0o27 },
  ...enter,
  exec("nothing-of-this-name"),
];

const sample = encodeOps(wire(harmless), { debug: false, procPath: "/proc" });

/** Decodes a stream under AddressSanitizer and UBSan: 0 accepted, 1 refused. */
function decode(bytes: Uint8Array): number {
  const done = Bun.spawnSync([dump, starter.writeStream(bytes)], { stdout: "ignore" });
  if (done.stderr.length > 0) throw new Error(done.stderr.toString());
  return done.exitCode;
}

/** `value` at every aligned word. */
function withWord(at: number, value: number): Uint8Array {
  const bytes = sample.slice();
  new DataView(bytes.buffer).setUint32(at, value, true);
  return bytes;
}

describe("the decoder of the starter", () => {
  test("accepts the sample itself", () => {
    expect(decode(sample)).toBe(0);
  });

  test("refuses truncated streams", () => {
    for (let length = 0; length < sample.length; length += 13) {
      expect(decode(sample.slice(0, length))).toBe(1);
    }
  });

  test("refuses what follows the end", () => {
    const longer = new Uint8Array(sample.length + 1);
    longer.set(sample);
    expect(decode(longer)).toBe(1);
  });

  test.each([
    ["another magic", 0],
    ["another version", 4],
    ["another size", 8],
    ["another count of ops", 24],
    ["another count of words", 28],
    ["another size of bytes", 32],
  ])("refuses %s", (_, at) => {
    expect(decode(withWord(at, 77))).toBe(1);
  });

  test("survives extreme values in every length, count and code", () => {
    const values = [0, 1, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff, sample.length];
    fc.assert(
      fc.property(
        fc.nat(Math.floor(sample.length / 4) - 1),
        fc.constantFrom(...values),
        (word, value) => decode(withWord(4 * word, value)) < 2,
      ),
      { numRuns: 250 },
    );
  });

  test("survives mutated bytes and random streams", () => {
    const places = fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { minLength: 1 });
    fc.assert(
      fc.property(places, (changes) => {
        const bytes = sample.slice();
        for (const [at, value] of changes) bytes[at] = value;
        return decode(bytes) < 2;
      }),
      { numRuns: 200 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => decode(bytes) === 1),
      { numRuns: 50 },
    );
  });
});

testUnless(noUserNamespaces())(
  "the starter survives mutated texts and numbers of harmless ops",
  async () => {
    const sanitized = starter.build("--sanitize");
    const attempt = async (bytes: Uint8Array) => {
      const done = await run(
        ["/bin/bash", "-c", 'exec "$0" 3 3<"$1"', sanitized, starter.writeStream(bytes)],
        { cwd: "/", timeoutMs: 5000 },
      );
      expect(done.stderr).not.toContain("Sanitizer");
      expect(done.stderr).not.toContain("runtime error");
      return done;
    };
    expect((await attempt(sample)).stderr).toBe("100%\nFATAL:   exec: no such file or directory\n");
    // Only behind the unshare op: nothing may run outside of a namespace.
    const start = Math.floor(sample.length / 3);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: start, max: sample.length - 1 }),
        fc.constantFrom(0, 1, 2, 0x2f, 0x2e, 0x80, 0xff),
        async (at, value) => {
          const bytes = sample.slice();
          bytes[at] = value;
          const { code } = await attempt(bytes);
          // 99: a sanitizer's; 137: it hung and was killed.
          expect([99, 137]).not.toContain(code);
        },
      ),
      { numRuns: 80 },
    );
  },
  60_000,
);
