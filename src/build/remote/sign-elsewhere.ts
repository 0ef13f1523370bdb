import { Fault } from "../../base/fault.ts";
import type { ImageAddress } from "../../format/oci/image-address.ts";
import { planAdd } from "../../format/sif/edit.ts";
import { sendBlob } from "../../registry/oci/upload.ts";
import { putSif } from "../../registry/oras/push.ts";
import { type ImageSigner, signatureObject } from "../../trust/sign/signature-object.ts";
import { type SignChoice, signedTexts, signTasks } from "../../trust/sign/signed-text.ts";
import { type RemoteAccess, registryOf } from "./access.ts";
import { remoteSignedImage } from "./signed-image.ts";

/** Bytes and where in the new file they go. */
interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Signs a SIF at an oras:// address and puts the signed one in its place. What is signed is read in
 * ranges; the new image goes from the registry to the registry through memory, and nothing is stored
 * here. The old one stays until the new one is whole. Throws a Fault.
 */
export async function signElsewhere(
  address: ImageAddress,
  signer: ImageSigner,
  choice: SignChoice,
  access: RemoteAccess,
): Promise<void> {
  const { text } = address;
  if (address.kind !== "oras" || address.image.digest !== undefined) {
    throw new Fault("unsupported", `Cannot sign "${text}" where it lies`, {
      hint: "give an oras:// address with a tag, or pull the image, sign it and push it",
    });
  }
  const image = await remoteSignedImage(address, access);
  const tasks = signTasks(image, choice);
  const texts = await signedTexts(image, tasks);
  const now = BigInt(Math.floor(Date.now() / 1000));
  const { dataOffset } = image.sif.header;
  let { sif } = image;
  const writes: Piece[] = [];
  const added: Piece[] = [];
  for (const [at, { group }] of tasks.entries()) {
    const bytes = await signer.sign(texts[at] ?? "");
    const change = planAdd(sif, signatureObject(signer, group, bytes.length), now);
    sif = change.image;
    writes.push(...change.writes);
    added.push({ offset: change.object.offset, bytes });
  }
  const oldEnd = added[0]?.offset ?? image.remote.sizeBytes;
  if (oldEnd > image.remote.sizeBytes) {
    throw new Fault("invalid", `Cannot sign "${text}": its data end before they should`);
  }
  const hash = new Bun.CryptoHasher("sha256");
  let sizeBytes = 0;
  const bytesOf = async function* (): AsyncGenerator<Uint8Array> {
    yield* headWith(image.remote.range(0, dataOffset), dataOffset, writes);
    yield* image.remote.range(dataOffset, oldEnd);
    for (const { bytes } of added) yield bytes;
  };
  const pieces = bytesOf();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done === true) return controller.close();
      hash.update(value);
      sizeBytes += value.length;
      controller.enqueue(value);
    },
    async cancel() {
      await pieces.return(undefined);
    },
  });
  const registry = registryOf(access, address.image.registry);
  const { repository } = address.image;
  let digest = "";
  const end = (): string => {
    digest = `sha256:${hash.digest("hex")}`;
    return digest;
  };
  await sendBlob(registry, repository, body, end, text);
  const name = `${repository.split("/").at(-1) ?? "image"}.sif`;
  await putSif(registry, address.image, { digest, sizeBytes, name }, text);
}

/** The bytes before the data, with the changes of the table in them. */
async function* headWith(
  old: AsyncIterable<Uint8Array>,
  length: number,
  writes: readonly Piece[],
): AsyncGenerator<Uint8Array> {
  const head = new Uint8Array(length);
  let at = 0;
  for await (const piece of old) {
    head.set(piece, at);
    at += piece.length;
  }
  for (const { offset, bytes } of writes) head.set(bytes, offset);
  yield head;
}
