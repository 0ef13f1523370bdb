/** Capability names by bit number (include/uapi/linux/capability.h, Linux 5.9 and later: 41). */
export const CAPABILITIES: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
];

/** All of them as a mask (41 bits: exact in a double). */
export const ALL_CAPABILITIES: number = 2 ** CAPABILITIES.length - 1;

/**
 * Mask of a comma list; names in any case, `CAP_` optional, `all` for all. Unknown words are given
 * back, not refused: the peer warns and goes on.
 */
export function parseCapabilities(list: string): {
  readonly mask: number;
  readonly unknown: readonly string[];
} {
  let mask = 0;
  const unknown: string[] = [];
  for (const word of list.split(",")) {
    const name = word.trim().toUpperCase();
    if (name === "") continue;
    if (name === "ALL" || name === "CAP_ALL") {
      mask = ALL_CAPABILITIES;
      continue;
    }
    const bit = CAPABILITIES.indexOf(name.startsWith("CAP_") ? name : `CAP_${name}`);
    if (bit < 0) unknown.push(word.trim());
    else if (!hasBit(mask, bit)) mask += 2 ** bit;
  }
  return { mask, unknown };
}

/** Whether bit `bit` is in a mask of up to 53 bits. */
export function hasBit(mask: number, bit: number): boolean {
  return Math.floor(mask / 2 ** bit) % 2 === 1;
}

/** Bits in `mask` but not in `without`. */
export function dropBits(mask: number, without: number): number {
  return Number(BigInt(mask) & ~BigInt(without));
}

export function joinBits(one: number, other: number): number {
  return Number(BigInt(one) | BigInt(other));
}
