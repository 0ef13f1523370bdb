import { renameSync, rmSync } from "node:fs";
import { memorySource } from "../base/byte-source.ts";
import { Fault } from "../base/fault.ts";
import { type RemoteAccess, registryOf } from "../build/remote/access.ts";
import type { ImageAddress } from "../format/oci/image-address.ts";
import { requestedVersion } from "../format/oci/reference.ts";
import { DATA_JSON } from "../format/sif/codes.ts";
import { planAdd } from "../format/sif/edit.ts";
import { fetchCosignBundles } from "../registry/oci/cosign-bundles.ts";
import { fetchCosignSignatures } from "../registry/oci/cosign-signatures.ts";
import { fetchManifest } from "../registry/oci/manifest-request.ts";
import { openRegistryImage } from "../registry/oci/open-image.ts";
import { readNamed } from "../runtime/key-rings.ts";
import { COSIGN_RECORD, cosignRecord, goodSignatures } from "../trust/cosign/check-cosign.ts";
import { loadPublicKey } from "../trust/pem/load-key.ts";
import { changeSif } from "./_change-sif.ts";

/** An image whose signature is good, by its digest, and what to keep of that. */
export interface CosignedImage {
  readonly address: ImageAddress;
  readonly record: string;
}

/**
 * Checks that an image in a registry is signed by a key, and pins its address to the digest that was
 * signed: that of what the tag names, or of the manifest for the platform. Throws a Fault.
 */
export async function requireCosign(
  address: ImageAddress,
  keyFile: string,
  access: RemoteAccess,
): Promise<CosignedImage> {
  const { text } = address;
  if (address.kind !== "docker") {
    throw new Fault("usage", `Cannot check a cosign signature of "${text}"`, {
      exitCode: 255,
      hint: "--cosign-key is for docker:// addresses; verify checks the signatures of SIFs",
    });
  }
  const key = loadPublicKey(new TextDecoder().decode(readNamed(keyFile)));
  const { image } = address;
  const registry = registryOf(access, image.registry);
  const { http, places, wish, concurrency } = access;
  const hooks = { note: (line: string) => access.talk.info(line), signal: access.signal };
  const named = await fetchManifest(registry, image.repository, requestedVersion(image), text);
  const options = { registry, http, image, text, wish, places, concurrency, hooks };
  const digests = [
    async () => named.digest,
    async () => (await openRegistryImage(options, named.digest)).manifestDigest,
  ];
  for (const find of digests) {
    const digest = await find();
    const asked = [registry, http, image.repository, digest] as const;
    const [old] = goodSignatures(await fetchCosignSignatures(...asked), digest, key);
    const [good] = old ? [old] : goodSignatures(await fetchCosignBundles(...asked), digest, key);
    if (good === undefined) continue;
    access.talk.info(`The image ${digest} is signed by the key in ${keyFile}`);
    return {
      address: { ...address, image: { ...image, digest } },
      record: cosignRecord(text, digest, good, key),
    };
  }
  throw new Fault("denied", `Cannot use ${text}: it has no signature by the key in ${keyFile}`, {
    hint: "cosign sign makes one; check that the key is that of the publisher",
  });
}

/** Puts the signature into a SIF that stands at `staged`, then gives that its name. */
export function keepCosign(staged: string, target: string, record: string): void {
  try {
    const bytes = new TextEncoder().encode(record);
    changeSif(staged, (sif) => {
      const object = {
        dataType: DATA_JSON,
        group: 1,
        name: COSIGN_RECORD,
        sizeBytes: bytes.length,
      };
      const added = planAdd(sif.image, object, BigInt(Math.floor(Date.now() / 1000)));
      sif.append(added.object.offset, memorySource(bytes));
      sif.write(added.writes);
    });
    renameSync(staged, target);
  } finally {
    rmSync(staged, { force: true });
  }
}
