import { elfMachineOf } from "./_arch.ts";

/**
 * Whether one entry of /proc/sys/fs/binfmt_misc takes programs of an architecture:
 *
 *   enabled
 *   interpreter /usr/bin/qemu-aarch64-static
 *   flags: F
 *   offset 0
 *   magic 7f454c460201010000000000000000000200b700
 *   mask ffffffffffffff00fffffffffffffffffeffffff
 *
 * The ELF machine is the two bytes at offset 18 of the magic; the byte at 5 says their order.
 */
export function isBinfmtFor(entry: string, arch: string): boolean {
  const machine = elfMachineOf(arch);
  if (machine === undefined || !/^enabled$/m.test(entry) || !/^offset 0$/m.test(entry))
    return false;
  const magic = entry.match(/^magic (7f454c46[0-9a-f]{32,})$/m)?.[1];
  if (magic === undefined) return false;
  const byte = (at: number) => Number.parseInt(magic.slice(at * 2, at * 2 + 2), 16);
  const isBigEndian = byte(5) === 2;
  return machine === (isBigEndian ? byte(18) * 256 + byte(19) : byte(19) * 256 + byte(18));
}
