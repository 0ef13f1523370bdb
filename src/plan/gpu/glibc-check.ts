import { baseName } from "../../base/path.ts";
import type { Notice } from "../plan.ts";
import type { GlibcRelease, GpuFacts } from "./gpu-facts.ts";

/**
 * Sorts out host files that cannot be loaded in the image. A library that needs a newer glibc than
 * the image has would break every program that loads it ("version `GLIBC_2.38' not found"), also
 * those that would have found their own copy; so it is left out, and that is said once.
 */
export class GlibcCheck {
  readonly #facts: Pick<GpuFacts, "gpu" | "libc">;
  readonly #tooNew: { readonly name: string; readonly needs: GlibcRelease }[] = [];
  readonly #foreign: string[] = [];

  /** The image is looked at for the first ELF file: finding its libc takes a while in a packed one. */
  constructor(facts: Pick<GpuFacts, "gpu" | "libc">) {
    this.#facts = facts;
  }

  /**
   * Whether the file at `path` can run in the image. Files that are not ELF (scripts) can; where
   * nothing is known about the image's libc, all can.
   */
  accepts(path: string): boolean {
    const elf = this.#facts.gpu.elf(path);
    if (elf === undefined) return true;
    const { libc } = this.#facts;
    if (libc === undefined) return true;
    if (libc.kind === "musl") {
      // Shared libraries and dynamic programs alike: glibc's loader is not there.
      if (elf.needsGlibc === undefined && elf.soname === undefined) return true;
      this.#foreign.push(baseName(path));
      return false;
    }
    if (elf.needsGlibc === undefined || !isNewer(elf.needsGlibc, libc.release)) return true;
    this.#tooNew.push({ name: baseName(path), needs: elf.needsGlibc });
    return false;
  }

  /** At most one line about what was refused; `what` names the files: "nv". */
  notices(what: string): readonly Notice[] {
    if (this.#foreign.length > 0) {
      const text = `Not binding the ${what} files of this host: they need glibc and the image has musl`;
      return [{ level: "warning", text }];
    }
    const { libc } = this.#tooNew.length === 0 ? { libc: undefined } : this.#facts;
    if (libc?.kind !== "glibc") return [];
    const newest = this.#tooNew.map((file) => file.needs).reduce((a, b) => (isNewer(b, a) ? b : a));
    const names = [...new Set(this.#tooNew.map((file) => file.name))];
    const text =
      `Not binding ${names.join(", ")} of this host: ${names.length === 1 ? "it needs" : "they need up to"} ` +
      `glibc ${newest.join(".")} and the image has ${libc.release.join(".")}`;
    return [{ level: "warning", text }];
  }
}

function isNewer(a: GlibcRelease, b: GlibcRelease): boolean {
  return a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]);
}
