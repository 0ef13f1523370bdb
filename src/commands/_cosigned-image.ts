import { existsSync } from "node:fs";
import { fromBase64, toBase64 } from "../base/base64.ts";
import { type ByteSource, memorySource } from "../base/byte-source.ts";
import { Fault } from "../base/fault.ts";
import { decodeOsText } from "../base/os-text.ts";
import { resolvePath } from "../base/path.ts";
import { registryOf } from "../build/remote/access.ts";
import type { Invocation } from "../cli/invocation.ts";
import {
  signatureImage,
  signatureLayer,
  signatureLayers,
} from "../format/cosign/signature-image.ts";
import { SIGNATURE_ANNOTATION, SIMPLE_SIGNING_TYPE } from "../format/cosign/simple-signing.ts";
import { parseImageAddress } from "../format/oci/image-address.ts";
import { requestedVersion } from "../format/oci/reference.ts";
import { indexWithSignatures, planBlobs, signaturesOf } from "../format/ocisif/cosign-change.ts";
import { isOciSif, type OciSif, readOciSif } from "../format/ocisif/oci-sif.ts";
import { DATA_OCI_BLOB, DATA_SIGNATURE } from "../format/sif/codes.ts";
import type { SifDescriptor } from "../format/sif/descriptor.ts";
import { digestExtra } from "../format/sif/extra.ts";
import { readSif, type SifImage } from "../format/sif/image.ts";
import { sha256 } from "../image/ocisif/open-oci-sif.ts";
import { fetchCosignBundles } from "../registry/oci/cosign-bundles.ts";
import { fetchCosignSignatures, storeCosignSignature } from "../registry/oci/cosign-signatures.ts";
import { fetchManifest } from "../registry/oci/manifest-request.ts";
import type { Context } from "../terminal/context.ts";
import type { CosignSignature } from "../trust/cosign/check-cosign.ts";
import type { CosignedPlace } from "../trust/cosign/cosigned-place.ts";
import { changeSif, openForReading } from "./_change-sif.ts";
import { plainHost } from "./_key-rings.ts";
import { openAccess } from "./_remote-access.ts";

const MOST_TEXT_BYTES = 1 << 20;

/** Opens the image of an OCI-SIF, or one at a docker:// or oras:// address. Throws a Fault. */
export async function openCosigned(
  word: string,
  inv: Invocation,
  ctx: Context,
): Promise<CosignedPlace> {
  const path = resolvePath(plainHost(ctx).cwd ?? "/", word);
  const address = existsSync(path) ? undefined : parseImageAddress(word);
  if (address?.kind !== "docker" && address?.kind !== "oras") return openInFile(path, word);
  const opened = openAccess(inv, ctx);
  try {
    const { access } = opened;
    const { image } = address;
    const registry = registryOf(access, image.registry);
    const { digest } = await fetchManifest(
      registry,
      image.repository,
      requestedVersion(image),
      word,
    );
    return {
      digest,
      reference: `${image.registry}/${image.repository}`,
      signatures: async () => {
        const asked = [registry, access.http, image.repository, digest] as const;
        return [
          ...(await fetchCosignSignatures(...asked)),
          ...(await fetchCosignBundles(...asked)),
        ];
      },
      add: (signature) => storeCosignSignature(registry, image.repository, digest, signature),
      checkBlobs: () => undefined,
      close: () => opened.close(),
    };
  } catch (error) {
    opened.close();
    throw error;
  }
}

