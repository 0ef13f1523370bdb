import { Fault } from "../../base/fault.ts";
import type { ImageAddress } from "../../format/oci/image-address.ts";
import { wantedPlatform } from "../../format/oci/platform.ts";
import {
  formatRegistryReference,
  type RegistryReference,
  requestedVersion,
} from "../../format/oci/reference.ts";
import { findImage, obtainImage } from "../../image/cache/image-store.ts";
import { readRecord, writeRecord } from "../../image/cache/records.ts";
import { ConnectionFault } from "../../registry/http/connection-fault.ts";
import { askDigest, openDigestRequest } from "../../registry/oci/manifest-request.ts";
import type { OpenImageOptions, RegistryImage } from "../../registry/oci/open-image.ts";
import { wishOf } from "../../registry/oci/wish-of.ts";
import { type RemoteAccess, registryOf, type Step } from "./access.ts";
import { askMirrors } from "./ask-mirrors.ts";
import { requireRoom } from "./require-room.ts";
import { entryOf, nameOf } from "./sif-name.ts";
import { tellWaiting } from "./tell-waiting.ts";
import { transferHooks } from "./transfer-hooks.ts";

type DockerAddress = Extract<ImageAddress, { readonly image: RegistryReference }>;

/**
 * Path of the SIF of a `docker://` image in the cache, converted first when it is not there:
 *
 *   tag ─ HEAD ─► digest ─ known for this platform? ─► manifest's digest ─► SIF there? ─► done
 *                    └─ no: GET manifest(s)  ─────────────────┘      └─ no: layers ─► convert
 *
 * With a digest in the address, or offline, nothing is asked when the SIF is there.
 */
export async function fetchDockerSif(
  address: DockerAddress,
  access: RemoteAccess,
): Promise<string> {
  return await askMirrors(address.image, access, (source, theirs) =>
    fetchFrom(source, address, theirs),
  );
}

async function fetchFrom(
  source: RegistryReference,
  address: DockerAddress,
  access: RemoteAccess,
): Promise<string> {
  const { places } = access;
  const { image, text } = address;
  const registry = registryOf(access, source.registry);
  let step: Step | undefined;
  const options: OpenImageOptions = {
    registry,
    http: access.http,
    image: source,
    text,
    wish: access.wish,
    places,
    concurrency: access.concurrency,
    hooks: transferHooks(access, () => step),
  };
  const wanted = wantedPlatform(wishOf(options));
  const digest = await namedDigest(options, formatRegistryReference(image), access);
  const resolvedName = nameOf([digest ?? "", wanted.arch, wanted.variant]);
  const manifest = readRecord(places, "resolved", resolvedName)?.["manifest"];
  const full = formatRegistryReference(image);
  if (typeof manifest === "string") {
    const path = findImage(places, entryOf(manifest, full, access));
    if (path !== undefined) {
      access.talk.info("Using cached SIF image");
      await tellFound(options, digest, access);
      return path;
    }
  }
  if (access.offline) throw notAtHand(text);
  // A start from the cache does not load it.
  const { openRegistryImage } = await import("../../registry/oci/open-image.ts");
  const opened = await openRegistryImage(options, digest ?? requestedVersion(image));
  writeRecord(places, "tags", nameOf([full]), { digest: opened.namedDigest });
  writeRecord(places, "resolved", nameOf([opened.namedDigest, wanted.arch, wanted.variant]), {
    manifest: opened.manifestDigest,
  });
  const entry = entryOf(opened.manifestDigest, full, access);
  return await obtainImage(
    places,
    entry,
    { reference: text, manifest: opened.manifestDigest },
    async (path, tell) => {
      const missing = opened.missingBytes();
      // A SIF is about as long as its packed layers.
      const sum = opened.layers.reduce((all, layer) => all + layer.sizeBytes, 0);
      requireRoom(access, missing + sum, sum, text);
      const count = opened.layers.length;
      const layers = `${count} layer${count === 1 ? "" : "s"} of ${text}`;
      step = access.step(missing > 0 ? `Fetching ${layers}` : `Using cached ${layers}`, sum);
      await convertWhileFetching(opened, path, access, step, tell);
    },
    { signal: access.signal, onWait: tellWaiting(access.talk) },
  );
}

/** Tells how the image was found: by its digest in the address, or by the registry's answer for its tag. */
async function tellFound(
  { image, registry }: OpenImageOptions,
  digest: string | undefined,
  { configDir, offline, onFound }: RemoteAccess,
): Promise<void> {
  if (image.digest !== undefined) return onFound?.({});
  // Offline the cache says what a tag means, and may be told otherwise any time.
  if (onFound === undefined || digest === undefined || offline) return;
  const asked = await openDigestRequest(registry, image.repository, requestedVersion(image));
  if (asked === undefined) return;
  const { untilMs, ...request } = asked;
  onFound({ question: { ...request, digest, configDir }, untilMs });
}

/** Converts while layers still come: a layer is read as soon as it is whole. */
async function convertWhileFetching(
  image: RegistryImage,
  path: string,
  access: RemoteAccess,
  fetching: Step,
  tell: (done: number, total: number) => void,
): Promise<void> {
  const { convertToSif } = await import("./convert-to-sif.ts");
  const stop = new AbortController();
  let isFetched = false;
  const fetchAll = async (): Promise<void> => {
    try {
      await image.fetchLayers();
      isFetched = true;
      fetching.finish();
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };
  const both = [
    fetchAll(),
    convertToSif(image, path, access, { stop: stop.signal, isFetched: () => isFetched, tell }),
  ];
  // Both end before anything is told or removed.
  const results = await Promise.allSettled(both);
  fetching.finish();
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/** The digest that the address names; undefined when only the manifest itself will tell. */
async function namedDigest(
  options: OpenImageOptions,
  full: string,
  access: RemoteAccess,
): Promise<string | undefined> {
  const { image, text, registry } = options;
  if (image.digest !== undefined) return image.digest;
  const name = nameOf([full]);
  if (access.offline) {
    const known = readRecord(access.places, "tags", name)?.["digest"];
    if (typeof known !== "string") throw notAtHand(text);
    return known;
  }
  const known = readRecord(access.places, "tags", name)?.["digest"];
  let found: string | undefined;
  try {
    found = await askDigest(registry, image.repository, requestedVersion(image), text);
  } catch (error) {
    if (!(error instanceof ConnectionFault) || known === undefined) throw error;
    const hint = "the cache has an image of it: --offline uses that";
    throw new ConnectionFault(error.errno, error.message, hint, error.cause, error.isProxied);
  }
  if (found !== undefined && known !== found) {
    writeRecord(access.places, "tags", name, { digest: found });
  }
  return found;
}

function notAtHand(text: string): Fault {
  return new Fault("not-found", `Cannot use ${text} offline: the cache has no image of it`, {
    hint: "fetch it once with a connection",
  });
}
