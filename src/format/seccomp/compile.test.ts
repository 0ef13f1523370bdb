import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { compileSeccomp } from "./compile.ts";
import { parseSeccompProfile, type SeccompPlace } from "./profile.ts";
import { syscallNumbers } from "./syscall-numbers.ts";

const place: SeccompPlace = { arch: "amd64", kernelVersion: [6, 1], capabilities: new Set() };
const X86_64 = 0xc000003e;
const X86 = 0x40000003;
const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const errno = (number: number): number => 0x00050000 + number;

/** Runs a filter as the kernel would: struct seccomp_data in, the verdict out. */
function judge(
  filter: Uint8Array,
  arch: number,
  number: number,
  args: readonly bigint[] = [],
): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, arch, true);
  for (const [at, value] of args.entries()) data.setBigUint64(16 + 8 * at, value, true);
  const view = new DataView(filter.buffer);
  let word = 0;
  for (let at = 0; at < filter.length / 8; at++) {
    const [code, k] = [view.getUint16(8 * at, true), view.getUint32(8 * at + 4, true)];
    const skip = (holds: boolean): number => view.getUint8(8 * at + (holds ? 2 : 3));
    if (code === 0x06) return k;
    else if (code === 0x20) word = data.getUint32(k, true);
    else if (code === 0x54) word = (word & k) >>> 0;
    else if (code === 0x05) at += k;
    else if (code === 0x15) at += skip(word === k);
    else if (code === 0x25) at += skip(word > k);
    else if (code === 0x35) at += skip(word >= k);
    else throw new Error(`instruction ${at} has the code ${code}`);
  }
  throw new Error("the filter ran off its end");
}

function compile(profile: object, where: SeccompPlace = place): Uint8Array {
  return compileSeccomp(parseSeccompProfile(JSON.stringify(profile), where));
}

const numberOf = (name: string, arch = "SCMP_ARCH_X86_64"): number =>
  syscallNumbers(arch)?.get(name) ?? -1;

