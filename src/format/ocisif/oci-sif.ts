import { type ByteSource, sliceSource } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import { decodeOsText } from "../../base/os-text.ts";
import {
  OCI_MANIFEST,
  type OciDescriptor,
  type OciManifest,
  parseManifest,
} from "../oci/manifest.ts";
import { DATA_OCI_BLOB, DATA_OCI_ROOT } from "../sif/codes.ts";
import type { SifDescriptor } from "../sif/descriptor.ts";
import { digestExtra } from "../sif/extra.ts";
import type { SifImage } from "../sif/image.ts";
import { EXT3_LAYER, SQUASHFS_LAYER } from "./media-types.ts";

/*
 * An OCI-SIF: an OCI image in a SIF (reference: sif.md section 12). Each blob is an object whose extra
 * field is its digest; nothing is aligned.
 *
 *   header, table with 8 slots to spare
 *   layer 1 (SquashFS)   OCI.Blob       sha256:…
 *   layer n              OCI.Blob       sha256:…   the last one may be ext3, a writable overlay
 *   configuration        OCI.Blob       sha256:…
 *   manifest             OCI.Blob       sha256:…   names configuration and layers
 *   index                OCI.RootIndex  sha256:…   names the manifest; exactly one
 */

/** A text of an image and the object that holds it. */
export interface OciText {
  readonly object: SifDescriptor;
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/** A layer and the object that holds it. */
export interface OciSifLayer {
  readonly kind: "squashfs" | "ext3";
  readonly mediaType: string;
  /** As the manifest has it; that of an overlay which was written to since is an old one. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly object: SifDescriptor;
}

/** The one image of an OCI-SIF. */
export interface OciSif {
  readonly index: OciText;
  readonly manifest: OciText & { readonly mediaType: string };
  readonly config: OciText;
  /** Bottom layer first; at least one. */
  readonly layers: readonly OciSifLayer[];
}

/** SHA-256 of bytes as `sha256:` and 64 hexadecimal digits. */
export type DigestOf = (bytes: Uint8Array) => string;

const MAX_TEXT_BYTES = 16 * 1024 * 1024;
const REF_NAME = "org.opencontainers.image.ref.name";
/** Begins the names of signatures of images, which are kept as images. */
const COSIGN = "_cosign";

/** Whether a SIF is an OCI-SIF. */
export function isOciSif(sif: SifImage): boolean {
  return sif.objects.some(({ dataType }) => dataType === DATA_OCI_ROOT);
}

/**
 * Reads the image of an OCI-SIF: index, manifest and configuration, whose digests are checked, and
 * where its layers lie, which are not read. `source` is that of the SIF.
 *
 * @throws Fault `invalid` for texts that are damaged or missing, `unsupported` for several images and
 *   for layers of another kind.
 */
export function readOciSif(sif: SifImage, source: ByteSource, digestOf: DigestOf): OciSif {
  const roots = sif.objects.filter(({ dataType }) => dataType === DATA_OCI_ROOT);
  const [root] = roots;
  if (root === undefined) throw broken("it has no index of images");
  if (roots.length > 1) throw broken(`it has ${roots.length} root indexes instead of one`);
  const read = (object: SifDescriptor, digest: string, what: string): OciText => {
    if (object.sizeBytes > MAX_TEXT_BYTES) {
      throw broken(`its ${what} has ${object.sizeBytes} bytes, too many for a text`);
    }
    const bytes = sliceSource(source, object.offset, object.sizeBytes).read(0, object.sizeBytes);
    const found = digestOf(bytes);
    if (found !== digest) throw broken(`its ${what} has the digest ${found}, not ${digest}`);
    return { object, digest, bytes };
  };
  const index = read(root, digestExtra(root), "index");
  const entry = theImage(parse(index.bytes, "", "index"));
  const manifest = read(blobOf(sif, entry, "manifest"), entry.digest, "manifest");
  const parsed = parse(manifest.bytes, entry.mediaType, "manifest");
  if (parsed.kind === "index") {
    throw new Fault("unsupported", "Cannot read OCI-SIF image: its index names another index", {
      hint: "only images for one platform can be used",
    });
  }
  const config = read(
    blobOf(sif, parsed.config, "configuration"),
    parsed.config.digest,
    "configuration",
  );
  const { layers } = parsed;
  if (layers.length === 0) throw broken("its manifest names no layers");
  return {
    index,
    manifest: { ...manifest, mediaType: entry.mediaType === "" ? OCI_MANIFEST : entry.mediaType },
    config,
    layers: layers.map((layer, i) => {
      const what = `layer ${i + 1} of ${layers.length}`;
      const kind = kindOf(layer.mediaType, i === layers.length - 1);
      if (kind === undefined) {
        throw new Fault(
          "unsupported",
          `Cannot read OCI-SIF image: its ${what} has the media type "${layer.mediaType}"`,
          { hint: "layers have to be SquashFS; only the topmost one may be an ext3 overlay" },
        );
      }
      return { ...layer, kind, object: blobOf(sif, layer, what) };
    }),
  };
}

function kindOf(mediaType: string, isTop: boolean): OciSifLayer["kind"] | undefined {
  if (mediaType === SQUASHFS_LAYER) return "squashfs";
  return mediaType === EXT3_LAYER && isTop ? "ext3" : undefined;
}

/** The entry of the image: signatures beside it are passed over. */
function theImage(index: OciManifest): OciDescriptor {
  if (index.kind !== "index") throw broken("its root index is none");
  const images = index.manifests.filter(
    ({ annotations }) => annotations[REF_NAME]?.startsWith(COSIGN) !== true,
  );
  const [image] = images;
  if (image !== undefined && images.length === 1) return image;
  throw new Fault(
    "unsupported",
    `Cannot read OCI-SIF image: its index names ${images.length} images instead of one`,
    { hint: "pull the one that is meant again with `pull --oci`" },
  );
}

function blobOf(sif: SifImage, blob: OciDescriptor, what: string): SifDescriptor {
  const object = sif.objects.find(
    (one) => one.dataType === DATA_OCI_BLOB && digestExtra(one) === blob.digest,
  );
  if (object === undefined) throw broken(`its ${what} (${blob.digest}) is missing`);
  if (object.sizeBytes === blob.sizeBytes) return object;
  throw broken(`its ${what} has ${object.sizeBytes} bytes, not ${blob.sizeBytes}`);
}

function parse(bytes: Uint8Array, mediaType: string, what: string): OciManifest {
  return parseManifest(decodeOsText(bytes), mediaType, `${what} of the OCI-SIF image`);
}

function broken(reason: string): Fault {
  return new Fault("invalid", `Cannot read OCI-SIF image: ${reason}`, {
    hint: "the file is cut off or damaged; fetch or build it again",
  });
}
