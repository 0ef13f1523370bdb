import { Fault } from "../../base/fault.ts";
import type { ImageAddress } from "../../format/oci/image-address.ts";
import { wantedPlatform } from "../../format/oci/platform.ts";
import { OCI_CONFIG } from "../../format/ocisif/media-types.ts";
import { HttpFault } from "../../registry/http/http-fault.ts";
import type { TransferHooks } from "../../registry/oci/open-image.ts";
import { type RemoteAccess, registryOf, type Step } from "./access.ts";
import { requireRoom } from "./require-room.ts";
import { transferHooks } from "./transfer-hooks.ts";

type LibraryAddress = Extract<ImageAddress, { readonly kind: "library" }>;

/** Path of an image file on this machine, in the cache, for an address; fetched and converted first where needed. Throws a Fault. */
export async function localImage(address: ImageAddress, access: RemoteAccess): Promise<string> {
  switch (address.kind) {
    case "docker": {
      const { fetchDockerSif } = await import("./oci-sif.ts");
      return await fetchDockerSif(address, access);
    }
    case "oras": {
      const { openOrasImage } = await import("../../registry/oras/pull.ts");
      const { image, text } = address;
      return await fetchWhole(
        text,
        access,
        (hooks) =>
          openOrasImage({
            registry: registryOf(access, image.registry),
            http: access.http,
            image,
            text,
            wish: access.wish,
            places: access.places,
            concurrency: access.concurrency,
            hooks,
          }),
        { ...USUAL_WORDS, fetching: "Downloading oras image" },
      );
    }
    case "library": {
      const layered =
        access.ociSif === undefined ? undefined : await fetchLibraryLayers(address, access);
      if (layered !== undefined) return layered;
      try {
        return await fetchLibrarySif(address, access);
      } catch (error) {
        if (!(error instanceof Fault) || !error.message.includes(OCI_CONFIG)) throw error;
        access.talk.info(`${address.text} is an OCI image, attempting to fetch as an OCI-SIF`);
        return await fetchFromLibraryRegistry(address, {
          ...access,
          ociSif: { keepLayers: false },
        });
      }
    }
    case "shub": {
      const { openShubImage } = await import("../../registry/shub/pull.ts");
      const { image, text } = address;
      const { http, noHttps, places } = access;
      return await fetchWhole(
        text,
        access,
        (hooks) => openShubImage({ http, image, text, noHttps, places, hooks }),
        { ...USUAL_WORDS, fetching: "Downloading shub image" },
      );
    }
    case "http": {
      const { openHttpFile } = await import("../../registry/http-file/fetch-file.ts");
      return await fetchWhole(
        address.text,
        access,
        (hooks) => openHttpFile(access.http, address.url, access.places, hooks),
        NETWORK_WORDS,
      );
    }
    case "ipfs": {
      const { openHttpFile } = await import("../../registry/http-file/fetch-file.ts");
      const url = `${access.ipfsGateway()}/ipfs/${address.path}`;
      return await fetchWhole(address.text, access, (hooks) =>
        openHttpFile(access.http, url, access.places, hooks),
      );
    }
    case "oci":
    case "oci-archive":
    case "docker-archive": {
      const { convertLocalImage } = await import("./local-sif.ts");
      return await convertLocalImage(address.kind, address, access);
    }
    case "docker-daemon": {
      const { convertDaemonImage } = await import("./local-sif.ts");
      return await convertDaemonImage(address, access);
    }
  }
}

async function fetchLibrarySif(address: LibraryAddress, access: RemoteAccess): Promise<string> {
  const { openLibraryImage } = await import("../../registry/library/pull.ts");
  const { image, text } = address;
  return await fetchWhole(
    text,
    access,
    async (hooks) =>
      openLibraryImage({
        http: access.http,
        place: await access.findLibrary(image.host),
        image,
        text,
        arch: wantedPlatform(access.wish).arch,
        places: access.places,
        parts: { partBytes: access.partBytes, concurrency: access.concurrency },
        hooks,
      }),
    LIBRARY_WORDS,
  );
}

/**
 * `--oci`: an image of layers in the registry of a library. Undefined where there is none and the image is
 * only to be started: a SIF can be, too.
 */
async function fetchLibraryLayers(
  address: LibraryAddress,
  access: RemoteAccess,
): Promise<string | undefined> {
  try {
    return await fetchFromLibraryRegistry(address, access);
  } catch (error) {
    const isMissing =
      (error instanceof HttpFault && error.status === 404) ||
      (error instanceof Fault && error.code === "unsupported");
    if (!isMissing || access.copiedTo !== undefined) throw error;
    access.talk.verbose(error.message);
    return undefined;
  }
}

async function fetchFromLibraryRegistry(
  address: LibraryAddress,
  access: RemoteAccess,
): Promise<string> {
  const { findLibraryRegistry } = await import("../../registry/library/oci-registry.ts");
  const { fetchDockerSif } = await import("./oci-sif.ts");
  const place = await access.findLibrary(address.image.host);
  const found = await findLibraryRegistry(access.http, place, address.image);
  const { credential, image } = found;
  return await fetchDockerSif(
    { kind: "docker", text: address.text, image },
    {
      ...access,
      mirrors: [],
      noHttps: access.noHttps || found.noHttps,
      findCredential: () => Promise.resolve(credential),
    },
  );
}

/** What both kinds of whole files have. */
interface WholeFile {
  readonly sizeBytes: number | undefined;
  readonly isCached: boolean;
  fetch(): Promise<string>;
}

/** What is said of a transfer, and of none. */
interface TransferWords {
  readonly fetching: string;
  readonly cached: string;
}

const USUAL_WORDS: TransferWords = { fetching: "Fetching", cached: "Using cached SIF image" };
/* As the reference tools have it for each kind; callers look for it. */
const LIBRARY_WORDS: TransferWords = {
  fetching: "Downloading library image",
  cached: "Using cached image",
};
const NETWORK_WORDS: TransferWords = {
  fetching: "Downloading network image",
  cached: "Using image from cache",
};

async function fetchWhole(
  text: string,
  access: RemoteAccess,
  open: (hooks: TransferHooks) => Promise<WholeFile>,
  words: TransferWords = USUAL_WORDS,
): Promise<string> {
  let step: Step | undefined;
  if (access.offline) {
    throw new Fault("not-found", `Cannot use ${text} offline: only its server knows what it is`);
  }
  const file = await open(transferHooks(access, () => step));
  if (file.isCached) access.talk.info(words.cached);
  else {
    const sizeBytes = file.sizeBytes ?? 0;
    requireRoom(access, sizeBytes, sizeBytes, text);
    step = access.step(`${words.fetching} ${text}`, file.sizeBytes);
  }
  try {
    return await file.fetch();
  } finally {
    step?.finish();
  }
}
