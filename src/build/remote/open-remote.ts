import { Fault } from "../../base/fault.ts";
import { parseImageAddress } from "../../format/oci/image-address.ts";
import type { OciImage } from "../../format/oci/oci-image.ts";
import { requestedVersion } from "../../format/oci/reference.ts";
import { openRegistryImage } from "../../registry/oci/open-image.ts";
import { type RemoteAccess, registryOf, type Step } from "./access.ts";
import { tellWaiting } from "./tell-waiting.ts";

/** Opens the image of a `docker://` address for a build: its layers start to come at once, by way of the cache. */
export async function openRemoteImage(text: string, access: RemoteAccess): Promise<OciImage> {
  const address = parseImageAddress(text);
  if (address?.kind !== "docker") {
    throw new Fault("unsupported", `Cannot build from "${text}": it is no docker:// address`);
  }
  let step: Step | undefined;
  const { image } = address;
  const opened = await openRegistryImage(
    {
      registry: registryOf(access, image.registry),
      http: access.http,
      image,
      text,
      wish: access.wish,
      places: access.places,
      concurrency: access.concurrency,
      hooks: {
        onBytes: (done) => step?.update(done),
        onWait: tellWaiting(access.talk),
        note: (line) => access.talk.info(line),
        signal: access.signal,
      },
    },
    requestedVersion(image),
  );
  const count = opened.layers.length;
  if (opened.missingBytes() > 0) {
    const sum = opened.layers.reduce((all, layer) => all + layer.sizeBytes, 0);
    step = access.step(`Fetching ${count} layer${count === 1 ? "" : "s"} of ${text}`, sum);
  }
  const end = (): void => step?.finish();
  // A failure is met again by whoever opens the layer.
  opened.fetchLayers().then(end, end);
  return opened;
}
