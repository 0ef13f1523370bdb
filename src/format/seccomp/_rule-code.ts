import { BPF, give, type Instruction, load } from "./_instruction.ts";
import type { SeccompCondition, SeccompRule } from "./profile.ts";

/** Bytes of struct seccomp_data before the arguments, each of which has 8, the low half first. */
const ARGUMENTS_AT = 16;

/** Where a comparison goes: on to the next instruction, out of the condition with yes, out of the rule. */
type Way = "next" | "holds" | "fails";

interface Step {
  readonly code: number;
  readonly k: number;
  readonly yes: Way;
  readonly no: Way;
}

/**
 * One rule: its verdict when all conditions hold, else what stands behind it. At most six conditions
 * of six instructions each, so that every jump is short.
 */
export function ruleCode(rule: SeccompRule): Instruction[] {
  const blocks = rule.conditions.map(conditionSteps);
  const total = blocks.reduce((sum, block) => sum + block.length, 1);
  const out: Instruction[] = [];
  for (const block of blocks) {
    const end = out.length + block.length;
    for (const step of block) {
      const at = out.length + 1;
      const skip = (way: Way): number =>
        way === "next" ? 0 : way === "holds" ? end - at : total - at;
      out.push({ code: step.code, k: step.k, jt: skip(step.yes), jf: skip(step.no) });
    }
  }
  out.push(give(rule.verdict));
  return out;
}

function conditionSteps(condition: SeccompCondition): Step[] {
  const { index, op, value, valueTwo } = condition;
  const wanted = op === "MASKED_EQ" ? valueTwo : value;
  const [high, low] = [Number(wanted >> 32n), Number(wanted & 0xffffffffn)];
  const plain = ({ code, k }: Instruction): Step => ({ code, k, yes: "next", no: "next" });
  const at = ARGUMENTS_AT + 8 * index;
  const [loadHigh, loadLow] = [plain(load(at + 4)), plain(load(at))];
  const test = (code: number, k: number, yes: Way, no: Way): Step => ({ code, k, yes, no });
  const { jumpEqual, jumpAbove, jumpAtLeast } = BPF;
  /** The high halves differ: `above` or `below`; they are equal: the low halves decide. */
  const ordered = (above: Way, below: Way, lowCode: number, lowYes: Way, lowNo: Way): Step[] => [
    loadHigh,
    test(jumpAbove, high, above, "next"),
    test(jumpEqual, high, "next", below),
    loadLow,
    test(lowCode, low, lowYes, lowNo),
  ];
  switch (op) {
    case "EQ":
      return [
        ...[loadHigh, test(jumpEqual, high, "next", "fails")],
        ...[loadLow, test(jumpEqual, low, "holds", "fails")],
      ];
    case "NE":
      return [
        ...[loadHigh, test(jumpEqual, high, "next", "holds")],
        ...[loadLow, test(jumpEqual, low, "fails", "holds")],
      ];
    case "GT":
      return ordered("holds", "fails", jumpAbove, "holds", "fails");
    case "GE":
      return ordered("holds", "fails", jumpAtLeast, "holds", "fails");
    case "LT":
      return ordered("fails", "holds", jumpAtLeast, "fails", "holds");
    case "LE":
      return ordered("fails", "holds", jumpAbove, "fails", "holds");
    case "MASKED_EQ": {
      const mask = (half: bigint): Step => ({
        ...{ code: BPF.and, k: Number(half) },
        ...({ yes: "next", no: "next" } as const),
      });
      return [
        ...[loadHigh, mask(value >> 32n), test(jumpEqual, high, "next", "fails")],
        ...[loadLow, mask(value & 0xffffffffn), test(jumpEqual, low, "holds", "fails")],
      ];
    }
  }
}
