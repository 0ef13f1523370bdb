import { Fault } from "../../base/fault.ts";
import type { ImageAddress } from "../../format/oci/image-address.ts";
import { parseManifest } from "../../format/oci/manifest.ts";
import { requestedVersion } from "../../format/oci/reference.ts";
import { streamOf } from "../../registry/http/stream-of.ts";
import { fetchManifest } from "../../registry/oci/manifest-request.ts";
import type { Registry } from "../../registry/oci/registry.ts";
import { sendBlob } from "../../registry/oci/upload.ts";
import { TITLE } from "../../registry/oras/media-types.ts";
import { putSif } from "../../registry/oras/push.ts";
import type { ImageSigner } from "../../trust/sign/signature-object.ts";
import type { SignChoice } from "../../trust/sign/signed-text.ts";
import { type RemoteAccess, registryOf } from "./access.ts";
import { newBytes, signChange } from "./signed-change.ts";
import { remoteSignedImage } from "./signed-image.ts";

/**
 * Signs a SIF at an address and puts the signed one in its place. The old one stays until the new one
 * is whole. Throws a Fault.
 */
export async function signElsewhere(
  address: ImageAddress,
  signer: ImageSigner,
  choice: SignChoice,
  access: RemoteAccess,
): Promise<void> {
  if (address.kind === "oras") return await signInRegistry(address, signer, choice, access);
  if (address.kind === "library") {
    const { signInLibrary } = await import("./sign-in-library.ts");
    return await signInLibrary(address, signer, choice, access);
  }
  throw new Fault("unsupported", `Cannot sign "${address.text}" where it lies`, {
    hint: "give an oras:// or library:// address, or pull the image, sign it and push it",
  });
}

/**
 * In a registry: what is signed is read in ranges; the new image goes from the registry to the registry
 * through memory, and nothing is stored here.
 */
async function signInRegistry(
  address: Extract<ImageAddress, { readonly kind: "docker" | "oras" }>,
  signer: ImageSigner,
  choice: SignChoice,
  access: RemoteAccess,
): Promise<void> {
  const { text } = address;
  if (address.image.digest !== undefined) {
    throw new Fault("unsupported", `Cannot sign "${text}" where it lies`, {
      hint: "give a tag instead of a digest: the signed image has another digest",
    });
  }
  const registry = registryOf(access, address.image.registry);
  const { repository } = address.image;
  const kept = await keptWords(registry, address);
  const image = await remoteSignedImage(address, access);
  const { sizeBytes: oldBytes } = image.remote;
  const now = BigInt(Math.floor(Date.now() / 1000));
  const order = { image, sizeBytes: oldBytes, signer, choice, text, now };
  const change = await signChange(order);
  const hash = new Bun.CryptoHasher("sha256");
  let sizeBytes = 0;
  const bytesOf = async function* (): AsyncGenerator<Uint8Array> {
    let at = 0;
    for await (const piece of image.remote.range(0, change.oldEnd)) {
      yield newBytes(piece, at, change);
      at += piece.length;
    }
    yield* change.added;
  };
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of bytesOf()) {
      hash.update(piece);
      sizeBytes += piece.length;
      yield piece;
    }
  };
  const body = streamOf(counted());
  let digest = "";
  const end = (): string => {
    digest = `sha256:${hash.digest("hex")}`;
    return digest;
  };
  await sendBlob(registry, repository, body, end, text);
  const sif = { digest, sizeBytes, ...kept };
  await putSif(registry, address.image, sif, text);
}

/** What the old manifest says about the image: the new one says it, too. */
async function keptWords(
  registry: Registry,
  { image, text }: Extract<ImageAddress, { readonly kind: "docker" | "oras" }>,
): Promise<{ readonly name: string; readonly annotations: Readonly<Record<string, string>> }> {
  const { repository } = image;
  const found = await fetchManifest(registry, repository, requestedVersion(image), text);
  const manifest = parseManifest(found.text, found.mediaType, text);
  const own = `${repository.split("/").at(-1) ?? "image"}.sif`;
  if (manifest.kind === "index") return { name: own, annotations: {} };
  const [layer] = manifest.layers;
  return { name: layer?.annotations[TITLE] ?? own, annotations: manifest.annotations };
}
