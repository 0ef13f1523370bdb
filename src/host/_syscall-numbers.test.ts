import { expect, test } from "bun:test";
import { kernelNumbers } from "../../test/support/kernel-headers.ts";
import { testUnless } from "../../test/support/skip.ts";
import { syscallNumbers } from "./_syscall-numbers.ts";

/** A field's name as the kernel's headers write it: memfdCreate → memfd_create. */
const kernelName = (field: string): string =>
  field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

for (const arch of ["x64", "arm64"] as const) {
  const headers = kernelNumbers(arch);
  testUnless(typeof headers === "string" ? headers : undefined)(
    `syscallNumbers() has the kernel's numbers for ${arch}`,
    () => {
      if (typeof headers === "string") return;
      const own = Object.entries(syscallNumbers(arch)).filter(([name]) => !name.startsWith("O_"));
      const differing = own.filter(([name, number]) => headers.get(kernelName(name)) !== number);
      expect(differing).toEqual([]);
    },
  );
}

test("syscallNumbers() swaps the open flags that arm64 has in other places", () => {
  const flags = (arch: string): readonly number[] => {
    const { O_DIRECTORY, O_NOFOLLOW } = syscallNumbers(arch);
    return [O_DIRECTORY, O_NOFOLLOW];
  };
  // asm-generic/fcntl.h, and arch/arm64/include/uapi/asm/fcntl.h.
  expect(flags("x64")).toEqual([0o200000, 0o400000]);
  expect(flags("arm64")).toEqual([0o40000, 0o100000]);
});
