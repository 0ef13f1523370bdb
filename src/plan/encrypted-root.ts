import { Fault } from "../base/fault.ts";
import type { ClearRoot, HostFacts, ImageFacts } from "./facts.ts";
import { chooseMounter, isKernelFilesystem } from "./mounter.ts";
import type { Mounter, Volume } from "./plan.ts";

/**
 * How an encrypted root is mounted: by file servers, or from a device of the kernel, so that it is in
 * clear in memory only.
 *
 * @throws Fault `missing-tool` or `unsupported` when there is no way.
 */
export function clearMounter(
  image: ImageFacts,
  clear: ClearRoot,
  host: HostFacts,
  options: { readonly userNamespace: boolean; readonly unpack: boolean },
): Partial<Volume> & { readonly mounter: Mounter } {
  if (options.unpack) {
    throw refuse(
      image,
      "unsupported",
      "an encrypted image is never unpacked, its files would stand in clear on disk",
      "leave --unsquash out",
    );
  }
  if (clear.kind === "device") return deviceMounter(image, clear.fd, host, options);
  const tool = host.tool("gocryptfs");
  if (tool === undefined) {
    const hint = "install the package gocryptfs";
    throw refuse(image, "missing-tool", "gocryptfs is not installed", hint);
  }
  const mounter = served(image, host);
  return { mounter, cipher: { tool, file: clear.file, keyFd: clear.keyFd } };
}

/** In a user namespace the kernel mounts no devices: there a file server reads it. */
function deviceMounter(
  image: ImageFacts,
  fd: number,
  host: HostFacts,
  { userNamespace }: { readonly userNamespace: boolean },
): Partial<Volume> & { readonly mounter: Mounter } {
  if (!userNamespace && isKernelFilesystem(host, "squashfs")) {
    return { mounter: { kind: "device", fd, why: "root mounts what dm-crypt decrypts" } };
  }
  return { path: `/dev/fd/${fd}`, offsetBytes: 0, mounter: served(image, host) };
}

function served(image: ImageFacts, host: HostFacts): Mounter {
  const options = { userNamespace: true, unpack: false };
  const mounter = chooseMounter("squashfs", image.path, host, options);
  if (mounter.kind === "fuse") return mounter;
  throw refuse(
    image,
    "unsupported",
    "an encrypted image needs squashfuse and an open /dev/fuse",
    "install the package squashfuse, and make /dev/fuse readable and writable for users",
  );
}

function refuse(
  image: ImageFacts,
  code: "unsupported" | "missing-tool",
  why: string,
  hint: string,
): Fault {
  return new Fault(code, `Cannot mount "${image.path}": ${why}`, { hint });
}
