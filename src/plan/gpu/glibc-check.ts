import { baseName } from "../../base/path.ts";
import type { Notice } from "../plan.ts";
import type { GlibcRelease, GpuHost, ImageLibc } from "./gpu-facts.ts";

/**
 * Sorts out host files that cannot be loaded in the image. A library that needs a newer glibc than
 * the image has would break every program that loads it ("version `GLIBC_2.38' not found"), also
 * those that would have found their own copy; so it is left out, and that is said once.
 */
export class GlibcCheck {
  readonly #gpu: GpuHost;
  readonly #libc: ImageLibc | undefined;
  readonly #tooNew: { readonly name: string; readonly needs: GlibcRelease }[] = [];
  readonly #foreign: string[] = [];

  /** `libc` undefined: nothing is known about the image, so everything passes. */
  constructor(gpu: GpuHost, libc: ImageLibc | undefined) {
    this.#gpu = gpu;
    this.#libc = libc;
  }

  /** Whether the file at `path` can run in the image; files that are not ELF (scripts) can. */
  accepts(path: string): boolean {
    if (this.#libc === undefined) return true;
    const elf = this.#gpu.elf(path);
    if (elf === undefined) return true;
    if (this.#libc.kind === "musl") {
      // Shared libraries and dynamic programs alike: glibc's loader is not there.
      if (elf.needsGlibc === undefined && elf.soname === undefined) return true;
      this.#foreign.push(baseName(path));
      return false;
    }
    if (elf.needsGlibc === undefined || !isNewer(elf.needsGlibc, this.#libc.release)) return true;
    this.#tooNew.push({ name: baseName(path), needs: elf.needsGlibc });
    return false;
  }

  /** At most one line about what was refused; `what` names the files: "nv". */
  notices(what: string): readonly Notice[] {
    if (this.#libc?.kind === "musl" && this.#foreign.length > 0) {
      const text = `Not binding the ${what} files of this host: they need glibc and the image has musl`;
      return [{ level: "warning", text }];
    }
    if (this.#libc?.kind !== "glibc" || this.#tooNew.length === 0) return [];
    const newest = this.#tooNew.map((file) => file.needs).reduce((a, b) => (isNewer(b, a) ? b : a));
    const names = [...new Set(this.#tooNew.map((file) => file.name))];
    const text =
      `Not binding ${names.join(", ")} of this host: ${names.length === 1 ? "it needs" : "they need up to"} ` +
      `glibc ${newest.join(".")} and the image has ${this.#libc.release.join(".")}`;
    return [{ level: "warning", text }];
  }
}

function isNewer(a: GlibcRelease, b: GlibcRelease): boolean {
  return a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]);
}
