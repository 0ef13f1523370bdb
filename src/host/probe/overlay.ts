import { attempt } from "./_attempt.ts";
import { installLine } from "./_packages.ts";
import type { Check, ProbeInput } from "./check.ts";

/** Everything in one private tmpfs, so that nothing is left when the namespace goes. */
const TRY_OVERLAY = `
mount -t tmpfs skiff-doctor /tmp && cd /tmp && mkdir l u w m && echo 1 > l/f &&
mount -t overlay -o lowerdir=l,upperdir=u,workdir=w,userxattr skiff-doctor m && echo 2 > m/f`;

/** Overlay file systems in a user namespace, tried for real. */
export async function probeOverlay({ host }: ProbeInput): Promise<readonly Check[]> {
  const base = { id: "overlay.kernel", name: "overlay" };
  const unshare = host.tool("unshare");
  if (unshare === undefined) {
    const means = "unshare is not there to try one";
    return [
      { ...base, state: "limited", found: "not tried", means, remedy: installLine("unshare") },
    ];
  }
  const argv = [unshare, "--user", "--map-root-user", "--mount", "sh", "-c", TRY_OVERLAY];
  const tried = await attempt(argv, host.env);
  if (tried.ok) return [{ ...base, state: "ok", found: "the kernel's, also for ordinary users" }];
  const hasHelper = host.tool("fuse-overlayfs") !== undefined && host.fuse;
  return [
    {
      ...base,
      state: "limited",
      found: hasHelper ? "fuse-overlayfs only" : "not for ordinary users",
      means: hasHelper
        ? "writable layers work, slower; read-only images use bind mounts instead"
        : "no --writable-tmpfs and no --overlay; missing mount points are made from bind mounts",
      remedy: hasHelper ? "use Linux 5.11 or newer" : installLine("fuse-overlayfs"),
    },
  ];
}
