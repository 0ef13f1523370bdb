import { statFollow } from "../host-files.ts";
import { access, R_OK, W_OK } from "../syscall.ts";
import type { Check, ProbeInput } from "./check.ts";

/** Loop devices, with which root mounts images without FUSE. */
export async function probeLoopDevices({ host }: ProbeInput): Promise<readonly Check[]> {
  const base = { id: "loop", name: "loop devices" };
  if (!host.isRealRoot) return [{ ...base, state: "ok", found: "not used by ordinary users" }];
  const path = "/dev/loop-control";
  if (statFollow(path) !== undefined && access(path, R_OK | W_OK) === 0) {
    return [{ ...base, state: "ok", found: path }];
  }
  const means = "root mounts images with FUSE instead";
  return [{ ...base, state: "limited", found: `no ${path}`, means, remedy: "modprobe loop" }];
}
