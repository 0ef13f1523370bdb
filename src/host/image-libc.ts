import { type FileView, resolveIn } from "../base/file-view.ts";
import { baseName } from "../base/path.ts";
import { elfFacts } from "../format/elf/elf-facts.ts";
import { definedGlibc, parseGlibcVersion } from "../format/elf/glibc-version.ts";
import type { ImageLibc } from "../plan/gpu/gpu-facts.ts";

/** Where distributions keep their C library; the multiarch name is that of the machine. */
const DIRECTORIES: readonly string[] = [
  "/lib/@",
  "/lib64",
  "/usr/lib64",
  "/usr/lib/@",
  "/lib",
  "/usr/lib",
];
const MULTIARCH: Readonly<Record<string, string>> = {
  amd64: "x86_64-linux-gnu",
  arm64: "aarch64-linux-gnu",
  ppc64le: "powerpc64le-linux-gnu",
  riscv64: "riscv64-linux-gnu",
  s390x: "s390x-linux-gnu",
};

/**
 * The C library of an image: glibc by the link libc.so.6 → libc-2.31.so (up to glibc 2.33), else by
 * the newest version that libc.so.6 defines; musl by its loader. Undefined when neither is in a usual
 * place. `arch` is a GOARCH name.
 */
export function imageLibc(tree: FileView, arch: string): ImageLibc | undefined {
  for (const directory of DIRECTORIES) {
    const path = `${directory.replace("@", MULTIARCH[arch] ?? "@")}/libc.so.6`;
    const { path: real, entry } = resolveIn(tree, path);
    if (entry?.kind !== "file") continue;
    const named = parseGlibcVersion(baseName(real).match(/^libc-([0-9.]+)\.so$/)?.[1] ?? "");
    const release = named ?? readRelease(tree, real);
    if (release !== undefined) return { kind: "glibc", release };
  }
  const hasMusl = ["/lib", "/usr/lib"].some((directory) => {
    const { path } = resolveIn(tree, directory);
    return tree.list(path)?.some((name) => name.startsWith("ld-musl-")) === true;
  });
  return hasMusl ? { kind: "musl" } : undefined;
}

function readRelease(tree: FileView, path: string): ReturnType<typeof definedGlibc> {
  const bytes = tree.read(path);
  if (bytes === undefined) return undefined;
  const elf = elfFacts((offset, length) => bytes.subarray(offset, offset + length));
  return elf === undefined ? undefined : definedGlibc(elf);
}
