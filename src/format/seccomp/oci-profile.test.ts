import { expect, test } from "bun:test";
import { ociSeccomp } from "./oci-profile.ts";
import { parseSeccompProfile } from "./profile.ts";

const place = { arch: "amd64", kernelVersion: [6, 1], capabilities: new Set<string>() } as const;

test("ociSeccomp() says what parseSeccompProfile() read", () => {
  const profile = {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
    flags: ["SECCOMP_FILTER_FLAG_LOG"],
    syscalls: [
      { names: ["read", "write"], action: "SCMP_ACT_ALLOW" },
      { names: ["kill"], action: "SCMP_ACT_KILL_PROCESS" },
      {
        names: ["personality"],
        action: "SCMP_ACT_ALLOW",
        args: [{ index: 0, value: 8, valueTwo: 0, op: "SCMP_CMP_EQ" }],
      },
    ],
  };
  const written = ociSeccomp(parseSeccompProfile(JSON.stringify(profile), place));
  expect(written).toEqual(profile);
  const again = parseSeccompProfile(JSON.stringify(written), place);
  expect(ociSeccomp(again)).toEqual(written);
});
