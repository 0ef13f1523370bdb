import { gzipSync, zstdCompressSync } from "node:zlib";
import { ownArch } from "../support/own-arch.ts";

/** A file of a layer. */
export interface LayerFile {
  /** Without a leading slash; directories end in one. */
  readonly name: string;
  readonly content?: string | Uint8Array;
  readonly mode?: number;
  /** Target of a symbolic link. */
  readonly link?: string;
}

/** An image to be stored in a registry. */
export interface TestImage {
  readonly layers: readonly (readonly LayerFile[])[];
  /** `config` member of the configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly compression?: "gzip" | "zstd" | "none";
  /** GOARCH name; default the machine's own. */
  readonly arch?: string;
}

export interface Blob {
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/** Blobs and manifest of an image. */
export interface PackedImage {
  readonly config: Blob;
  readonly layers: readonly Blob[];
  readonly manifest: Blob & { readonly mediaType: string };
}

const OCI = "application/vnd.oci.image";

export function blobOf(bytes: Uint8Array): Blob {
  return { digest: `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`, bytes };
}

/** Makes the blobs of an image; the same input gives the same bytes. */
export function packImage(image: TestImage): PackedImage {
  const tars = image.layers.map(packTar);
  const pack = { gzip: gzipSync, zstd: zstdCompressSync, none: (b: Uint8Array) => b };
  const compression = image.compression ?? "gzip";
  const suffix = compression === "none" ? "" : `+${compression}`;
  const layers = tars.map((tar) => blobOf(new Uint8Array(pack[compression](tar))));
  const config = blobOf(
    encode({
      created: "2024-05-06T07:08:09Z",
      architecture: image.arch ?? ownArch,
      os: "linux",
      config: image.config ?? {},
      rootfs: { type: "layers", diff_ids: tars.map((tar) => blobOf(tar).digest) },
    }),
  );
  const mediaType = `${OCI}.manifest.v1+json`;
  const manifest = blobOf(
    encode({
      schemaVersion: 2,
      mediaType,
      config: {
        mediaType: `${OCI}.config.v1+json`,
        size: config.bytes.length,
        digest: config.digest,
      },
      layers: layers.map(({ digest, bytes }) => ({
        mediaType: `${OCI}.layer.v1.tar${suffix}`,
        size: bytes.length,
        digest,
      })),
    }),
  );
  return { config, layers, manifest: { ...manifest, mediaType } };
}

/** An index that names images by platform. */
export function packIndex(
  entries: readonly {
    readonly image: PackedImage;
    readonly arch: string;
    readonly variant?: string;
  }[],
): Blob & { readonly mediaType: string } {
  const mediaType = `${OCI}.index.v1+json`;
  const manifests = entries.map(({ image, arch, variant }) => ({
    mediaType: image.manifest.mediaType,
    digest: image.manifest.digest,
    size: image.manifest.bytes.length,
    platform: { os: "linux", architecture: arch, ...(variant === undefined ? {} : { variant }) },
  }));
  return { ...blobOf(encode({ schemaVersion: 2, mediaType, manifests })), mediaType };
}

/** Stores blobs and manifest in a registry, under a tag and its digest. */
export async function upload(
  url: string,
  repository: string,
  tag: string,
  image: PackedImage,
  authorization = "",
): Promise<void> {
  for (const blob of [image.config, ...image.layers]) {
    await uploadBlob(url, repository, blob, authorization);
  }
  await putManifest(url, repository, tag, image.manifest, authorization);
}

export async function uploadBlob(
  url: string,
  repository: string,
  { digest, bytes }: Blob,
  authorization = "",
): Promise<void> {
  const headers = { authorization };
  const opened = await fetch(`${url}/v2/${repository}/blobs/uploads/`, { method: "POST", headers });
  const to = new URL(opened.headers.get("location") ?? "", url);
  to.searchParams.set("digest", digest);
  const put = await fetch(to, {
    method: "PUT",
    headers: { ...headers, "content-type": "application/octet-stream" },
    body: new Uint8Array(bytes),
  });
  if (put.status !== 201) throw new Error(`upload of ${digest}: ${put.status}`);
}

export async function putManifest(
  url: string,
  repository: string,
  tag: string,
  manifest: Blob & { readonly mediaType: string },
  authorization = "",
): Promise<void> {
  const put = await fetch(`${url}/v2/${repository}/manifests/${tag}`, {
    method: "PUT",
    headers: { "content-type": manifest.mediaType, authorization },
    body: new Uint8Array(manifest.bytes),
  });
  if (put.status !== 201) throw new Error(`manifest ${tag}: ${put.status} ${await put.text()}`);
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** A ustar archive; all entries of root, with one time. */
function packTar(files: readonly LayerFile[]): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const { name, content = "", mode, link } of files) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const isFolder = name.endsWith("/");
    const type = link !== undefined ? "2" : isFolder ? "5" : "0";
    blocks.push(header(name, mode ?? (isFolder ? 0o755 : 0o644), bytes.length, type, link ?? ""));
    blocks.push(bytes, new Uint8Array((512 - (bytes.length % 512)) % 512));
  }
  blocks.push(new Uint8Array(1024));
  return new Uint8Array(Buffer.concat(blocks));
}

function header(name: string, mode: number, size: number, type: string, link: string): Uint8Array {
  const block = new Uint8Array(512);
  const put = (at: number, text: string): void => block.set(new TextEncoder().encode(text), at);
  const octal = (value: number, width: number): string =>
    `${value.toString(8).padStart(width - 1, "0")}\0`;
  put(0, name);
  put(100, octal(mode, 8));
  put(108, octal(0, 8));
  put(116, octal(0, 8));
  put(124, octal(size, 12));
  put(136, octal(1_700_000_000, 12));
  put(148, "        ");
  put(156, type);
  put(157, link);
  put(257, "ustar\0" + "00");
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}
