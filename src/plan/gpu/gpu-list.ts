/** A list of files for a kind of GPU (nvliblist.conf, rocmliblist.conf), by what each line means. */
export interface GpuList {
  /** Words with ".so": absolute paths, or prefixes of library names. */
  readonly libraries: readonly string[];
  /** Other absolute paths, bound at the same place. */
  readonly files: readonly string[];
  /** Other words: programs. */
  readonly binaries: readonly string[];
}

/** Reads a list: one word a line, "#" starts a comment line (reference: runtime.md section 8.1). */
export function parseGpuList(text: string): GpuList {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const isLibrary = (word: string) => word.includes(".so");
  return {
    libraries: lines.filter(isLibrary),
    files: lines.filter((word) => !isLibrary(word) && word.startsWith("/")),
    binaries: lines.filter((word) => !isLibrary(word) && !word.startsWith("/")),
  };
}
