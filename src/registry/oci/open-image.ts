import { Fault } from "../../base/fault.ts";
import { type OciDescriptor, type OciManifest, parseManifest } from "../../format/oci/manifest.ts";
import type { OciImage, OciLayer } from "../../format/oci/oci-image.ts";
import { choosePlatform, type PlatformWish, wantedPlatform } from "../../format/oci/platform.ts";
import {
  formatRegistryReference,
  type RegistryReference,
  requestedVersion,
} from "../../format/oci/reference.ts";
import type { Waiting } from "../../image/cache/claim.ts";
import { blobPath, type CachePlaces } from "../../image/cache/places.ts";
import { readVerified } from "../../image/cache/read-verified.ts";
import type { Twin } from "../../image/cache/twin.ts";
import { findVerified, obtainFile } from "../../image/cache/verified-file.ts";
import type { HttpClient } from "../http/client.ts";
import { streamBlob } from "./blob-request.ts";
import { fetchManifest } from "./manifest-request.ts";
import type { Registry } from "./registry.ts";
import { wishOf } from "./wish-of.ts";

/** Told while layers come. */
export interface TransferHooks {
  /** Bytes of all layers there so far; earlier attempts and the cache count. */
  onBytes?(done: number, total: number): void;
  /** Bytes of one of several layers. */
  onPart?(title: string, done: number, total: number): void;
  onWait?(state: Waiting): void;
  note?(text: string): void;
  readonly signal?: AbortSignal | undefined;
  /** Where an image that comes as one file is copied to meanwhile. */
  readonly twin?: Twin | undefined;
}

export interface OpenImageOptions {
  readonly registry: Registry;
  readonly http: HttpClient;
  readonly image: RegistryReference;
  /** As the user wrote it. */
  readonly text: string;
  readonly wish: PlatformWish;
  /** Where blobs are kept: the cache, or a temporary directory instead. */
  readonly places: CachePlaces;
  /** Downloads at a time (directive `download concurrency`). */
  readonly concurrency: number;
  readonly hooks: TransferHooks;
}

/** An image of a registry; its layers are fetched when they are opened, or all at once beforehand. */
export interface RegistryImage extends OciImage {
  /** Digest of what the tag names: the index where there is one. */
  readonly namedDigest: string;
  /** Bytes of layers that the cache lacks. */
  missingBytes(): number;
  /** Fetches all layers, several at a time. */
  fetchLayers(): Promise<void>;
}

/** Indexes that name other indexes. */
const MOST_NESTING = 4;

/**
 * Looks up an image in a registry: manifest, choice of the platform, configuration. `version` is a
 * digest where one is known already. Throws a Fault.
 */
export async function openRegistryImage(
  options: OpenImageOptions,
  version: string = requestedVersion(options.image),
): Promise<RegistryImage> {
  const { registry, text, places } = options;
  const { repository } = options.image;
  const named = await fetchManifest(registry, repository, version, text);
  let manifest = parseManifest(named.text, named.mediaType, `manifest of ${text}`);
  let { digest, bytes, mediaType } = named;
  for (let depth = 0; manifest.kind === "index" && depth < MOST_NESTING; depth += 1) {
    const wanted = wantedPlatform(wishOf(options));
    const chosen = choosePlatform(manifest, wanted, text);
    const found = await fetchManifest(registry, repository, chosen.digest, text, [
      chosen.mediaType,
      ...(chosen.mediaType === "" ? ["*/*"] : []),
    ]);
    manifest = parseManifest(found.text, found.mediaType, `manifest of ${text}`);
    ({ digest, bytes, mediaType } = found);
  }
  if (manifest.kind === "index") {
    throw new Fault("invalid", `Cannot use ${text}: its indexes are nested too deep`);
  }
  requireLayers(manifest, text);
  const config = await readBlob(options, manifest.config, `configuration of ${text}`);
  const layers = new LayerSet(options, manifest.layers);
  return {
    reference: text,
    manifestDigest: digest,
    namedDigest: named.digest,
    base: { name: formatRegistryReference(options.image), digest: named.digest },
    manifest: { bytes, mediaType },
    config,
    layers: layers.layers,
    missingBytes: () =>
      layers.distinct
        .filter((layer) => findVerified(places, wantedOf(places, layer)) === undefined)
        .reduce((sum, layer) => sum + layer.sizeBytes, 0),
    fetchLayers: () => layers.fetchAll(),
  };
}

const CONFIG_LIMIT_BYTES = 16 << 20;
const SIF_LAYER = /^appli(c|ci)ation\/vnd\.sylabs\.sif\.layer/;

function requireLayers(
  manifest: Extract<OciManifest, { readonly kind: "image" }>,
  text: string,
): void {
  if (manifest.layers.some((layer) => SIF_LAYER.test(layer.mediaType))) {
    throw new Fault("unsupported", `Cannot use ${text}: it holds a SIF, not layers`, {
      hint: `use ${text.replace(/^docker:/, "oras:")}`,
    });
  }
  if (manifest.config.sizeBytes > CONFIG_LIMIT_BYTES) {
    throw new Fault("invalid", `Cannot use ${text}: its configuration is too long`);
  }
  if (!manifest.layers.some((layer) => /layer|rootfs|tar/.test(layer.mediaType))) {
    throw new Fault(
      "unsupported",
      `Cannot use ${text}: no extractable OCI/Docker tar layers found`,
      { hint: "it is no container image" },
    );
  }
}

