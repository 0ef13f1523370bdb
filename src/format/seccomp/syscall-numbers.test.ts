import { expect } from "bun:test";
import { kernelNumbers } from "../../../test/support/kernel-headers.ts";
import { testUnless } from "../../../test/support/skip.ts";
import { type SeccompArchitecture, syscallNumbers } from "./syscall-numbers.ts";

const X32_BIT = 0x40000000;

for (const [architecture, arch, added] of [
  ["SCMP_ARCH_X86_64", "x64", 0],
  ["SCMP_ARCH_X86", "x86", 0],
  ["SCMP_ARCH_X32", "x32", X32_BIT],
  ["SCMP_ARCH_AARCH64", "arm64", 0],
] as const satisfies readonly (readonly [SeccompArchitecture, string, number])[]) {
  const headers = kernelNumbers(arch);
  testUnless(typeof headers === "string" ? headers : undefined)(
    `syscallNumbers() has what the kernel's headers have for ${architecture}`,
    () => {
      if (typeof headers === "string") return;
      const own = syscallNumbers(architecture);
      const differing = [...headers].filter(
        ([name, number]) => own?.get(name) !== undefined && own.get(name) !== number + added,
      );
      expect(differing).toEqual([]);
      // What a kernel newer than the table has is no fault; what 6.1 had is not left out.
      const missing = [...headers].filter(([name, number]) => number <= 450 && !own?.has(name));
      expect(missing).toEqual([]);
    },
  );
}
