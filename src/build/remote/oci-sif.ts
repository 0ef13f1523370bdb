import { Fault } from "../../base/fault.ts";
import { recipeFromImage } from "../../format/deffile/recipe.ts";
import type { ImageAddress } from "../../format/oci/image-address.ts";
import type { OciImage } from "../../format/oci/oci-image.ts";
import { wantedPlatform } from "../../format/oci/platform.ts";
import {
  formatRegistryReference,
  type RegistryReference,
  requestedVersion,
} from "../../format/oci/reference.ts";
import { findImage, type ImageEntry, obtainImage } from "../../image/cache/image-store.ts";
import { readRecord, writeRecord } from "../../image/cache/records.ts";
import { requireSpace } from "../../image/cache/space.ts";
import { askDigest } from "../../registry/oci/manifest-request.ts";
import { type OpenImageOptions, openRegistryImage, wishOf } from "../../registry/oci/open-image.ts";
import { convertOciImage } from "../oci/convert.ts";
import { type RemoteAccess, registryOf, type Step } from "./access.ts";
import { tellWaiting } from "./tell-waiting.ts";

/** To be raised whenever the same image gives another SIF than before. */
const CONVERSION = 1;

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
  const { places } = access;
  const { image, text } = address;
  const registry = registryOf(access, image.registry);
  let step: Step | undefined;
  const options: OpenImageOptions = {
    registry,
    http: access.http,
    image,
    text,
    wish: access.wish,
    places,
    concurrency: access.concurrency,
    hooks: {
      onBytes: (done) => step?.update(done),
      onWait: tellWaiting(access.talk),
      note: (line) => access.talk.info(line),
      signal: access.signal,
    },
  };
  const wanted = wantedPlatform(wishOf(options));
  const digest = await namedDigest(options, access);
  const resolvedName = nameOf([digest ?? "", wanted.arch, wanted.variant]);
  const manifest = readRecord(places, "resolved", resolvedName)?.["manifest"];
  const full = formatRegistryReference(image);
  if (typeof manifest === "string") {
    const path = findImage(places, entryOf(manifest, full));
    if (path !== undefined) {
      access.talk.info("Using cached SIF image");
      return path;
    }
  }
  if (access.offline) throw notAtHand(text);
  const opened = await openRegistryImage(options, digest ?? requestedVersion(image));
  writeRecord(places, "tags", nameOf([full]), { digest: opened.namedDigest });
  writeRecord(places, "resolved", nameOf([opened.namedDigest, wanted.arch, wanted.variant]), {
    manifest: opened.manifestDigest,
  });
  const entry = entryOf(opened.manifestDigest, full);
  return await obtainImage(
    places,
    entry,
    { reference: text, manifest: opened.manifestDigest },
    async (path, tell) => {
      const missing = opened.missingBytes();
      // A SIF is about as long as its packed layers.
      const sum = opened.layers.reduce((all, layer) => all + layer.sizeBytes, 0);
      requireSpace(places.root, missing + sum, `the image ${text}`, access.placeVariable);
      const count = opened.layers.length;
      step = access.step(`Fetching ${count} layer${count === 1 ? "" : "s"} of ${text}`, sum);
      await convertWhileFetching(opened, path, access, step, text, tell);
    },
    { signal: access.signal, onWait: tellWaiting(access.talk) },
  );
}

async function convertWhileFetching(
  image: OciImage & { fetchLayers(): Promise<void> },
  path: string,
  access: RemoteAccess,
  fetching: Step,
  text: string,
  tell: (done: number, total: number) => void,
): Promise<void> {
  const stop = new AbortController();
  let packing: Step | undefined;
  const converting = convert(image, path, access, text, stop.signal, (done, total) => {
    if (packing === undefined) {
      fetching.finish();
      packing = access.step(`Creating the SIF of ${text}`, total);
    }
    packing.update(done);
    tell(done, total);
  });
  const both = [
    image.fetchLayers().catch((error: unknown) => {
      stop.abort(error);
      throw error;
    }),
    converting,
  ];
  // Both end before anything is told or removed.
  const results = await Promise.allSettled(both);
  fetching.finish();
  packing?.finish();
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

function convert(
  image: OciImage,
  path: string,
  access: RemoteAccess,
  text: string,
  stop: AbortSignal,
  onPacked: (done: number, total: number) => void,
): Promise<void> {
  const [, agent = "", from = ""] = /^([a-z-]+):(?:\/\/)?(.*)$/s.exec(text) ?? [];
  return convertOciImage(image, path, {
    recipe: recipeFromImage(agent, from),
    talk: { ...access.talk, info: (line) => access.talk.verbose(line) },
    progress: ({ phase, doneBytes, totalBytes }) => {
      if (phase === "write") onPacked(doneBytes, totalBytes);
    },
    tool: (name) => access.tool(name),
    hostArch: access.wish.hostArch,
    version: access.version,
    peerVersion: access.peerVersion,
    mksquashfsArgs: access.mksquashfsArgs,
    processors: access.processors,
    memory: access.memory,
    sourceDateEpoch: access.sourceDateEpoch,
    signal: AbortSignal.any([access.signal, stop]),
  });
}

/** The digest that the address names; undefined when only the manifest itself will tell. */
async function namedDigest(
  options: OpenImageOptions,
  access: RemoteAccess,
): Promise<string | undefined> {
  const { image, text, registry } = options;
  if (image.digest !== undefined) return image.digest;
  const name = nameOf([formatRegistryReference(image)]);
  if (access.offline) {
    const known = readRecord(access.places, "tags", name)?.["digest"];
    if (typeof known !== "string") throw notAtHand(text);
    return known;
  }
  const found = await askDigest(registry, image.repository, requestedVersion(image), text);
  if (found !== undefined && readRecord(access.places, "tags", name)?.["digest"] !== found) {
    writeRecord(access.places, "tags", name, { digest: found });
  }
  return found;
}

function entryOf(manifest: string, reference: string): ImageEntry {
  // The reference stands in the image's labels, so it is part of what the image is made from.
  return { kind: "oci", name: nameOf([`skiff ${CONVERSION}`, manifest, reference]) };
}

function notAtHand(text: string): Fault {
  return new Fault("not-found", `Cannot use ${text} offline: the cache has no image of it`, {
    hint: "fetch it once with a connection",
  });
}

function nameOf(parts: readonly string[]): string {
  return new Bun.CryptoHasher("sha256").update(parts.join("\n")).digest("hex");
}
