/** Machine names of uname(2) with the GOARCH name and the ELF machine number of each. */
const ARCHITECTURES: readonly (readonly [uname: string, arch: string, elfMachine: number])[] = [
  ["x86_64", "amd64", 62],
  ["i386", "386", 3],
  ["i486", "386", 3],
  ["i586", "386", 3],
  ["i686", "386", 3],
  ["aarch64", "arm64", 183],
  ["armv6l", "arm", 40],
  ["armv7l", "arm", 40],
  ["armv8l", "arm", 40],
  ["ppc64le", "ppc64le", 21],
  ["ppc64", "ppc64", 21],
  ["riscv64", "riscv64", 243],
  ["s390x", "s390x", 22],
  ["loongarch64", "loong64", 258],
];

/** GOARCH name of a uname(2) machine; the machine's own name when it is not known. */
export function archOfMachine(machine: string): string {
  return ARCHITECTURES.find(([uname]) => uname === machine)?.[1] ?? machine;
}

/** e_machine of ELF files for a GOARCH name; undefined for an unknown one. */
export function elfMachineOf(arch: string): number | undefined {
  return ARCHITECTURES.find(([, name]) => name === arch)?.[2];
}
