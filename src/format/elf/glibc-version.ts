import type { ElfFacts } from "./elf-facts.ts";

/** A glibc version as numbers that compare part by part: [2, 34]. */
export type GlibcVersion = readonly [major: number, minor: number];

/** The glibc that first defined a version name; undefined for other libraries' names and for private ones. */
export function glibcOfSymbolVersion(name: string): GlibcVersion | undefined {
  // Linking with packed relative relocations marks the file with this name instead of a number.
  if (name === "GLIBC_ABI_DT_RELR") return [2, 36];
  return parseGlibcVersion(name.startsWith("GLIBC_") ? name.slice("GLIBC_".length) : "");
}

/** "2.34" or "2.2.5" (third parts belong to old releases and do not matter). */
export function parseGlibcVersion(text: string): GlibcVersion | undefined {
  const [, major, minor] = text.match(/^(\d{1,4})\.(\d{1,4})(\.\d+)?$/) ?? [];
  return major === undefined || minor === undefined ? undefined : [Number(major), Number(minor)];
}

/** Negative, 0 or positive as `a` is older, equal or newer. */
export function compareGlibc(a: GlibcVersion, b: GlibcVersion): number {
  return a[0] - b[0] || a[1] - b[1];
}

/** The oldest glibc that a file runs with; undefined when it asks for none (static, or another libc). */
export function neededGlibc(elf: Pick<ElfFacts, "needs">): GlibcVersion | undefined {
  return newest(elf.needs.map((need) => need.version));
}

/** The version of a libc.so.6 by the newest name it defines. */
export function definedGlibc(elf: Pick<ElfFacts, "defines">): GlibcVersion | undefined {
  return newest(elf.defines);
}

function newest(names: readonly string[]): GlibcVersion | undefined {
  const versions = names.map(glibcOfSymbolVersion).filter((version) => version !== undefined);
  return versions.sort(compareGlibc).at(-1);
}
