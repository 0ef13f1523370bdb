import { clearSignedShape } from "../../format/clear-signed/shape.ts";
import type { SifDescriptor } from "../../format/sif/descriptor.ts";
import { signatureExtra } from "../../format/sif/extra.ts";
import { isLegacyText } from "../../format/sif/signed-metadata.ts";
import { DataDigests } from "../data-digests.ts";
import type { SignedImage } from "../signed-image.ts";
import { AlteredData, isHashNumber, matchLegacy, matchMetadata } from "./_match-signed.ts";
import { claimedHashes, type ReadSignature, readSignature } from "./_read-signature.ts";
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
  if (read.size > 0) digests.begin(objectsOf(tasks));
  try {
    yield* checkTasks(image, keys, tasks, read, digests);
  } finally {
    digests.stop();
  }
}

/** Objects whose own digests the tasks compare, each once. */
function objectsOf(tasks: readonly VerifyTask[]): readonly SifDescriptor[] {
  return [...new Set(tasks.flatMap((task) => (task.legacy === "group" ? [] : task.objects)))];
}

async function* checkTasks(
  image: SignedImage,
  keys: KeyMaterial,
  tasks: readonly VerifyTask[],
  read: ReadonlyMap<number, ReadSignature>,
  digests: DataDigests,
): AsyncGenerator<TaskOutcome> {
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
    const { fingerprint, hashType } = signatureExtra(object);
    if (!isHashNumber(hashType)) throw new IntegrityFault("altered", "hash algorithm unsupported");
    if (signer !== undefined) {
      const named = fingerprint.toHex();
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
  const shape = clearSignedShape(new TextDecoder().decode(bytes));
  if (shape === "none") throw new IntegrityFault("altered", "signature format not recognized");
  if (keys.pgp === undefined) throw missing("PGP clear-sign");
  if (shape === "broken") {
    throw badSignature(object.id, "altered", "openpgp: invalid data: armor invalid");
  }
  const check = await keys.pgp.verify(bytes);
  if (check === undefined) throw badSignature(object.id, "altered", "no clear-signed text");
  return { check, text: check.text };
}
