import { Fault } from "../../base/fault.ts";
import type { SifDescriptor } from "../../format/sif/descriptor.ts";
import { descriptorDigest, firstIdOfGroup, headerDigest } from "../../format/sif/digests.ts";
import { signatureExtra } from "../../format/sif/extra.ts";
import {
  parseLegacyText,
  parseMetadata,
  type SignedMetadata,
} from "../../format/sif/signed-metadata.ts";
import { type DataDigests, digestOf, isSame } from "../data-digests.ts";
import type { SignedImage } from "../signed-image.ts";
import { badSignature, IntegrityFault } from "./integrity-fault.ts";
import type { VerifyTask } from "./tasks.ts";

/** Hashes by their number in the extra field of legacy signatures. */
export const LEGACY_HASHES: readonly string[] = [
  "",
  "sha256",
  "sha384",
  "sha512",
  "blake2s_256",
  "blake2b_256",
];

/** Whether the extra field of a signature, of any form, has a number that stands for a hash. */
export function isHashNumber(number: number): boolean {
  return (LEGACY_HASHES[number] ?? "") !== "";
}

/** Compares an image with what was signed of it; objects that fit are put into `verified` one by one. Throws an IntegrityFault. */
export async function matchMetadata(
  image: SignedImage,
  task: VerifyTask,
  signatureId: number,
  text: string,
  digests: DataDigests,
  verified: SifDescriptor[],
): Promise<void> {
  const { sif } = image;
  const metadata = readMetadata(signatureId, text);
  const firstId = firstIdOfGroup(sif, task.objects[0]?.group ?? 0);
  const signed = new Map(metadata.objects.map((one) => [firstId + one.relativeId, one]));
  if (!task.isPart) {
    const ids = new Set(task.objects.map((o) => o.id));
    for (const id of ids) if (!signed.has(id)) throw notSigned(id);
    for (const id of signed.keys()) {
      if (ids.has(id)) continue;
      throw new IntegrityFault("altered", `object ${id}: signed object not found`);
    }
  }
  const { header } = metadata;
  if (
    !isSame(
      header,
      headerDigest(sif.header, (b) => digestOf(b, header.algorithm)),
    )
  ) {
    throw new IntegrityFault("altered", "header integrity compromised");
  }
  for (const object of task.objects) {
    const entry = signed.get(object.id);
    if (entry === undefined) throw notSigned(object.id);
    const { descriptor, data, relativeId } = entry;
    const found = descriptorDigest(object, relativeId, (b) => digestOf(b, descriptor.algorithm));
    if (!isSame(descriptor, found)) {
      const why = `data object descriptor integrity compromised: ${object.id}`;
      throw new IntegrityFault("altered", why);
    }
    if (!isSame(data, await digests.of(object, data.algorithm))) throw new AlteredData(object);
    verified.push(object);
  }
}

/** The same for a signature over data alone. */
export async function matchLegacy(
  task: VerifyTask,
  signature: SifDescriptor,
  text: string,
  digests: DataDigests,
  verified: SifDescriptor[],
): Promise<void> {
  const [object] = task.objects;
  const hash = LEGACY_HASHES[signatureExtra(signature).hashType] ?? "";
  const hex = parseLegacyText(text);
  if (object === undefined || hash === "" || hex === undefined) {
    throw badSignature(signature.id, "altered", "its digest is of an unknown form");
  }
  const isGroup = task.legacy === "group";
  const found = isGroup ? await digests.ofAll(task.objects, hash) : await digests.of(object, hash);
  if (!isSame({ algorithm: hash, hex }, found)) {
    if (!isGroup) throw new AlteredData(object);
    throw new IntegrityFault("altered", "data object integrity compromised");
  }
  verified.push(...task.objects);
}

/** The data of an object are not what was signed. */
export class AlteredData extends IntegrityFault {
  readonly object: SifDescriptor;

  constructor(object: SifDescriptor) {
    super("altered", `data object integrity compromised: ${object.id}`);
    this.object = object;
  }
}

function notSigned(id: number): IntegrityFault {
  return new IntegrityFault("altered", `object ${id}: object not signed`);
}

function readMetadata(signatureId: number, text: string): SignedMetadata {
  try {
    return parseMetadata(text);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw badSignature(signatureId, "altered", error.message);
  }
}
