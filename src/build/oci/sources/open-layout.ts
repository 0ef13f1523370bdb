import { Fault } from "../../../base/fault.ts";
import { decodeOsText } from "../../../base/os-text.ts";
import type { OciPlatform } from "../../../format/oci/manifest.ts";
import {
  type OciDescriptor,
  type OciManifest,
  parseManifest,
} from "../../../format/oci/manifest.ts";
import type { OciImage } from "../../../format/oci/oci-image.ts";
import { choosePlatform } from "../../../format/oci/platform.ts";
import type { MemberFiles } from "./member-files.ts";
import { collect, verified } from "./verified.ts";

/** Manifests and configurations are text; more than this is none. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024;
const MAX_NESTING = 4;

/** Which image of a layout is meant. */
export interface LayoutChoice {
  /** As the user wrote all of it, for messages and for the image. */
  readonly reference: string;
  /** Tag, or empty. */
  readonly tag: string;
  /** `sha256:…`, or empty. */
  readonly digest: string;
  readonly platform: OciPlatform;
}

type Index = Extract<OciManifest, { readonly kind: "index" }>;

/** Opens an image of an OCI layout (image-spec, image-layout.md; reference: oci.md section 10). */
export async function openLayout(files: MemberFiles, choice: LayoutChoice): Promise<OciImage> {
  const where = choice.reference;
  if (files.sizeOf("index.json") === undefined) {
    throw new Fault("not-found", `Cannot read ${where}: it has no index.json`, {
      hint: "name a directory or archive with an OCI layout",
    });
  }
  const text = await collect(files.open("index.json"), MAX_TEXT_BYTES, `index of ${where}`);
  const index = parseManifest(decodeOsText(text), "", `index of ${where}`);
  if (index.kind !== "index") throw new Fault("invalid", `Cannot read the index of ${where}`);
  let descriptor: OciDescriptor = chooseEntry(index, choice);
  for (let depth = 0; depth < MAX_NESTING; depth++) {
    const bytes = await readBlob(files, descriptor, `manifest of ${where}`);
    const manifest = parseManifest(
      decodeOsText(bytes),
      descriptor.mediaType,
      `manifest of ${where}`,
    );
    if (manifest.kind === "index") {
      descriptor = choosePlatform(manifest, choice.platform, where);
      continue;
    }
    return {
      reference: where,
      manifestDigest: descriptor.digest,
      manifest: { bytes, mediaType: descriptor.mediaType },
      config: await readBlob(files, manifest.config, `configuration of ${where}`),
      layers: manifest.layers.map(({ mediaType, digest, sizeBytes }) => ({
        mediaType,
        digest,
        sizeBytes,
        open: () => {
          const name = `layer ${digest} of ${where}`;
          return verified(openBlob(files, digest, name), { digest, sizeBytes }, name);
        },
      })),
    };
  }
  throw new Fault("invalid", `Cannot read ${where}: its indexes are nested too deep`);
}

/** The entry that the user names; the only one where none is named. */
function chooseEntry(index: Index, choice: LayoutChoice): OciDescriptor {
  const { reference, tag, digest, platform } = choice;
  // Attestations are no images.
  const images = index.manifests.filter((entry) => entry.platform?.os !== "unknown");
  if (digest !== "") {
    const found = index.manifests.find((entry) => entry.digest === digest);
    // A manifest inside a nested index is there as a blob all the same.
    return (
      found ?? { mediaType: "", digest, sizeBytes: -1, annotations: {}, urls: [], data: undefined }
    );
  }
  const named = tag === "" ? images : images.filter((entry) => namesOf(entry).includes(tag));
  const [first] = named;
  if (first !== undefined && named.length === 1) return first;
  if (first !== undefined && named.every((entry) => entry.platform !== undefined)) {
    return choosePlatform({ kind: "index", manifests: named }, platform, reference);
  }
  if (images.length === 0) {
    throw new Fault("not-found", `Cannot use ${reference}: it holds no image`);
  }
  const names = [...new Set(images.flatMap(namesOf))];
  const known =
    names.length > 0
      ? `name one of ${names.join(", ")} after a colon`
      : `name one of ${images.map((entry) => `@${entry.digest}`).join(", ")} at the end`;
  throw new Fault(
    "not-found",
    tag === ""
      ? `Cannot use ${reference}: it holds ${images.length} images, you must specify a digest or tag`
      : `Cannot use ${reference}: it holds no image "${tag}"`,
    { hint: known },
  );
}

/** Names of an entry; the last part of a full name is its tag. */
function namesOf(entry: OciDescriptor): readonly string[] {
  const tag = entry.annotations["org.opencontainers.image.ref.name"];
  const full = entry.annotations["io.containerd.image.name"];
  return [tag, full].filter((name) => name !== undefined);
}

async function readBlob(
  files: MemberFiles,
  { digest, sizeBytes }: OciDescriptor,
  where: string,
): Promise<Uint8Array> {
  const expected = { digest, sizeBytes: sizeBytes < 0 ? undefined : sizeBytes };
  return await collect(
    verified(openBlob(files, digest, where), expected, where),
    MAX_TEXT_BYTES,
    where,
  );
}

function openBlob(files: MemberFiles, digest: string, where: string): AsyncIterable<Uint8Array> {
  const path = `blobs/${digest.replace(":", "/")}`;
  if (files.sizeOf(path) === undefined) {
    throw new Fault("not-found", `Cannot read the ${where}: "${path}" is missing`, {
      hint: "the image is not complete; fetch or make it again",
    });
  }
  return files.open(path);
}
