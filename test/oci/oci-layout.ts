import { mkdirSync, writeFileSync } from "node:fs";
import { ownArch } from "../support/own-arch.ts";

/** How a layer is packed. */
export type Packing = "plain" | "gzip" | "zstd";

export interface LayoutImage {
  readonly tag: string;
  readonly layers: readonly {
    readonly archive: Uint8Array<ArrayBuffer>;
    readonly packing: Packing;
  }[];
  /** The `config` object. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly created?: string;
  /** GOARCH name; default the machine's own. */
  readonly arch?: string;
}

const sha256 = (bytes: Uint8Array<ArrayBuffer>): string =>
  `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;

const encode = (value: unknown): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(JSON.stringify(value));

/** Writes an OCI layout with images into a new directory. */
export function writeLayout(folder: string, images: readonly LayoutImage[]): void {
  mkdirSync(`${folder}/blobs/sha256`, { recursive: true });
  writeFileSync(`${folder}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  const put = (bytes: Uint8Array<ArrayBuffer>, mediaType: string) => {
    const digest = sha256(bytes);
    writeFileSync(`${folder}/blobs/${digest.replace(":", "/")}`, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const manifests = images.map(({ tag, layers, config, created, arch }) => {
    const descriptors = layers.map(({ archive, packing }) => {
      const type = "application/vnd.oci.image.layer.v1.tar";
      if (packing === "plain") return put(archive, type);
      const packed =
        packing === "gzip" ? Bun.gzipSync(archive) : Uint8Array.from(Bun.zstdCompressSync(archive));
      return put(packed, `${type}+${packing}`);
    });
    const image = {
      created: created ?? "2020-02-02T02:02:02Z",
      architecture: arch ?? ownArch,
      os: "linux",
      config: config ?? {},
      rootfs: { type: "layers", diff_ids: layers.map(({ archive }) => sha256(archive)) },
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: put(encode(image), "application/vnd.oci.image.config.v1+json"),
      layers: descriptors,
    };
    const annotations = { "org.opencontainers.image.ref.name": tag };
    return { ...put(encode(manifest), manifest.mediaType), annotations };
  });
  writeFileSync(`${folder}/index.json`, encode({ schemaVersion: 2, manifests }));
}
