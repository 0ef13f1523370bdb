import { closeSync, openSync, readSync, rmSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { type OciDescriptor, parseManifest } from "../../format/oci/manifest.ts";
import { choosePlatform, wantedPlatform } from "../../format/oci/platform.ts";
import { requestedVersion } from "../../format/oci/reference.ts";
import { noteReference } from "../../image/cache/image-store.ts";
import { hexOf, imagePath } from "../../image/cache/places.ts";
import { findVerified, obtainFile, touchEntry } from "../../image/cache/verified-file.ts";
import { type BlobRequest, streamBlob } from "../oci/blob-request.ts";
import { fetchManifest } from "../oci/manifest-request.ts";
import type { OpenImageOptions } from "../oci/open-image.ts";
import { wishOf } from "../oci/wish-of.ts";
import { OLD_SIF_LAYER, SIF_LAYER } from "./media-types.ts";

/** A SIF that lies in a registry as one blob. */
export interface OrasImage {
  readonly digest: string;
  readonly sizeBytes: number;
  /** Whether the cache has it already. */
  readonly isCached: boolean;
  /** Path in the cache; fetched first when it is not there. */
  fetch(): Promise<string>;
  /** The bytes from an offset to `end`, unchecked, without the cache. */
  range(offset: number, end: number): AsyncIterable<Uint8Array>;
}

/** Looks a SIF up in a registry: one request when the tag names no index. Throws a Fault for anything that is no SIF. */
export async function openOrasImage(options: OpenImageOptions): Promise<OrasImage> {
  const { registry, http, image, text, places, hooks } = options;
  const { repository } = image;
  const named = await fetchManifest(registry, repository, requestedVersion(image), text);
  let manifest = parseManifest(named.text, named.mediaType, `manifest of ${text}`);
  if (manifest.kind === "index") {
    const chosen = choosePlatform(manifest, wantedPlatform(wishOf(options)), text);
    const found = await fetchManifest(registry, repository, chosen.digest, text);
    manifest = parseManifest(found.text, found.mediaType, `manifest of ${text}`);
  }
  const layer = manifest.kind === "image" ? sifLayer(manifest.layers, text) : undefined;
  if (layer === undefined) throw notSif(text);
  const levels = [places.root, places.shared].filter((level) => level !== undefined);
  const request: BlobRequest = {
    registry,
    http,
    repository,
    blob: layer,
    what: `the image of ${text}`,
    note: (line) => hooks.note?.(line),
  };
  const wanted = {
    digest: layer.digest,
    sizeBytes: layer.sizeBytes,
    candidates: levels.map((level) => imagePath(level, "oras", `sha256:${hexOf(layer.digest)}`)),
    what: `the image of ${text}`,
    source: (offset: number) => streamBlob(request, offset),
  };
  return {
    digest: layer.digest,
    sizeBytes: layer.sizeBytes,
    isCached: findVerified(places, wanted) !== undefined,
    range: (offset, end) => streamBlob(request, offset, end),
    fetch: async () => {
      const path = await obtainFile(places, wanted, {
        onBytes: (done) => hooks.onBytes?.(done, layer.sizeBytes),
        onWait: (state) => hooks.onWait?.(state),
        signal: hooks.signal,
        twin: hooks.twin,
      });
      if (!beginsLikeSif(path)) {
        rmSync(path, { force: true });
        throw new Fault("invalid", `Cannot use ${text}: its content is no SIF`);
      }
      touchEntry(path);
      noteReference(places, { kind: "oras", name: `sha256:${hexOf(layer.digest)}` }, text);
      return path;
    },
  };
}

function sifLayer(layers: readonly OciDescriptor[], text: string): OciDescriptor | undefined {
  const [layer, ...more] = layers;
  if (layer === undefined || more.length > 0) throw notSif(text);
  return [SIF_LAYER, OLD_SIF_LAYER].includes(layer.mediaType) ? layer : undefined;
}

function notSif(text: string): Fault {
  return new Fault("unsupported", `Cannot use ${text}: it is not one SIF`, {
    hint: `for an image of layers use ${text.replace(/^oras:/, "docker:")}`,
  });
}

/** A launch line of any text, then the magic word at byte 32. */
function beginsLikeSif(path: string): boolean {
  const head = new Uint8Array(42);
  const fd = openSync(path, "r");
  try {
    readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  return new TextDecoder().decode(head.subarray(32)).startsWith("SIF_MAGIC");
}
