import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { DOCKER_MANIFEST } from "../../format/oci/manifest.ts";
import type { OciLayer } from "../../format/oci/oci-image.ts";
import { type RegistryReference, requestedVersion } from "../../format/oci/reference.ts";
import {
  configWithLayers,
  type DigestedText,
  manifestWith,
  type NamedLayer,
} from "../../format/ocisif/image-texts.ts";
import { distinctLayers } from "../../format/ocisif/layout.ts";
import type { ImageFile } from "../../image/image-file.ts";
import { readOciImage, sha256 } from "../../image/ocisif/open-oci-sif.ts";
import type { Registry } from "../../registry/oci/registry.ts";
import { putManifest, sendBlob, uploadBlob } from "../../registry/oci/upload.ts";
import { imageOfOciSif } from "./image-of-oci-sif.ts";
import { packedLayer } from "./packed-layer.ts";

/** How an image is sent. */
export interface OciPush {
  readonly file: ImageFile;
  readonly registry: Registry;
  readonly image: RegistryReference;
  /** `tar`: layers become archives, which every other program reads; else they stay what they are. */
  readonly asTar: boolean;
  /** Told of the bytes of layers that are there now. */
  onBytes(done: number): void;
}

const TAR_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const DOCKER_TAR_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/**
 * Sends the image of an OCI-SIF to a registry: layers, configuration, then the manifest. As it is it keeps
 * its digest. Gives the digest of the manifest. Throws a Fault, also for a layer whose bytes are not those
 * that the manifest names.
 */
export async function pushOciSif(push: OciPush): Promise<string> {
  const { file, image, registry } = push;
  const { repository } = image;
  const { manifest, config } = readOciImage(file).sif;
  const sent = push.asTar ? await sendArchives(push) : await sendLayers(push);
  let texts: { readonly config: DigestedText; readonly manifest: Uint8Array } = {
    config,
    manifest: manifest.bytes,
  };
  if (sent !== undefined) {
    const diffIds = sent.map(({ diffId }) => diffId);
    const bytes = configWithLayers(config.bytes, diffIds, undefined, `"${file.path}"`);
    const changed = { bytes, digest: sha256(bytes) };
    texts = { config: changed, manifest: manifestWith(changed, sent, manifest.bytes) };
  }
  await uploadBlob(registry, repository, {
    digest: texts.config.digest,
    sizeBytes: texts.config.bytes.length,
    body: Uint8Array.from(texts.config.bytes),
    what: `the configuration of "${file.path}"`,
  });
  const bytes = Uint8Array.from(texts.manifest);
  await putManifest(registry, repository, requestedVersion(image), bytes, manifest.mediaType);
  return sha256(bytes);
}

async function sendLayers({ file, image, registry, onBytes }: OciPush): Promise<undefined> {
  const { layers } = readOciImage(file).sif;
  const whole = imageOfOciSif(file).layers;
  let done = 0;
  for (const layer of distinctLayers(layers)) {
    const { offset, sizeBytes } = layer.object;
    await checkDigest(whole.find(({ digest }) => digest === layer.digest));
    await uploadBlob(registry, image.repository, {
      digest: layer.digest,
      sizeBytes,
      body: Bun.file(file.path).slice(offset, offset + sizeBytes),
      what: `layer ${layer.digest} of "${file.path}"`,
    });
    done += sizeBytes;
    onBytes(done);
  }
  return undefined;
}

/** A layer that is damaged is told of here, not by the registry. */
async function checkDigest(layer: OciLayer | undefined): Promise<void> {
  if (layer === undefined) return;
  for await (const _ of layer.open()) {
    // Reading it checks it.
  }
}

type Archive = NamedLayer & { readonly diffId: string };

async function sendArchives(push: OciPush): Promise<readonly Archive[]> {
  const { file, image, registry, onBytes } = push;
  const { manifest } = readOciImage(file).sif;
  const mediaType = manifest.mediaType === DOCKER_MANIFEST ? DOCKER_TAR_LAYER : TAR_LAYER;
  const sent = new Map<string, Archive>();
  const archives: Archive[] = [];
  let done = 0;
  for (const layer of imageOfOciSif(file).layers) {
    let archive = sent.get(layer.digest);
    if (archive === undefined) {
      await checkDigest(layer);
      const unpacked = new Bun.CryptoHasher("sha256");
      const packed = new Bun.CryptoHasher("sha256");
      let sizeBytes = 0;
      const body = streamOf(layer, unpacked, (piece) => {
        packed.update(piece);
        sizeBytes += piece.length;
      });
      let digest = "";
      const end = (): string => {
        digest = `sha256:${packed.digest("hex")}`;
        return digest;
      };
      const what = `layer ${layer.digest} of "${file.path}"`;
      await sendBlob(registry, image.repository, body, end, what);
      const diffId = `sha256:${unpacked.digest("hex")}`;
      archive = { mediaType, digest, sizeBytes, diffId };
      sent.set(layer.digest, archive);
    }
    archives.push(archive);
    done += layer.sizeBytes;
    onBytes(done);
  }
  return archives;
}

/** A layer as a compressed archive, made while it is read. */
function streamOf(
  layer: OciLayer,
  unpacked: Bun.CryptoHasher,
  onPacked: (piece: Uint8Array) => void,
): ReadableStream<Uint8Array> {
  const archive = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of packedLayer(layer, () => {})) {
      unpacked.update(piece);
      yield piece;
    }
  };
  const source = Readable.from(archive());
  const gzip = createGzip();
  source.on("error", (error) => gzip.destroy(error));
  const pieces = source.pipe(gzip)[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await pieces.next();
      if (next.done === true) controller.close();
      else {
        onPacked(next.value);
        controller.enqueue(next.value);
      }
    },
  });
}
