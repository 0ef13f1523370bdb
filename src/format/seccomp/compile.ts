import { Fault } from "../../base/fault.ts";
import { BPF, choose, give, type Instruction, jump, load } from "./_instruction.ts";
import { MULTIPLEXED } from "./_multiplexed.ts";
import { ruleCode } from "./_rule-code.ts";
import type { SeccompProfile, SeccompRule } from "./profile.ts";
import { syscallNumbers } from "./syscall-numbers.ts";

/** Offsets in struct seccomp_data. */
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const KILL_PROCESS = 0x80000000;
/** Numbers from here on are x32's, under the same audit architecture as those of x86_64. */
const X32_FIRST = 0x40000000;
/** BPF_MAXINSNS. */
const MOST_INSTRUCTIONS = 4096;

/** AUDIT_ARCH_* (include/uapi/linux/audit.h). */
const AUDIT: Readonly<Record<string, number>> = {
  SCMP_ARCH_X86_64: 0xc000003e,
  SCMP_ARCH_X32: 0xc000003e,
  SCMP_ARCH_X86: 0x40000003,
  SCMP_ARCH_AARCH64: 0xc00000b7,
};

/**
 * The profile as a filter program: struct sock_filter records, 8 bytes each.
 *
 *   architecture? ─┬─ known ── number? ── binary tree of ranges ── conditions ── verdict
 *                  └─ else ── the process is killed
 *
 * Names that an architecture does not have are passed over, as are architectures without a table:
 * calls of such are killed. Of several rules for one call those with conditions come first, in their
 * order, then the first one without.
 *
 * @throws Fault `invalid` for a filter beyond the kernel's 4096 instructions.
 */
export function compileSeccomp(profile: SeccompProfile): Uint8Array {
  const leaves = new Map<number, Leaf[]>();
  for (const architecture of profile.architectures) {
    const numbers = syscallNumbers(architecture);
    const audit = AUDIT[architecture];
    if (numbers === undefined || audit === undefined) continue;
    const isX86 = architecture === "SCMP_ARCH_X86";
    const own = leavesOf(profile, numbers, isX86);
    leaves.set(audit, [...(leaves.get(audit) ?? []), ...own]);
  }
  const program: Instruction[] = [load(ARCHITECTURE_AT)];
  for (const [audit, some] of leaves) {
    const hasX32 = profile.architectures.includes("SCMP_ARCH_X32");
    const isShared = audit === AUDIT["SCMP_ARCH_X86_64"] && !hasX32;
    const block = [load(NUMBER_AT), ...decide(filled(some, profile.defaultVerdict, isShared))];
    program.push({ code: BPF.jumpEqual, jt: 1, jf: 0, k: audit }, jump(block.length), ...block);
  }
  program.push(give(KILL_PROCESS));
  if (program.length > MOST_INSTRUCTIONS) {
    throw new Fault(
      "invalid",
      `it makes a filter of ${program.length} instructions, the kernel takes ${MOST_INSTRUCTIONS}`,
    );
  }
  return encode(program);
}

/** What happens to the calls from `first` up to the next leaf. */
interface Leaf {
  readonly first: number;
  readonly code: readonly Instruction[];
}

function leavesOf(
  profile: SeccompProfile,
  numbers: ReadonlyMap<string, number>,
  isX86: boolean,
): Leaf[] {
  const rules = new Map<number, SeccompRule[]>();
  const add = (name: string, rule: SeccompRule): void => {
    const number = numbers.get(name);
    if (number !== undefined) rules.set(number, [...(rules.get(number) ?? []), rule]);
  };
  for (const rule of profile.rules) {
    for (const name of rule.names) {
      add(name, rule);
      const door = isX86 ? MULTIPLEXED.get(name) : undefined;
      if (door === undefined || rule.conditions.length > 0) continue;
      const which = { index: 0, op: "EQ", value: BigInt(door[1]), valueTwo: 0n } as const;
      add(door[0], { ...rule, conditions: [which] });
    }
  }
  return [...rules].map(([first, of]) => ({ first, code: callCode(of, profile.defaultVerdict) }));
}

function callCode(rules: readonly SeccompRule[], defaultVerdict: number): Instruction[] {
  const always = rules.find((rule) => rule.conditions.length === 0);
  const sometimes = rules.filter((rule) => rule.conditions.length > 0);
  return [...sometimes.flatMap(ruleCode), give(always?.verdict ?? defaultVerdict)];
}

/** The leaves in order with the gaps between them; neighbours that do the same are one. */
function filled(leaves: readonly Leaf[], defaultVerdict: number, killsX32: boolean): Leaf[] {
  const all: Leaf[] = [];
  const other = [give(defaultVerdict)];
  const add = (leaf: Leaf): void => {
    const last = all.at(-1);
    const isSame =
      last?.code.length === 1 && leaf.code.length === 1 && last.code[0]?.k === leaf.code[0]?.k;
    if (!isSame) all.push(leaf);
  };
  let next = 0;
  for (const leaf of leaves.toSorted((a, b) => a.first - b.first)) {
    if (leaf.first > next) add({ first: next, code: other });
    add(leaf);
    next = leaf.first + 1;
  }
  add({ first: next, code: other });
  if (killsX32) {
    add({ first: X32_FIRST, code: [give(KILL_PROCESS)] });
    // A tracer that skips a call gives it this number.
    add({ first: 0xffffffff, code: other });
  }
  return all;
}

/** Finds the leaf of the number that is loaded, in as few comparisons as there are bits in their count. */
function decide(leaves: readonly Leaf[]): readonly Instruction[] {
  const middle = leaves[leaves.length >> 1];
  if (leaves.length === 1 || middle === undefined) return leaves[0]?.code ?? [];
  const [below, above] = [leaves.slice(0, leaves.length >> 1), leaves.slice(leaves.length >> 1)];
  return choose(BPF.jumpAtLeast, middle.first, decide(above), decide(below));
}

function encode(program: readonly Instruction[]): Uint8Array {
  const out = new Uint8Array(8 * program.length);
  const view = new DataView(out.buffer);
  program.forEach(({ code, jt, jf, k }, at) => {
    view.setUint16(8 * at, code, true);
    view.setUint8(8 * at + 2, jt);
    view.setUint8(8 * at + 3, jf);
    view.setUint32(8 * at + 4, k, true);
  });
  return out;
}
