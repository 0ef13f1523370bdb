import { Fault } from "../../base/fault.ts";
import type { FileDigests } from "../../registry/library/upload-content.ts";
import { newHash } from "../../trust/data-digests.ts";
import { HASH, signTasks } from "../../trust/sign/signed-text.ts";
import { newBytes, type SignedChange, type SignOrder, signChange } from "./signed-change.ts";

/** How often a signature is made again until it is as long as the first; RSA and Ed25519 need one. */
const MOST_TRIES = 64;
/** Data that are not known yet have digests of the same length. */
const NO_DATA = new Uint8Array(0);

/**
 * Signs an image and gives the digests of the signed file, all by one reading of the old one:
 *
 *   table (how long the signatures are) ─► data ─► signatures (of the digests of the data)
 *   └── of signatures that were made of no data; the true ones are made again until they are as long
 *
 * The digests are absent in the rare case that none is. Throws a Fault, also when what was read has not
 * the digest that the image goes by.
 *
 * @param sha256 of the old file, in hexadecimal.
 */
export async function signWhileReading(
  order: SignOrder,
  sha256: string,
  onBytes: (done: number) => void,
): Promise<{ readonly change: SignedChange; readonly digests?: FileDigests }> {
  const { image, signer, sizeBytes, text } = order;
  const draft = await signChange({ ...order, image: { ...image, chunks: () => [NO_DATA] } });
  const objects = signTasks(image, order.choice)
    .flatMap((task) => task.objects)
    .map(({ id, offset, sizeBytes: length }) => {
      return { id, offset, end: offset + length, hash: newHash(HASH) };
    });
  const old = new Bun.CryptoHasher("sha256");
  const whole = new Bun.CryptoHasher("sha256");
  const md5 = new Bun.CryptoHasher("md5");
  const take = (piece: Uint8Array): void => {
    whole.update(piece);
    md5.update(piece);
  };
  let at = 0;
  for await (const piece of image.chunks(0, sizeBytes)) {
    old.update(piece);
    for (const { offset, end, hash } of objects) {
      if (offset >= at + piece.length || end <= at) continue;
      hash?.update(piece.subarray(Math.max(offset - at, 0), end - at));
    }
    take(newBytes(piece, at, draft));
    at += piece.length;
    onBytes(at);
  }
  if (old.digest("hex") !== sha256) {
    throw new Fault(
      "invalid",
      `Cannot sign "${text}": its bytes are not those that it is known by`,
    );
  }
  const known = new Map(objects.map(({ id, hash }) => [id, hash?.digest("hex") ?? ""]));
  const lengths = draft.added.map((one) => one.length);
  const patient = {
    ...signer,
    sign: async (words: string): Promise<Uint8Array> => {
      const wanted = lengths.shift();
      for (let tries = 1; ; tries += 1) {
        const bytes = await signer.sign(words);
        if (bytes.length === wanted || tries === MOST_TRIES) return bytes;
      }
    },
  };
  const change = await signChange(
    { ...order, signer: patient },
    { begin: () => {}, of: async ({ id }) => known.get(id) ?? "" },
  );
  if (change.added.some((one, i) => one.length !== draft.added[i]?.length)) return { change };
  for (const one of change.added) take(one);
  return { change, digests: { sha256: whole.digest("hex"), md5: md5.digest("hex") } };
}
