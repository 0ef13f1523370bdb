import { Fault } from "../../base/fault.ts";
import { planAdd } from "../../format/sif/edit.ts";
import { type ImageSigner, signatureObject } from "../../trust/sign/signature-object.ts";
import { type SignChoice, signedTexts, signTasks } from "../../trust/sign/signed-text.ts";
import type { SignedImage } from "../../trust/signed-image.ts";

/** Bytes and where in the new file they go. */
interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What signing changes of a file: its table, and what follows on its data. */
export interface SignedChange {
  readonly writes: readonly Piece[];
  /** Where the data of the old file end that the new one has. */
  readonly oldEnd: number;
  /** One after another from `oldEnd` on. */
  readonly added: readonly Uint8Array[];
}

/** Signs an image of `sizeBytes` and tells what changes; `text` names it. Throws a Fault. */
export async function signChange(
  image: SignedImage,
  sizeBytes: number,
  signer: ImageSigner,
  choice: SignChoice,
  text: string,
): Promise<SignedChange> {
  const tasks = signTasks(image, choice);
  const texts = await signedTexts(image, tasks);
  const now = BigInt(Math.floor(Date.now() / 1000));
  let { sif } = image;
  const writes: Piece[] = [];
  const added: Uint8Array[] = [];
  let oldEnd = sizeBytes;
  for (const [at, { group }] of tasks.entries()) {
    const bytes = await signer.sign(texts[at] ?? "");
    const change = planAdd(sif, signatureObject(signer, group, bytes.length), now);
    sif = change.image;
    writes.push(...change.writes);
    if (at === 0) oldEnd = change.object.offset;
    added.push(bytes);
  }
  if (oldEnd > sizeBytes) {
    throw new Fault("invalid", `Cannot sign "${text}": its data end before they should`);
  }
  return { writes, oldEnd, added };
}

/** Bytes of the old file from `offset` on, which become those of the new one. */
export function applied<Bytes extends Uint8Array>(
  bytes: Bytes,
  offset: number,
  writes: SignedChange["writes"],
): Bytes {
  for (const one of writes) {
    const from = Math.max(offset, one.offset);
    const to = Math.min(offset + bytes.length, one.offset + one.bytes.length);
    if (from < to) bytes.set(one.bytes.subarray(from - one.offset, to - one.offset), from - offset);
  }
  return bytes;
}
