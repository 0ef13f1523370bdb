import { statSync } from "node:fs";
import { baseName } from "../../base/path.ts";
import { OCI_MANIFEST } from "../../format/oci/manifest.ts";
import { type RegistryReference, requestedVersion } from "../../format/oci/reference.ts";
import type { Registry } from "../oci/registry.ts";
import { putManifest, uploadBlob } from "../oci/upload.ts";
import { SIF_CONFIG, SIF_LAYER, TITLE } from "./media-types.ts";

/** Annotations of the manifest by name; the peer sorts them. */
export type Annotations = Readonly<Record<string, string>>;

export interface PushHooks {
  /** The blob is about to be sent. */
  onSend?(sizeBytes: number): void;
}

/** Sends a SIF as one blob with the manifest that the peer makes (reference: oci.md section 9); gives the manifest's digest. */
export async function pushOrasImage(
  registry: Registry,
  image: RegistryReference,
  path: string,
  hooks: PushHooks = {},
  annotations: Annotations = {},
): Promise<string> {
  const { repository } = image;
  const sizeBytes = statSync(path).size;
  const file = Bun.file(path);
  const hash = new Bun.CryptoHasher("sha256");
  for await (const piece of file.stream()) hash.update(piece);
  const digest = `sha256:${hash.digest("hex")}`;
  hooks.onSend?.(sizeBytes);
  const what = `"${path}" to ${registry.name}/${repository}`;
  await uploadBlob(registry, repository, { digest, sizeBytes, body: file, what });
  const sif = { digest, sizeBytes, name: baseName(path), annotations };
  return await putSif(registry, image, sif, what);
}

/** Stores the manifest of a SIF whose blob the registry has; gives the manifest's digest. */
export async function putSif(
  registry: Registry,
  image: RegistryReference,
  sif: {
    readonly digest: string;
    readonly sizeBytes: number;
    readonly name: string;
    readonly annotations?: Annotations;
  },
  what: string,
): Promise<string> {
  const { repository } = image;
  const config = new TextEncoder().encode("{}");
  const configDigest = digestOf(config);
  await uploadBlob(registry, repository, {
    digest: configDigest,
    sizeBytes: config.length,
    body: config,
    what: `the configuration of ${what}`,
  });
  const annotations = Object.entries(sif.annotations ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const manifest = new TextEncoder().encode(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: SIF_CONFIG, size: config.length, digest: configDigest },
      layers: [
        {
          mediaType: SIF_LAYER,
          size: sif.sizeBytes,
          digest: sif.digest,
          annotations: { [TITLE]: sif.name },
        },
      ],
      ...(annotations.length === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
    }),
  );
  await putManifest(registry, repository, requestedVersion(image), manifest, OCI_MANIFEST);
  return digestOf(manifest);
}

function digestOf(bytes: Uint8Array<ArrayBuffer>): string {
  return `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
}
