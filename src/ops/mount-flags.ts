/** MS_* bits of mount(2) that ops use, by the words of mount(8) (linux/mount.h; the same on every machine). */
export const MOUNT_FLAGS = {
  ro: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  sync: 16,
  nosymfollow: 256,
  noatime: 1024,
  nodiratime: 2048,
  rec: 0x4000,
  unbindable: 0x20000,
  private: 0x40000,
  slave: 0x80000,
  shared: 0x100000,
  relatime: 0x200000,
  strictatime: 0x1000000,
} as const;

/** `["ro", "nosuid"]` for 3; bits without a word as one hexadecimal number at the end. */
export function mountFlagWords(flags: number): readonly string[] {
  const words: string[] = [];
  let rest = flags;
  for (const [word, bit] of Object.entries(MOUNT_FLAGS)) {
    if ((flags & bit) === 0) continue;
    words.push(word);
    rest &= ~bit;
  }
  if (rest !== 0) words.push(`0x${(rest >>> 0).toString(16)}`);
  return words;
}
