/** Words for the C preprocessor that make a header of the kernel give the numbers of an architecture. */
const HEADERS: Readonly<Record<"x64" | "x86" | "x32" | "arm64", readonly string[]>> = {
  x64: ["-include", "asm/unistd_64.h"],
  x86: ["-include", "asm/unistd_32.h"],
  x32: ["-D__X32_SYSCALL_BIT=0x40000000", "-include", "asm/unistd_x32.h"],
  // What arch/arm64/include/uapi/asm/unistd.h asks of the table that newer architectures share.
  arm64: [
    ...[
      "RENAMEAT",
      "NEW_STAT",
      "SET_GET_RLIMIT",
      "TIME32_SYSCALLS",
      "SYS_CLONE3",
      "MEMFD_SECRET",
    ].map((part) => `-D__ARCH_WANT_${part}`),
    ...["-include", "asm-generic/unistd.h"],
  ],
};

/** Bounds, not calls. */
const NO_CALLS = new Set(["__NR_syscalls", "__NR_arch_specific_syscall"]);

/**
 * Numbers of the system calls by the kernel's headers on this machine; a text that says why there are
 * none. The table of arm64 is there on every machine, those of x86 only on such.
 */
export function kernelNumbers(arch: keyof typeof HEADERS): ReadonlyMap<string, number> | string {
  if (arch !== "arm64" && process.arch !== "x64") return "the headers here are those of arm64";
  const argv = ["cc", "-E", "-dM", ...HEADERS[arch], "-x", "c", "/dev/null"];
  if (Bun.which("cc") === null) return "there is no C compiler";
  const done = Bun.spawnSync(argv, { stdin: "ignore" });
  if (done.exitCode !== 0) return `the kernel's headers lack ${HEADERS[arch].at(-1)}`;
  const texts = new Map<string, string>();
  for (const [, name = "", text = ""] of done.stdout
    .toString()
    .matchAll(/^#define (__NR\w+) \(?(?:__X32_SYSCALL_BIT *\+ *)?(\w+)\)?$/gm)) {
    texts.set(name, text);
  }
  const numbers = new Map<string, number>();
  for (const [name, text] of texts) {
    const number = Number(texts.get(text) ?? text);
    if (name.startsWith("__NR_") && !NO_CALLS.has(name)) numbers.set(name.slice(5), number);
  }
  return numbers;
}
