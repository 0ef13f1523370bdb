import type { RegistryReference } from "../../format/oci/reference.ts";
import { ConnectionFault } from "../../registry/http/connection-fault.ts";
import { HttpFault } from "../../registry/http/http-fault.ts";
import { mirrorsOf } from "../../registry/mirror/mirrors.ts";
import type { RemoteAccess } from "./access.ts";

/**
 * What `ask` gives for the first place that has the image: its mirrors in their order, then the registry
 * that its address names, or the place where that one's images were moved. A mirror that does not answer
 * or does not have it is passed over, and told.
 */
export async function askMirrors<T>(
  image: RegistryReference,
  access: RemoteAccess,
  ask: (source: RegistryReference, access: RemoteAccess) => Promise<T>,
): Promise<T> {
  for (const mirror of access.offline ? [] : mirrorsOf(image, access.mirrors)) {
    try {
      const noHttps = access.noHttps || mirror.isInsecure;
      return await ask(mirror.image, { ...access, noHttps });
    } catch (error) {
      const isTheirs = error instanceof HttpFault || error instanceof ConnectionFault;
      if (!isTheirs || mirror.isLast || access.signal.aborted) throw error;
      const { registry } = mirror.image;
      access.talk.info(`The mirror ${registry} does not have it (${error.message})`);
    }
  }
  return await ask(image, access);
}
