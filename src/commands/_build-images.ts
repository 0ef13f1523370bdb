import { Fault } from "../base/fault.ts";
import { type RemoteAccess, registryOf, type Step } from "../build/remote/access.ts";
import { askMirrors } from "../build/remote/ask-mirrors.ts";
import { localImage } from "../build/remote/local-image.ts";
import { transferHooks } from "../build/remote/transfer-hooks.ts";
import type { Invocation } from "../cli/invocation.ts";
import { type ImageAddress, parseImageAddress } from "../format/oci/image-address.ts";
import type { OciImage } from "../format/oci/oci-image.ts";
import { openRegistryImage } from "../registry/oci/open-image.ts";
import type { Context } from "../terminal/context.ts";
import { type OpenedAccess, openAccess } from "./_remote-access.ts";

/** Images elsewhere that a build begins with. */
export interface BuildImages {
  /** The image of a registry; its layers are fetched when the first is read. */
  open(address: string): Promise<OciImage>;
  /** Path of an image file, fetched first where needed. */
  fetch(address: string): Promise<string>;
  close(): void;
}

/** Opens what headers name, as the flags of a build and the configuration say. */
export function buildImages(inv: Invocation, ctx: Context): BuildImages {
  let opened: OpenedAccess | undefined;
  const access = (): RemoteAccess => {
    opened ??= openAccess(inv, ctx);
    return opened.access;
  };
  return {
    open: (address) => openImage(parsed(address), access()),
    fetch: (address) => localImage(parsed(address), access()),
    close: () => opened?.close(),
  };
}

function parsed(address: string): ImageAddress {
  const image = parseImageAddress(address);
  if (image === undefined) throw new Fault("usage", `Cannot read the image address "${address}"`);
  return image;
}

async function openImage(address: ImageAddress, access: RemoteAccess): Promise<OciImage> {
  if (address.kind !== "docker") {
    throw new Fault("unsupported", `Cannot read layers of "${address.text}"`);
  }
  const { image, text } = address;
  let step: Step | undefined;
  const opened = await askMirrors(image, access, (source, theirs) =>
    openRegistryImage({
      registry: registryOf(theirs, source.registry),
      http: access.http,
      image: source,
      text,
      wish: access.wish,
      places: access.places,
      concurrency: access.concurrency,
      hooks: transferHooks(access, () => step),
    }),
  );
  const { layers } = opened;
  // Fetched all at once when the first is read: a build whose base is kept reads none.
  let isFetching = false;
  const fetchAll = (): void => {
    if (isFetching) return;
    isFetching = true;
    const sum = layers.reduce((all, layer) => all + layer.sizeBytes, 0);
    step = access.step(`Fetching ${layers.length} layer${layers.length === 1 ? "" : "s"}`, sum);
    // A layer that cannot be fetched is met when it is read.
    opened
      .fetchLayers()
      .catch(() => {})
      .finally(() => step?.finish());
  };
  return {
    ...opened,
    layers: layers.map((layer) => ({
      ...layer,
      open: () => {
        fetchAll();
        return layer.open();
      },
    })),
  };
}
