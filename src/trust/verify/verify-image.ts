import { Fault } from "../../base/fault.ts";
import { type Envelope, parseEnvelope, SIF_METADATA_TYPE } from "../../format/dsse/envelope.ts";
import type { SifDescriptor } from "../../format/sif/descriptor.ts";
import { descriptorDigest, firstIdOfGroup, headerDigest } from "../../format/sif/digests.ts";
import { signatureExtra } from "../../format/sif/extra.ts";
import {
  isLegacyText,
  parseLegacyText,
  parseMetadata,
  type SignedMetadata,
} from "../../format/sif/signed-metadata.ts";
import { DataDigests, digestOf, isSame } from "../data-digests.ts";
import { readObject, type SignedImage } from "../signed-image.ts";
import { badSignature, IntegrityFault } from "./integrity-fault.ts";
import type { KeyMaterial, SignatureCheck, Signer } from "./key-material.ts";
import { type VerifyChoice, type VerifyTask, verifyTasks } from "./tasks.ts";

/** What came of one signature. */
export interface SignatureResult {
  readonly signatureId: number;
  /** Absent when the key is not known, or is not a PGP key. */
  readonly signer?: Signer;
  /** Objects that are what was signed, in order. */
  readonly verified: readonly SifDescriptor[];
  /** The object whose data are not what was signed. */
  readonly alteredObject?: SifDescriptor;
  /** Absent: all is well. */
  readonly fault?: IntegrityFault;
}

/** Hashes by their number in the extra field of legacy signatures. */
const LEGACY_HASHES = ["", "sha256", "sha384", "sha512", "blake2s_256", "blake2b_256"];
/** A signature is a few kilobytes; each entry of its text has 190 bytes. */
const MOST_SIGNATURE_BYTES = 4 * 1024 * 1024;

/** A signature object as it was read: its form is known, nothing of it is trusted. */
interface ReadSignature {
  readonly object: SifDescriptor;
  readonly envelope: Envelope | undefined;
  readonly bytes: Uint8Array;
  /** What it claims to sign. */
  readonly claimed: string;
}

/** What one task came to: a signature's result, or why there is none to tell of. */
export interface TaskOutcome {
  readonly task: VerifyTask;
  readonly result?: SignatureResult;
  readonly fault?: IntegrityFault;
}

/**
 * Verifies the signatures of an image (sif.md section 10): for each task all its signatures, in their
 * order, each told to `tell`. Throws an IntegrityFault for the first that is not good, after it was
 * told. Gives the results of all.
 */
export async function verifyImage(
  image: SignedImage,
  keys: KeyMaterial,
  choice: VerifyChoice = {},
  tell: (result: SignatureResult) => void = () => {},
): Promise<readonly SignatureResult[]> {
  const results: SignatureResult[] = [];
  for await (const { result, fault } of checkSignatures(image, keys, choice)) {
    if (result !== undefined) {
      tell(result);
      results.push(result);
    }
    if (fault !== undefined) throw fault;
  }
  return results;
}

/**
 * The same without an end at the first that is not good: what came of every signature, and of tasks
 * that have none. Each object is read once. Throws an IntegrityFault only when the image has no such
 * tasks.
 */
export async function* checkSignatures(
  image: SignedImage,
  keys: KeyMaterial,
  choice: VerifyChoice,
): AsyncGenerator<TaskOutcome> {
  const tasks = verifyTasks(image.sif, choice);
  const read = new Map<number, ReadSignature>();
  for (const object of tasks.flatMap((task) => task.candidates)) {
    if (!read.has(object.id)) read.set(object.id, await readSignature(image, object));
  }
  const digests = new DataDigests(image, claimedHashes([...read.values()]));
  for (const task of tasks) {
    const signatures = task.candidates
      .map((object) => read.get(object.id))
      .filter((one) => one !== undefined)
      .filter((one) => isLegacyText(one.claimed) === (task.legacy !== "none"));
    if (signatures.length === 0) {
      const fault = new IntegrityFault("unsigned", `signature not found for ${task.what}`);
      yield { task, fault };
    }
    for (const signature of signatures) {
      try {
        const result = await verifyOne(image, task, signature, keys, digests);
        yield { task, result, ...(result.fault === undefined ? {} : { fault: result.fault }) };
      } catch (error) {
        if (!(error instanceof IntegrityFault)) throw error;
        yield { task, fault: error };
      }
    }
  }
}

