/** GOARCH name by the machine name of uname(2), and the ELF machine numbers behind it. */
const ARCHITECTURES: readonly (readonly [uname: RegExp, arch: string, elfMachine: number])[] = [
  [/^x86_64$/, "amd64", 62],
  [/^i[3-6]86$/, "386", 3],
  [/^aarch64$/, "arm64", 183],
  [/^arm/, "arm", 40],
  [/^ppc64le$/, "ppc64le", 21],
  [/^ppc64$/, "ppc64", 21],
  [/^riscv64$/, "riscv64", 243],
  [/^s390x$/, "s390x", 22],
  [/^loongarch64$/, "loong64", 258],
  [/^mips64$/, "mips64le", 8],
];

/** GOARCH name of a uname(2) machine; the machine's own name when it is not known. */
export function archOfMachine(machine: string): string {
  return ARCHITECTURES.find(([pattern]) => pattern.test(machine))?.[1] ?? machine;
}

/** e_machine of ELF files for a GOARCH name; undefined for an unknown one. */
export function elfMachineOf(arch: string): number | undefined {
  return ARCHITECTURES.find(([, name]) => name === arch)?.[2];
}
