/** One instruction of a classic BPF program (include/uapi/linux/filter.h: struct sock_filter). */
export interface Instruction {
  readonly code: number;
  /** Instructions to skip when a comparison holds, and when not; 0 to 255. */
  readonly jt: number;
  readonly jf: number;
  /** 32 bits, unsigned. */
  readonly k: number;
}

export const BPF = {
  load: 0x20,
  and: 0x54,
  jump: 0x05,
  jumpEqual: 0x15,
  jumpAbove: 0x25,
  jumpAtLeast: 0x35,
  return: 0x06,
} as const;

/** Farthest that a comparison jumps. */
export const MOST_SKIP = 255;

export function give(verdict: number): Instruction {
  return { code: BPF.return, jt: 0, jf: 0, k: verdict };
}

export function load(offset: number): Instruction {
  return { code: BPF.load, jt: 0, jf: 0, k: offset };
}

/** Skips `distance` instructions. */
export function jump(distance: number): Instruction {
  return { code: BPF.jump, jt: 0, jf: 0, k: distance };
}

/** `yes` when the loaded word compares with `k` as `code` says, else `no`; both end by themselves. */
export function choose(
  code: number,
  k: number,
  yes: readonly Instruction[],
  no: readonly Instruction[],
): Instruction[] {
  if (no.length <= MOST_SKIP) return [{ code, jt: no.length, jf: 0, k }, ...no, ...yes];
  return [{ code, jt: 0, jf: 1, k }, jump(no.length), ...no, ...yes];
}
