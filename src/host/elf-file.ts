import { type ElfFacts, elfFacts } from "../format/elf/elf-facts.ts";
import { close, O_NONBLOCK, O_RDONLY, open, pread } from "./syscall.ts";

/**
 * Facts of an ELF file of this machine, symbolic links followed; undefined when it is missing or
 * none. About a dozen small reads, whatever its size.
 */
export function elfFile(path: string): ElfFacts | undefined {
  // Not blocking: the path may turn out to be a FIFO.
  const fd = open(path, O_RDONLY | O_NONBLOCK);
  if (fd < 0) return undefined;
  try {
    return elfFacts((offset, length) => {
      const buffer = new Uint8Array(length);
      return buffer.subarray(0, Math.max(pread(fd, buffer, offset), 0));
    });
  } finally {
    close(fd);
  }
}
