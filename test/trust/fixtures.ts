import { readFileSync } from "node:fs";
import { memorySource } from "../../src/base/byte-source.ts";
import { readSif } from "../../src/format/sif/image.ts";
import { envelopeVerifier } from "../../src/trust/pem/envelope-keys.ts";
import { loadPublicKey } from "../../src/trust/pem/load-key.ts";
import { findInOrder } from "../../src/trust/pgp/find-keys.ts";
import { readKeyFile } from "../../src/trust/pgp/key-ring.ts";
import { clearSignVerifier } from "../../src/trust/pgp/verify-clear-signed.ts";
import { localSignedImage, type SignedImage } from "../../src/trust/signed-image.ts";
import { IntegrityFault } from "../../src/trust/verify/integrity-fault.ts";
import type { KeyMaterial } from "../../src/trust/verify/key-material.ts";
import type { VerifyChoice } from "../../src/trust/verify/tasks.ts";
import { verifyImage } from "../../src/trust/verify/verify-image.ts";
import { treeRoot } from "../support/tree.ts";

export const fixtures: string = `${treeRoot}/test/fixtures/sif`;
export const UNIT_TEST: string = "12045c8c0b1004d058de4beda20c27ee7ff7ba84";

/** Bytes of a fixture by its name without `.sif`. */
export function fixture(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(`${fixtures}/${name}.sif`));
}

export function imageOf(bytes: Uint8Array): SignedImage {
  const source = memorySource(bytes);
  return localSignedImage(readSif(source), source);
}

/** Keys that the fixtures are signed with: the PGP key, and those of PEM files. */
export async function fixtureKeys(...pem: readonly string[]): Promise<KeyMaterial> {
  const asc = readFileSync(`${fixtures}/keys/unit-test-pgp-public.asc`);
  const keys = await readKeyFile(new Uint8Array(asc));
  const find = findInOrder([{ source: "local", keys: async () => keys }]);
  const loaded = pem.map((name) =>
    loadPublicKey(readFileSync(`${fixtures}/keys/${name}-public.pem`, "utf8")),
  );
  return {
    pgp: clearSignVerifier(find, new Date()),
    ...(loaded.length === 0 ? {} : { envelope: envelopeVerifier(loaded) }),
  };
}

/** "good" with the ids of verified objects, or the kind of failure and its text. */
export async function outcome(
  bytes: Uint8Array,
  keys: KeyMaterial,
  choice: VerifyChoice = {},
): Promise<string> {
  try {
    const results = await verifyImage(imageOf(bytes), keys, choice);
    return `good ${results.map((r) => r.verified.map((o) => o.id).join(",")).join(" ")}`;
  } catch (error) {
    if (!(error instanceof IntegrityFault)) throw error;
    return `${error.kind}: ${error.message}`;
  }
}