function openInFile(path: string, word: string): CosignedPlace {
  const file = openForReading(path);
  try {
    const { source } = file;
    const sif = readSif(source);
    if (!isOciSif(sif)) {
      throw new Fault(
        "invalid",
        `${word} is no OCI-SIF: cosign's signatures are about OCI images`,
        {
          hint: "leave --cosign out for the signatures of a SIF",
        },
      );
    }
    const oci = readOciSif(sif, source, sha256);
    return {
      digest: oci.manifest.digest,
      reference: "",
      signatures: async () => readSignatures(sif, oci, source),
      add: async (signature) => addToFile(path, source, signature),
      checkBlobs: () => checkBlobs(sif, source),
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

function blobOf(sif: SifImage, digest: string): SifDescriptor | undefined {
  return sif.objects.find((o) => o.dataType === DATA_OCI_BLOB && digestExtra(o) === digest);
}

/** A text by its digest; undefined for one that is missing, too long, or another. */
function textOf(sif: SifImage, source: ByteSource, digest: string): Uint8Array | undefined {
  const object = blobOf(sif, digest);
  if (object === undefined || object.sizeBytes > MOST_TEXT_BYTES) return undefined;
  const bytes = source.read(object.offset, object.sizeBytes);
  return sha256(bytes) === digest ? bytes : undefined;
}

function readSignatures(
  sif: SifImage,
  oci: OciSif,
  source: ByteSource,
): readonly CosignSignature[] {
  const manifest = textOf(sif, source, signaturesOf(oci.index.bytes, oci.manifest.digest) ?? "");
  if (manifest === undefined) return [];
  return signatureLayers(decodeOsText(manifest)).flatMap((layer) => {
    const signature = fromBase64(layer.annotations?.[SIGNATURE_ANNOTATION] ?? "");
    const payload = textOf(sif, source, layer.digest);
    const isOne = layer.mediaType === SIMPLE_SIGNING_TYPE && payload !== undefined;
    return isOne && signature !== undefined && signature.length > 0
      ? [{ payload: Uint8Array.from(payload), signature }]
      : [];
  });
}

function addToFile(path: string, source: ByteSource, signature: CosignSignature): void {
  changeSif(path, (file) => {
    const { image } = file;
    if (image.objects.some(({ dataType }) => dataType === DATA_SIGNATURE)) {
      throw new Fault("denied", `Cannot add to "${path}": the SIF is signed`, {
        hint: "an object more would make the signature there invalid; sign with --cosign first",
      });
    }
    const oci = readOciSif(image, source, sha256);
    const old = signaturesOf(oci.index.bytes, oci.manifest.digest) ?? "";
    const oldText = textOf(image, source, old);
    const before = oldText === undefined ? [] : signatureLayers(decodeOsText(oldText));
    const payload = { bytes: signature.payload, digest: sha256(signature.payload) };
    const layers = [...before, signatureLayer(payload, toBase64(signature.signature))];
    const { config, manifest } = signatureImage(layers, sha256);
    const index = indexWithSignatures(oci.index.bytes, oci.manifest.digest, manifest, sha256);
    const dropped = new Set([old, configOf(oldText)].filter((digest) => digest !== ""));
    const now = BigInt(Math.floor(Date.now() / 1000));
    const plan = planBlobs(image, [payload, config, manifest], index, dropped, now);
    for (const { offset, bytes } of plan.pieces) file.append(offset, memorySource(bytes));
    file.write([{ offset: 0, bytes: plan.start }]);
  });
}

function configOf(manifest: Uint8Array | undefined): string {
  if (manifest === undefined) return "";
  const { config } = JSON.parse(decodeOsText(manifest)) as {
    readonly config?: { digest?: string };
  };
  return config?.digest ?? "";
}

function checkBlobs(sif: SifImage, source: ByteSource): number {
  const blobs = sif.objects.filter(({ dataType }) => dataType === DATA_OCI_BLOB);
  for (const blob of blobs) {
    const hash = new Bun.CryptoHasher("sha256");
    for (let at = 0; at < blob.sizeBytes; at += MOST_TEXT_BYTES) {
      hash.update(source.read(blob.offset + at, Math.min(MOST_TEXT_BYTES, blob.sizeBytes - at)));
    }
    const digest = digestExtra(blob);
    if (`sha256:${hash.digest("hex")}` !== digest) {
      throw new Fault("invalid", `the bytes of object ${blob.id} are not those of ${digest}`);
    }
  }
  return blobs.length;
}