async function readSignature(image: SignedImage, object: SifDescriptor): Promise<ReadSignature> {
  if (object.sizeBytes > MOST_SIGNATURE_BYTES) {
    throw badSignature(object.id, "altered", `it has ${object.sizeBytes} bytes`);
  }
  const bytes = await readObject(image, object);
  const text = new TextDecoder().decode(bytes);
  const envelope = parseEnvelope(text);
  if (envelope !== undefined && envelope.payloadType === SIF_METADATA_TYPE) {
    return { object, envelope, bytes, claimed: new TextDecoder().decode(envelope.payload) };
  }
  // Header lines end at the first empty line (RFC 9580 section 7).
  const [, claimed = ""] =
    /^-----BEGIN PGP SIGNED MESSAGE-----\r?\n(?:.+\r?\n)*[ \t]*\r?\n([\s\S]*?)-----BEGIN PGP SIGNATURE-----/.exec(
      text,
    ) ?? [];
  return { object, envelope: undefined, bytes, claimed };
}

/** Hashes that current signatures name: what they claim costs nothing but work, and is checked later. */
function claimedHashes(signatures: readonly ReadSignature[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { claimed, object } of signatures) {
    const legacy = LEGACY_HASHES[signatureExtra(object).hashType] ?? "";
    if (isLegacyText(claimed)) names.add(legacy);
    else for (const [, name = ""] of claimed.matchAll(/"objectDigest":"(\w+):/g)) names.add(name);
  }
  return names;
}

async function verifyOne(
  image: SignedImage,
  task: VerifyTask,
  signature: ReadSignature,
  keys: KeyMaterial,
  digests: DataDigests,
): Promise<SignatureResult> {
  const { object } = signature;
  const { check, text } = await checkSignature(signature, keys);
  const start = {
    signatureId: object.id,
    ...(check.signer === undefined ? {} : { signer: check.signer }),
  };
  const verified: SifDescriptor[] = [];
  try {
    if (check.failure !== undefined) {
      throw badSignature(object.id, check.failure.kind, check.failure.why);
    }
    const { signer } = check;
    if (signer !== undefined) {
      const named = signatureExtra(object).fingerprint.toHex();
      if (named !== signer.fingerprint.slice(0, 40)) {
        const why = "fingerprint in descriptor does not correspond to signing entity";
        throw new IntegrityFault("altered", why);
      }
    }
    if (task.legacy === "none")
      await matchMetadata(image, task, object.id, text, digests, verified);
    else await matchLegacy(task, object, text, digests, verified);
    return { ...start, verified };
  } catch (error) {
    if (!(error instanceof IntegrityFault)) throw error;
    const altered = error instanceof AlteredData ? { alteredObject: error.object } : {};
    return { ...start, verified, ...altered, fault: error };
  }
}

async function checkSignature(
  { object, envelope, bytes }: ReadSignature,
  keys: KeyMaterial,
): Promise<{ readonly check: SignatureCheck; readonly text: string }> {
  const missing = (form: string): IntegrityFault =>
    new IntegrityFault("unusable", `key material not provided for ${form} signature`);
  if (envelope !== undefined) {
    if (keys.envelope === undefined) throw missing("DSSE envelope");
    const check = await keys.envelope.verify(envelope);
    return { check, text: new TextDecoder().decode(envelope.payload) };
  }
  if (!new TextDecoder().decode(bytes.subarray(0, 64)).includes("BEGIN PGP SIGNED MESSAGE")) {
    throw new IntegrityFault("altered", "signature format not recognized");
  }
  if (keys.pgp === undefined) throw missing("PGP clear-sign");
  const check = await keys.pgp.verify(bytes);
  if (check === undefined) throw badSignature(object.id, "altered", "no clear-signed text");
  return { check, text: check.text };
}

async function matchMetadata(
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

async function matchLegacy(
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

class AlteredData extends IntegrityFault {
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
