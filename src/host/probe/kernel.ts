import type { Check, ProbeInput } from "./check.ts";

/** The oldest kernel whose user namespaces can mount FUSE. */
const OLDEST: readonly [number, number] = [4, 18];

/** Kernel version, architecture and emulators for others. */
export async function probeKernel({ host }: ProbeInput): Promise<readonly Check[]> {
  const [major, minor] = host.kernelVersion;
  const isOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
  const found = `${host.kernel}, ${host.arch}`;
  const others = ["amd64", "arm64", "ppc64le", "riscv64", "s390x"].filter(
    (arch) => arch !== host.arch && host.hasBinfmt(arch),
  );
  const emulators = others.length === 0 ? "none registered" : others.join(", ");
  return [
    isOld
      ? {
          id: "kernel",
          name: "kernel",
          state: "limited",
          found,
          means: "FUSE cannot be mounted in user namespaces: images are unpacked before they run",
          remedy: `use Linux ${OLDEST.join(".")} or newer`,
        }
      : { id: "kernel", name: "kernel", state: "ok", found },
    { id: "binfmt", name: "images of other architectures", state: "ok", found: emulators },
  ];
}