/** A small blob, whole, from the cache or through it. */
export async function readBlob(
  options: Pick<OpenImageOptions, "registry" | "http" | "image" | "places" | "hooks">,
  blob: OciDescriptor,
  what: string,
): Promise<Uint8Array> {
  const obtain = (): Promise<string> => obtainBlob(options, blob, what, () => {});
  const pieces: Uint8Array[] = [];
  for await (const piece of readObtained(obtain, blob, what)) pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
}

/** The content of a blob in the cache, which is obtained again when the cache is cleaned before it is opened. */
async function* readObtained(
  obtain: (isAgain: boolean) => Promise<string>,
  { digest, sizeBytes }: OciDescriptor,
  what: string,
): AsyncGenerator<Uint8Array> {
  for (let attempt = 1; ; attempt += 1) {
    const path = await obtain(attempt > 1);
    try {
      yield* readVerified(path, digest, sizeBytes, what);
      return;
    } catch (error) {
      // Only opening it fails so.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || attempt === 3) throw error;
    }
  }
}

function wantedOf(
  places: CachePlaces,
  blob: OciDescriptor,
): { readonly digest: string; readonly sizeBytes: number; readonly candidates: readonly string[] } {
  const levels = [places.root, places.shared].filter((level) => level !== undefined);
  return {
    digest: blob.digest,
    sizeBytes: blob.sizeBytes,
    candidates: levels.map((level) => blobPath(level, blob.digest)),
  };
}

function obtainBlob(
  options: Pick<OpenImageOptions, "registry" | "http" | "image" | "places" | "hooks">,
  blob: OciDescriptor,
  what: string,
  onBytes: (done: number) => void,
): Promise<string> {
  const { http, hooks, image, places, registry } = options;
  return obtainFile(
    places,
    {
      ...wantedOf(places, blob),
      what,
      source: (offset) =>
        streamBlob(
          {
            registry,
            http,
            repository: image.repository,
            blob,
            what,
            note: (text) => hooks.note?.(text),
          },
          offset,
        ),
    },
    { onBytes, signal: hooks.signal, onWait: (state) => hooks.onWait?.(state) },
  );
}

/** The layers of one image: each is fetched once however often it occurs or is opened. */
class LayerSet {
  readonly layers: readonly OciLayer[];
  readonly distinct: readonly OciDescriptor[];
  readonly #options: OpenImageOptions;
  readonly #paths: Map<string, Promise<string>> = new Map();
  readonly #done: Map<string, number> = new Map();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: OpenImageOptions, layers: readonly OciDescriptor[]) {
    this.#options = options;
    this.distinct = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
    this.layers = layers.map((layer) => ({
      mediaType: layer.mediaType,
      digest: layer.digest,
      sizeBytes: layer.sizeBytes,
      open: () => this.#open(layer),
    }));
  }

  async fetchAll(): Promise<void> {
    // The topmost first, as they are read. Every download ends before the first failure is told, so
    // that none writes on behind it.
    const fromTop = this.distinct.toReversed();
    const results = await Promise.allSettled(fromTop.map((layer) => this.#obtain(layer)));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  async *#open(layer: OciDescriptor): AsyncGenerator<Uint8Array> {
    const obtain = (isAgain: boolean): Promise<string> => {
      if (isAgain) this.#paths.delete(layer.digest);
      return this.#obtain(layer);
    };
    yield* readObtained(obtain, layer, this.#what(layer));
  }

  #what(layer: OciDescriptor): string {
    return `layer ${layer.digest} of ${this.#options.text}`;
  }

  #obtain(layer: OciDescriptor): Promise<string> {
    const known = this.#paths.get(layer.digest);
    if (known !== undefined) return known;
    const begun = this.#withSlot(() =>
      obtainBlob(this.#options, layer, this.#what(layer), (done) => this.#tell(layer, done)),
    ).then((path) => {
      this.#tell(layer, layer.sizeBytes);
      return path;
    });
    this.#paths.set(layer.digest, begun);
    return begun;
  }

  async #withSlot<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= Math.max(1, this.#options.concurrency)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await work();
    } finally {
      // The slot goes to the next in line as it is.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #tell(layer: OciDescriptor, done: number): void {
    this.#done.set(layer.digest, done);
    const place = this.distinct.findIndex(({ digest }) => digest === layer.digest) + 1;
    const title = `layer ${place}/${this.distinct.length} ${layer.digest.slice(0, 19)}`;
    this.#options.hooks.onPart?.(title, done, layer.sizeBytes);
    const sum = [...this.#done.values()].reduce((total, one) => total + one, 0);
    const total = this.distinct.reduce((all, one) => all + one.sizeBytes, 0);
    this.#options.hooks.onBytes?.(sum, total);
  }
}
