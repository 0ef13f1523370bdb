import { type FileView, resolveIn } from "../../base/file-view.ts";

/** GOARCH name by e_machine; of two, the one for little and the one for big endian. */
const MACHINES: Readonly<Record<number, readonly [little: string, big: string]>> = {
  3: ["386", "386"],
  8: ["mipsle", "mips"],
  21: ["ppc64le", "ppc64"],
  22: ["s390x", "s390x"],
  40: ["arm", "arm"],
  62: ["amd64", "amd64"],
  183: ["arm64", "arm64"],
  243: ["riscv64", "riscv64"],
  258: ["loong64", "loong64"],
};

/** Programs that nearly every root has one of. */
const PROGRAMS = [
  "/bin/bash",
  "/bin/sh",
  "/bin/ls",
  "/bin/cat",
  "/bin/busybox",
  "/usr/bin/env",
  "/lib64/libc.so.6",
  "/lib/libc.so.6",
];

/** Architecture of the programs in a root (GOARCH name), or undefined when it has none that is known. */
export function rootArchitecture(view: FileView): string | undefined {
  for (const path of PROGRAMS) {
    const found = resolveIn(view, path);
    const content = found.entry?.kind === "file" ? view.read(found.path) : undefined;
    const arch = content === undefined ? undefined : elfArchitecture(content);
    if (arch !== undefined) return arch;
  }
  return undefined;
}

/** Architecture in the header of an ELF file, or undefined for anything else. */
export function elfArchitecture(bytes: Uint8Array): string | undefined {
  if (bytes.length < 20 || bytes[0] !== 0x7f) return undefined;
  if (String.fromCharCode(bytes[1] ?? 0, bytes[2] ?? 0, bytes[3] ?? 0) !== "ELF") return undefined;
  const is64 = bytes[4] === 2;
  const isBig = bytes[5] === 2;
  const [low, high] = isBig ? [bytes[19], bytes[18]] : [bytes[18], bytes[19]];
  const name = MACHINES[(low ?? 0) | ((high ?? 0) << 8)]?.[isBig ? 1 : 0];
  // One machine number for both word sizes.
  return is64 && name?.startsWith("mips") ? name.replace("mips", "mips64") : name;
}
