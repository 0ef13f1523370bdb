import { Fault } from "../../base/fault.ts";

/** A blob or manifest that another document names (OCI image-spec, descriptor.md). */
export interface OciDescriptor {
  readonly mediaType: string;
  /** `sha256:` and 64 hexadecimal digits; nothing else is taken. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly annotations: Readonly<Record<string, string>>;
  /** Other places of the bytes; only of layers that may not be distributed. */
  readonly urls: readonly string[];
  /** Base64 of the bytes themselves, where the document holds them. */
  readonly data: string | undefined;
}

/** What an entry of an index is for. */
export interface OciPlatform {
  readonly os: string;
  readonly arch: string;
  readonly variant: string;
}

/** An image manifest, or an index of manifests for several platforms. */
export type OciManifest =
  | {
      readonly kind: "image";
      readonly config: OciDescriptor;
      readonly layers: readonly OciDescriptor[];
      readonly annotations: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "index";
      readonly manifests: readonly (OciDescriptor & {
        /** Absent where the entry does not say. */
        readonly platform: OciPlatform | undefined;
      })[];
    };

export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
export const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";

/** Every kind of manifest that is understood. */
export const MANIFEST_TYPES: readonly string[] = [
  OCI_MANIFEST,
  DOCKER_MANIFEST,
  DOCKER_LIST,
  OCI_INDEX,
];

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const MAX_LAYERS = 4096;

/**
 * Reads a manifest or index. `mediaType` is what the sender called it; the document's own word comes
 * first. `where` names it in faults: `manifest of docker://alpine`. Throws a Fault for JSON that is
 * none, schema 1 manifests, bad digests and sizes.
 */
export function parseManifest(text: string, mediaType: string, where: string): OciManifest {
  const refuse = (why: string): never => {
    throw new Fault("invalid", `Cannot read the ${where}: ${why}`);
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    const seen = text.trimStart().slice(0, 40).replace(/\s+/g, " ");
    refuse(/^</.test(seen) ? `an HTML page stands in its place ("${seen}…")` : "it is not JSON");
  }
  const document = asObject(json) ?? refuse("it is no JSON object");
  if (document["schemaVersion"] === 1) {
    refuse("it has the old schema 1, which holds no usable layers; push the image again");
  }
  // What one reader takes for an image another would take for an index, under the same digest.
  if ("layers" in document && "manifests" in document) {
    refuse("it claims to be an image and an index at once");
  }
  const type = asText(document["mediaType"]) || mediaType;
  const isIndex =
    type === OCI_INDEX || type === DOCKER_LIST || (type === "" && "manifests" in document);
  if (isIndex || (!("layers" in document) && Array.isArray(document["manifests"]))) {
    const entries = asList(document["manifests"]) ?? refuse("it has no list of manifests");
    return {
      kind: "index",
      manifests: entries.map((entry) => ({
        ...readDescriptor(entry, where),
        platform: readPlatform(asObject(asObject(entry)?.["platform"])),
      })),
    };
  }
  const layers = asList(document["layers"]) ?? refuse("it has no list of layers");
  if (layers.length > MAX_LAYERS) refuse(`it has ${layers.length} layers`);
  return {
    kind: "image",
    config: readDescriptor(document["config"], where),
    layers: layers.map((layer) => readDescriptor(layer, where)),
    annotations: readTexts(document["annotations"]),
  };
}

function readDescriptor(value: unknown, where: string): OciDescriptor {
  const object = asObject(value);
  const digest = asText(object?.["digest"]);
  if (object === undefined || !DIGEST.test(digest)) {
    throw new Fault("invalid", `Cannot read the ${where}: "${digest.slice(0, 90)}" is no digest`);
  }
  const size = object["size"];
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw new Fault(
      "invalid",
      `Cannot read the ${where}: the size of ${digest} is ${String(size)}`,
    );
  }
  return {
    mediaType: asText(object["mediaType"]),
    digest,
    sizeBytes: size,
    annotations: readTexts(object["annotations"]),
    urls: (asList(object["urls"]) ?? []).filter((url) => typeof url === "string"),
    data: typeof object["data"] === "string" ? object["data"] : undefined,
  };
}

function readPlatform(
  value: Readonly<Record<string, unknown>> | undefined,
): OciPlatform | undefined {
  if (value === undefined) return undefined;
  return {
    os: asText(value["os"]),
    arch: asText(value["architecture"]),
    variant: asText(value["variant"]),
  };
}

function readTexts(value: unknown): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [key, text] of Object.entries(asObject(value) ?? {})) {
    if (typeof text === "string" && key !== "__proto__") texts[key] = text;
  }
  return texts;
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function asList(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
