import { type ByteSource, sliceSource } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import type { OciImage } from "../../format/oci/oci-image.ts";
import type { ImageFile } from "../../image/image-file.ts";
import { readOciImage } from "../../image/ocisif/open-oci-sif.ts";

const CHUNK_BYTES = 1024 * 1024;

/** The image of an OCI-SIF as those of registries are. The digest of an overlay is not checked: it is written to. Throws a Fault. */
export function imageOfOciSif(file: ImageFile): OciImage {
  const { sif } = readOciImage(file);
  const { manifest, config } = sif;
  return {
    reference: `"${file.path}"`,
    manifestDigest: manifest.digest,
    manifest,
    config: config.bytes,
    layers: sif.layers.map(({ kind, mediaType, digest, object }) => {
      const source = sliceSource(file.source, object.offset, object.sizeBytes);
      const expected = kind === "ext3" ? undefined : digest;
      const open = (): AsyncIterable<Uint8Array> => pieces(source, expected, file.path);
      return { mediaType, digest, sizeBytes: object.sizeBytes, open, source };
    }),
  };
}

async function* pieces(
  source: ByteSource,
  digest: string | undefined,
  path: string,
): AsyncGenerator<Uint8Array> {
  const hash = new Bun.CryptoHasher("sha256");
  for (let at = 0; at < source.sizeBytes; at += CHUNK_BYTES) {
    const bytes = source.read(at, Math.min(CHUNK_BYTES, source.sizeBytes - at));
    hash.update(bytes);
    const found = at + bytes.length < source.sizeBytes ? digest : `sha256:${hash.digest("hex")}`;
    if (digest !== undefined && found !== digest) {
      throw new Fault("invalid", `Cannot use "${path}": its layer ${digest} has another digest`, {
        hint: "the file is damaged; fetch or build it again",
      });
    }
    yield bytes;
  }
}
