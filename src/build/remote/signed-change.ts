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

export interface SignOrder {
  readonly image: SignedImage;
  /** Of the file. */
  readonly sizeBytes: number;
  readonly signer: ImageSigner;
  readonly choice: SignChoice;
  /** Names the image. */
  readonly text: string;
  /** Seconds since 1970. */
  readonly now: bigint;
}

/** Signs an image and tells what changes; `digests` of its data where they are known. Throws a Fault. */
export async function signChange(
  order: SignOrder,
  digests?: Parameters<typeof signedTexts>[2],
): Promise<SignedChange> {
  const { choice, image, now, signer, sizeBytes, text } = order;
  const tasks = signTasks(image, choice);
  const texts = await signedTexts(image, tasks, digests);
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

/** Of a piece of the old file that lies at `offset`, what the new one has. */
export function newBytes(
  piece: Uint8Array,
  offset: number,
  { oldEnd, writes }: SignedChange,
): Uint8Array {
  const kept = piece.subarray(0, Math.max(oldEnd - offset, 0));
  const end = offset + kept.length;
  const changes = writes.filter(
    (one) => one.offset < end && one.offset + one.bytes.length > offset,
  );
  if (changes.length === 0) return kept;
  const bytes = kept.slice();
  for (const one of changes) {
    const from = Math.max(offset, one.offset);
    const to = Math.min(end, one.offset + one.bytes.length);
    bytes.set(one.bytes.subarray(from - one.offset, to - one.offset), from - offset);
  }
  return bytes;
}
