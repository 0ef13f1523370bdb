import type { ByteSource } from "../../base/byte-source.ts";

/** A layer of an OCI or Docker image, where its bytes can be had. */
export interface OciLayer {
  readonly mediaType: string;
  /** `sha256:…` of the bytes as they lie in the registry or archive (compressed). */
  readonly digest: string;
  readonly sizeBytes: number;
  /**
   * The bytes as they lie there, in pieces, verified while they stream: the last piece is only given
   * when size and digest are right. Throws a Fault that names the layer otherwise.
   */
  open(): AsyncIterable<Uint8Array>;
  /** The bytes in ranges, where they lie as a part of a file here. */
  readonly source?: ByteSource;
}

/** One image for one platform, wherever it comes from: registry, layout directory, archive. */
export interface OciImage {
  /** As the user wrote it, `docker://alpine:3`. */
  readonly reference: string;
  /** `sha256:…` of the manifest that was chosen. */
  readonly manifestDigest: string;
  /** The manifest as it lies there; absent where there is none, as in archives of Docker. */
  readonly manifest?: { readonly bytes: Uint8Array; readonly mediaType: string };
  /** Bytes of the image configuration, digest checked; parsed by format/oci/image-config.ts. */
  readonly config: Uint8Array;
  /** The image's full name in its registry, and the digest of what the name stands for: an index, or the manifest. */
  readonly base?: { readonly name: string; readonly digest: string };
  /** Bottom layer first. */
  readonly layers: readonly OciLayer[];
}
