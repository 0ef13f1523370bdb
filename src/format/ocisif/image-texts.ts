import { Fault } from "../../base/fault.ts";
import { decodeOsText, encodeOsText } from "../../base/os-text.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../oci/manifest.ts";
import { OCI_CONFIG } from "./media-types.ts";
import type { DigestOf } from "./oci-sif.ts";

/** A layer as a manifest names it. */
export interface NamedLayer {
  readonly mediaType: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

/** A text with its digest. */
export interface DigestedText {
  readonly bytes: Uint8Array;
  readonly digest: string;
}

/** Configuration, manifest and index of an image, as they lie in an OCI-SIF. */
export interface ImageTexts {
  readonly config: DigestedText;
  readonly manifest: DigestedText & { readonly mediaType: string };
  readonly index: DigestedText;
}

/** An entry of the history of an image. */
export interface HistoryEntry {
  /** RFC 3339. */
  readonly created: string;
  readonly createdBy: string;
  readonly comment: string;
}

type Json = Record<string, unknown>;

/**
 * The configuration of an image whose layers unpacked are now these. `history` takes the place of the
 * old one; absent: that stays. Throws a Fault for a configuration that is no JSON object.
 */
export function configWithLayers(
  config: Uint8Array,
  diffIds: readonly string[],
  history: HistoryEntry | undefined,
  where: string,
): Uint8Array {
  const image = objectOf(config, `configuration of ${where}`);
  const rootfs = { type: "layers", diff_ids: diffIds };
  const entry = history && {
    created: history.created,
    created_by: history.createdBy,
    comment: history.comment,
  };
  return encodeJson({
    ...image,
    ...(entry === undefined ? {} : { history: [entry] }),
    rootfs,
  });
}

/** The manifest of an image with that configuration and these layers. `old` keeps its annotations and other members. */
export function manifestWith(
  config: DigestedText,
  layers: readonly NamedLayer[],
  old: Uint8Array | undefined,
): Uint8Array {
  const before: Json = old === undefined ? {} : objectOf(old, "manifest of the OCI-SIF image");
  const configType = (before["config"] as Json | undefined)?.["mediaType"];
  return encodeJson({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    ...before,
    config: {
      mediaType: typeof configType === "string" ? configType : OCI_CONFIG,
      size: config.bytes.length,
      digest: config.digest,
    },
    layers: layers.map(({ mediaType, digest, sizeBytes }) => ({
      mediaType,
      size: sizeBytes,
      digest,
    })),
  });
}

/** The index of an OCI-SIF that holds one image. */
export function indexOf(
  manifest: DigestedText & { readonly mediaType: string },
  config: Uint8Array,
): Uint8Array {
  return encodeJson({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [entryOf(manifest, config)],
  });
}

/** The index with the manifest `from` replaced; everything else in it stays. */
export function indexReplacing(
  index: Uint8Array,
  from: string,
  manifest: DigestedText & { readonly mediaType: string },
  config: Uint8Array,
): Uint8Array {
  const before = objectOf(index, "index of the OCI-SIF image");
  const entries = Array.isArray(before["manifests"]) ? (before["manifests"] as Json[]) : [];
  return encodeJson({
    ...before,
    manifests: entries.map((entry) =>
      entry["digest"] === from ? { ...entry, ...entryOf(manifest, config) } : entry,
    ),
  });
}

/** Texts for an image of a new OCI-SIF. `manifest`: bytes to keep as they are. */
export function textsOf(
  config: Uint8Array,
  manifest: { readonly bytes: Uint8Array; readonly mediaType: string },
  digestOf: DigestOf,
): ImageTexts {
  const digested = { ...manifest, digest: digestOf(manifest.bytes) };
  const index = indexOf(digested, config);
  return {
    config: { bytes: config, digest: digestOf(config) },
    manifest: digested,
    index: { bytes: index, digest: digestOf(index) },
  };
}

function entryOf(
  manifest: DigestedText & { readonly mediaType: string },
  config: Uint8Array,
): Json {
  const { architecture, os, variant } = objectOf(config, "configuration of the image");
  const has = (value: unknown): value is string => typeof value === "string" && value !== "";
  return {
    mediaType: manifest.mediaType,
    size: manifest.bytes.length,
    digest: manifest.digest,
    ...(has(architecture) && has(os)
      ? { platform: { architecture, os, ...(has(variant) ? { variant } : {}) } }
      : {}),
  };
}

function objectOf(bytes: Uint8Array, where: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(decodeOsText(bytes));
  } catch {
    // Told below.
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new Fault("invalid", `Cannot read the ${where}: it is no JSON object`);
}

function encodeJson(value: Json): Uint8Array {
  return encodeOsText(JSON.stringify(value));
}
