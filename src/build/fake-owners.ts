import { compileSeccomp } from "../format/seccomp/compile.ts";
import type { SeccompProfile } from "../format/seccomp/profile.ts";

const ALLOW = 0x7fff0000;
/** SECCOMP_RET_ERRNO with the errno 0: the call is not made, and appears to have succeeded. */
const DONE = 0x00050000;

/** SECCOMP_RET_USER_NOTIF: who listens makes the call, or says that it was made. */
const LISTENER = 0x7fc00000;

const S_IFMT = 0o170000n;
const S_IFCHR = 0o20000n;
const S_IFBLK = 0o60000n;

/** Calls that only change whose something is; and those that change as whom one runs. */
const OWNERS = ["chown", "chown32", "lchown", "lchown32", "fchown", "fchown32", "fchownat"];
const IDS = [
  ...["setuid", "setuid32", "setgid", "setgid32", "setreuid", "setreuid32", "setregid"],
  ...["setregid32", "setresuid", "setresuid32", "setresgid", "setresgid32", "setfsuid"],
  ...["setfsuid32", "setfsgid", "setfsgid32", "setgroups", "setgroups32"],
];

const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  amd64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
  arm64: ["SCMP_ARCH_AARCH64"],
};

/**
 * A filter for builds in which only one user id exists: changing owners, becoming another user and
 * making device nodes appear to succeed, without anything being done. No library is put into the
 * programs, so that any libc and static programs do.
 *
 * @param owners what becomes of changes of owners: `done` at once, or `noted` by who listens (op `owners`).
 * @param arch GOARCH name of the machine.
 * @returns records as the `seccomp` op takes them; undefined for machines without a table.
 */
export function fakeOwnersFilter(owners: "done" | "noted", arch: string): Uint8Array | undefined {
  const architectures = ARCHITECTURES[arch];
  if (architectures === undefined) return undefined;
  const devices = [
    ["mknod", 1],
    ["mknodat", 2],
  ] as const;
  const profile: SeccompProfile = {
    defaultVerdict: ALLOW,
    architectures,
    flags: 0,
    rules: [
      { names: OWNERS, verdict: owners === "done" ? DONE : LISTENER, conditions: [] },
      { names: IDS, verdict: DONE, conditions: [] },
      ...devices.flatMap(([name, index]) =>
        [S_IFCHR, S_IFBLK].map((kind) => ({
          names: [name],
          verdict: DONE,
          conditions: [{ index, op: "MASKED_EQ", value: S_IFMT, valueTwo: kind } as const],
        })),
      ),
    ],
  };
  return compileSeccomp(profile);
}