describe("compileSeccomp()", () => {
  test("gives named calls their verdict and all others the default", () => {
    const filter = compile({
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrnoRet: 38,
      syscalls: [
        { names: ["read", "write", "nosuchcall"], action: "SCMP_ACT_ALLOW" },
        { name: "mkdir", action: "SCMP_ACT_ERRNO", errnoRet: 13 },
        { names: ["reboot"], action: "SCMP_ACT_KILL_PROCESS" },
      ],
    });
    const verdicts = ["read", "write", "mkdir", "reboot", "open"].map((name) =>
      judge(filter, X86_64, numberOf(name)),
    );
    expect(verdicts).toEqual([ALLOW, ALLOW, errno(13), KILL_PROCESS, errno(38)]);
    expect(judge(filter, X86_64, 0x7fffffff)).toBe(KILL_PROCESS);
    expect(judge(filter, X86_64, 0xffffffff)).toBe(errno(38));
  });

  test("kills calls of an architecture that the profile does not name", () => {
    const rules = [{ names: ["read"], action: "SCMP_ACT_ALLOW" }];
    const one = compile({ defaultAction: "SCMP_ACT_ALLOW", syscalls: rules });
    expect(judge(one, X86, 3)).toBe(KILL_PROCESS);
    expect(judge(one, X86_64, 0x40000000)).toBe(KILL_PROCESS);
    const both = compile({
      defaultAction: "SCMP_ACT_ERRNO",
      archMap: [
        {
          architecture: "SCMP_ARCH_X86_64",
          subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        },
      ],
      syscalls: rules,
    });
    expect(judge(both, X86, 3)).toBe(ALLOW);
    expect(judge(both, X86_64, 0x40000000)).toBe(ALLOW);
    expect(judge(both, X86, 4)).toBe(errno(1));
  });

  test("closes both doors of a 32-bit program", () => {
    const filter = compile({
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: ["SCMP_ARCH_X86"],
      syscalls: [{ names: ["socket"], action: "SCMP_ACT_ERRNO" }],
    });
    const socketcall = numberOf("socketcall", "SCMP_ARCH_X86");
    expect(judge(filter, X86, numberOf("socket", "SCMP_ARCH_X86"))).toBe(errno(1));
    expect(judge(filter, X86, socketcall, [1n])).toBe(errno(1));
    expect(judge(filter, X86, socketcall, [2n])).toBe(ALLOW);
  });

  const wide = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }), fc.constantFrom(0n, 1n, 5n));
  const meanings: Readonly<Record<string, (a: bigint, v: bigint, w: bigint) => boolean>> = {
    NE: (a, v) => a !== v,
    LT: (a, v) => a < v,
    LE: (a, v) => a <= v,
    EQ: (a, v) => a === v,
    GE: (a, v) => a >= v,
    GT: (a, v) => a > v,
    MASKED_EQ: (a, v, w) => (a & v) === w,
  };
  test.each(Object.keys(meanings))("compares 64 bits with %s", (op) => {
    fc.assert(
      fc.property(wide, wide, wide, fc.boolean(), (argument, value, other, isSame) => {
        const actual = isSame ? value : argument;
        const args = [
          { index: 2, op: `SCMP_CMP_${op}`, value: Number(value), valueTwo: Number(other) },
        ];
        const filter = compile({
          defaultAction: "SCMP_ACT_ERRNO",
          syscalls: [{ names: ["ioctl"], action: "SCMP_ACT_ALLOW", args }],
        });
        const holds = meanings[op]?.(actual, value, other);
        expect(judge(filter, X86_64, numberOf("ioctl"), [9n, 9n, actual])).toBe(
          holds ? ALLOW : errno(1),
        );
      }),
    );
  });

  test("wants all conditions of a rule, but any of those on one argument", () => {
    const arg = (index: number, value: number) => ({ index, op: "SCMP_CMP_EQ", value });
    const filter = compile({
      defaultAction: "SCMP_ACT_ERRNO",
      syscalls: [
        { names: ["socket"], action: "SCMP_ACT_ALLOW", args: [arg(0, 2), arg(1, 1)] },
        { names: ["personality"], action: "SCMP_ACT_ALLOW", args: [arg(0, 0), arg(0, 8)] },
      ],
    });
    const socket = (...args: bigint[]) => judge(filter, X86_64, numberOf("socket"), args);
    expect([socket(2n, 1n), socket(2n, 2n), socket(1n, 1n)]).toEqual([ALLOW, errno(1), errno(1)]);
    const personality = (value: bigint) => judge(filter, X86_64, numberOf("personality"), [value]);
    expect([personality(0n), personality(8n), personality(4n)]).toEqual([ALLOW, ALLOW, errno(1)]);
  });

  test("finds the verdict of every call among any set of rules", () => {
    const names = [...(syscallNumbers("SCMP_ARCH_X86_64") ?? new Map()).keys()];
    fc.assert(
      fc.property(fc.subarray(names), (some) => {
        const filter = compile({
          defaultAction: "SCMP_ACT_ERRNO",
          syscalls: some.length === 0 ? [] : [{ names: some, action: "SCMP_ACT_ALLOW" }],
        });
        const allowed = new Set(some);
        for (const name of names) {
          const wanted = allowed.has(name) ? ALLOW : errno(1);
          if (judge(filter, X86_64, numberOf(name)) !== wanted) throw new Error(name);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe("parseSeccompProfile()", () => {
  const rules = (rule: object, where: Partial<SeccompPlace> = {}): number => {
    const profile = {
      defaultAction: "SCMP_ACT_ERRNO",
      syscalls: [{ names: ["mount"], action: "SCMP_ACT_ALLOW", ...rule }],
    };
    return parseSeccompProfile(JSON.stringify(profile), { ...place, ...where }).rules.length;
  };

  test("takes rules by capability, architecture and kernel", () => {
    const admin = { capabilities: new Set(["CAP_SYS_ADMIN"]) };
    expect(rules({ includes: { caps: ["CAP_SYS_ADMIN"] } })).toBe(0);
    expect(rules({ includes: { caps: ["CAP_SYS_ADMIN"] } }, admin)).toBe(1);
    expect(rules({ excludes: { caps: ["CAP_SYS_ADMIN"] } }, admin)).toBe(0);
    expect(rules({ includes: { arches: ["arm64"] } })).toBe(0);
    expect(rules({ excludes: { arches: ["s390x"] } })).toBe(1);
    expect(rules({ includes: { minKernel: "4.8" } })).toBe(1);
    expect(rules({ includes: { minKernel: "6.2" } })).toBe(0);
  });

  test.each([
    ["{", "it is not JSON"],
    ["[]", "the profile: it must be an object"],
    ["{}", "defaultAction: nothing is no action"],
    ['{"defaultAction":"SCMP_ACT_NOTIFY"}', "SCMP_ACT_NOTIFY"],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{}]}', "syscalls[0]: it names no"],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"name":"x","action":"SCMP_ACT_ALLOW","args":[{"index":7}]}]}',
      "syscalls[0].args[0].index",
    ],
    ['{"defaultAction":"SCMP_ACT_ALLOW","flags":["X"]}', 'flags: "X"'],
  ])("refuses %s", (text, message) => {
    expect(() => parseSeccompProfile(text, place)).toThrow(message);
  });

  test("never crashes on what is no profile", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        try {
          compileSeccomp(parseSeccompProfile(text, place));
        } catch (error) {
          expect(error).toHaveProperty("code");
        }
      }),
    );
  });
});
