import { Fault } from "../base/fault.ts";
import type { HostFacts, ImageFacts } from "./facts.ts";
import { chooseMounter } from "./mounter.ts";
import type { Mounter, Volume } from "./plan.ts";

/**
 * How an encrypted root is mounted: always by file servers, so that it is in clear in memory only.
 *
 * @throws Fault `missing-tool` or `unsupported` when there is no way.
 */
export function cipherMounter(
  image: ImageFacts,
  clear: NonNullable<ImageFacts["clear"]>,
  host: HostFacts,
  unpack: boolean,
): { readonly mounter: Mounter; readonly cipher: NonNullable<Volume["cipher"]> } {
  const refuse = (code: "unsupported" | "missing-tool", why: string, hint: string): Fault =>
    new Fault(code, `Cannot mount "${image.path}": ${why}`, { hint });
  if (unpack) {
    throw refuse(
      "unsupported",
      "an encrypted image is never unpacked, its files would stand in clear on disk",
      "leave --unsquash out",
    );
  }
  const tool = host.tool("gocryptfs");
  if (tool === undefined) {
    throw refuse("missing-tool", "gocryptfs is not installed", "install the package gocryptfs");
  }
  const mounter = chooseMounter("squashfs", image.path, host, { userNamespace: true, unpack });
  if (mounter.kind !== "fuse") {
    throw refuse(
      "unsupported",
      "an encrypted image needs squashfuse and an open /dev/fuse",
      "install the package squashfuse, and make /dev/fuse readable and writable for users",
    );
  }
  return { mounter, cipher: { tool, file: clear.file, keyFd: clear.keyFd } };
}
