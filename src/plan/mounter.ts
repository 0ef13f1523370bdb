import { Fault } from "../base/fault.ts";
import type { HostFacts, ImageFacts } from "./facts.ts";
import type { Mounter } from "./plan.ts";

const FUSE_WHY = "an ordinary user mounts images through FUSE";

/**
 * How a packed file system is mounted here: by the kernel where the caller is root, else through
 * FUSE, else (squashfs only) unpacked first (reference: runtime.md 4.7).
 *
 * @throws Fault `missing-tool` or `unsupported` when there is no way.
 */
export function chooseMounter(
  fstype: "squashfs" | "ext3",
  path: string,
  host: HostFacts,
  options: { readonly userNamespace: boolean; readonly unpack: boolean },
): Mounter {
  if (options.unpack && fstype === "squashfs") return unpacker(path, host, "--unsquash");
  if (!options.userNamespace && canLoop(host, fstype)) {
    return { kind: "loop", why: "root mounts through a kernel loop device" };
  }
  if (fstype === "ext3") {
    const tool = host.tool("fuse2fs");
    if (tool !== undefined && host.fuse) {
      const takesOffset = host.programHolds(tool, "offset=<bytes>");
      return { kind: "fuse", tool, setsOwner: false, takesOffset, why: FUSE_WHY };
    }
    throw tool === undefined ? missing("fuse2fs", "fuse2fs", path) : noFuse(path);
  }
  const installed = host.tool("squashfuse_ll") ?? host.tool("squashfuse");
  const words = installed === undefined ? host.carriedTool("squashfuse_ll") : [installed];
  const tool = words?.at(-1);
  if (tool !== undefined && host.fuse) {
    const loader = words?.slice(0, -1) ?? [];
    const setsOwner = host.programHolds(tool, "uid=%d");
    return {
      kind: "fuse",
      tool,
      ...(loader.length === 0 ? {} : { loader }),
      setsOwner,
      takesOffset: true,
      why: FUSE_WHY,
    };
  }
  return unpacker(
    path,
    host,
    tool === undefined ? "squashfuse is not installed" : "/dev/fuse cannot be opened",
  );
}

/**
 * The program that lays file systems over each other where the kernel's overlay cannot: above a
 * layer that FUSE serves and that takes writes, on kernels before 5.11, or because the configuration
 * says so. Absent: the kernel's overlay is used.
 *
 * @throws Fault `missing-tool` or `unsupported` when it is needed and cannot be had.
 */
export function chooseOverlayTool(
  path: string,
  host: HostFacts,
  why: string | undefined,
): { readonly path: string; readonly why: string } | undefined {
  if (why === undefined) return undefined;
  const tool = host.tool("fuse-overlayfs");
  if (tool === undefined) throw missing("fuse-overlayfs", "fuse-overlayfs", path);
  if (!host.fuse) throw noFuse(path);
  return { path: tool, why };
}

function noFuse(path: string): Fault {
  return new Fault(
    "unsupported",
    `Cannot mount "${path}": image driver mount failure: /dev/fuse cannot be opened`,
    {
      hint: "load the fuse module and make /dev/fuse readable and writable for users (mode 0666)",
    },
  );
}

function unpacker(path: string, host: HostFacts, why: string): Mounter {
  const tool = host.tool("unsquashfs");
  if (tool === undefined) throw missing("squashfuse", "squashfuse or squashfs-tools", path);
  return { kind: "unpack", tool, why };
}

function missing(tool: string, packages: string, path: string): Fault {
  return new Fault("missing-tool", `Cannot mount "${path}": ${tool} is not installed`, {
    hint: `install the package ${packages}`,
  });
}

function canLoop(host: HostFacts, fstype: "squashfs" | "ext3"): boolean {
  if (host.files.lstat("/dev/loop-control") === undefined) return false;
  return isKernelFilesystem(host, fstype);
}

/** Whether the kernel mounts such file systems. */
export function isKernelFilesystem(host: HostFacts, fstype: "squashfs" | "ext3"): boolean {
  const known = host.files.read("/proc/filesystems");
  if (known === undefined) return false;
  const text = String.fromCharCode(...known);
  return (
    text.includes(`\t${fstype === "ext3" ? "ext4" : "squashfs"}\n`) ||
    text.includes(`\t${fstype}\n`)
  );
}

/** Kind of root that this version can start; encrypted ones need keys. */
export function rootFstype(image: ImageFacts): "directory" | "squashfs" | "ext3" {
  if (image.clear !== undefined) return "squashfs";
  if (image.rootKind === "encrypted-squashfs" || image.rootKind === "gocryptfs-squashfs") {
    throw new Fault(
      "unsupported",
      `Cannot start "${image.path}": its root file system is encrypted, which this version cannot open`,
      {
        hint: "build the image without --encrypt",
      },
    );
  }
  return image.rootKind;
}
