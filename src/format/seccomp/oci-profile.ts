import { Fault } from "../../base/fault.ts";
import type { SeccompProfile } from "./profile.ts";

const DATA = 0xffff;
const ACTIONS: ReadonlyMap<number, string> = new Map([
  [0, "SCMP_ACT_KILL_THREAD"],
  [0x80000000, "SCMP_ACT_KILL_PROCESS"],
  [0x00030000, "SCMP_ACT_TRAP"],
  [0x00050000, "SCMP_ACT_ERRNO"],
  [0x7ff00000, "SCMP_ACT_TRACE"],
  [0x7ffc0000, "SCMP_ACT_LOG"],
  [0x7fff0000, "SCMP_ACT_ALLOW"],
]);
const FLAGS: readonly (readonly [number, string])[] = [
  [1, "SECCOMP_FILTER_FLAG_TSYNC"],
  [2, "SECCOMP_FILTER_FLAG_LOG"],
  [4, "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
];

/**
 * The member `linux.seccomp` of an OCI runtime configuration, which has no rules that depend on
 * capabilities or kernels: those that hold are chosen already.
 *
 * @throws Fault `unsupported` for a number that JSON cannot hold exactly.
 */
export function ociSeccomp(profile: SeccompProfile): unknown {
  return {
    ...action("defaultAction", "defaultErrnoRet", profile.defaultVerdict),
    architectures: profile.architectures,
    flags: FLAGS.filter(([bit]) => (profile.flags & bit) !== 0).map(([, name]) => name),
    syscalls: profile.rules.map(({ names, verdict, conditions }) => ({
      names,
      ...action("action", "errnoRet", verdict),
      ...(conditions.length === 0
        ? {}
        : {
            args: conditions.map(({ index, op, value, valueTwo }) => ({
              index,
              value: exact(value),
              valueTwo: exact(valueTwo),
              op: `SCMP_CMP_${op}`,
            })),
          }),
    })),
  };
}

function action(
  name: string,
  dataName: string,
  verdict: number,
): Readonly<Record<string, unknown>> {
  const data = verdict & DATA;
  const kind = ACTIONS.get(verdict) ?? ACTIONS.get(verdict - data);
  const hasData = kind === "SCMP_ACT_ERRNO" || kind === "SCMP_ACT_TRACE";
  return { [name]: kind, ...(hasData ? { [dataName]: data } : {}) };
}

function exact(value: bigint): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw new Fault(
    "unsupported",
    `Cannot hand the number ${value} of a seccomp rule to an OCI runtime`,
  );
}
