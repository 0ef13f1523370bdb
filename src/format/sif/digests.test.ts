import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { memorySource } from "../../base/byte-source.ts";
import { GROUP_MASK } from "./descriptor.ts";
import { descriptorDigest, firstIdOfGroup, headerDigest } from "./digests.ts";
import { findObject, readSif } from "./image.ts";

const fixtures = `${import.meta.dir}/../../../test/fixtures/sif`;
const sha256 = (bytes: Uint8Array): string =>
  new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

// Known answers, also found in the signatures that other programs made of these images.
const HEADER = "635fa0a14a8ef0c0351ed3e985799ed1d4f75ce973dea3cc76c99710795cc3f1";
const DESCRIPTORS = [
  "3634ad01db0dd5482ecf685267b53d6201690438ca27c3d7ea91c971a1f41f92",
  "04b5f87c9692a54f80d10fb6af00c779763aeca29d610348854bd97cd8bf66fd",
];

test.each(["one-group", "one-group-signed-dsse", "one-group-signed-pgp", "two-groups"])(
  "headerDigest() and descriptorDigest() of %s are the known ones",
  (name) => {
    const image = readSif(memorySource(readFileSync(`${fixtures}/${name}.sif`)));
    expect(headerDigest(image.header, sha256)).toBe(HEADER);
    const first = firstIdOfGroup(image, GROUP_MASK + 1);
    expect(first).toBe(1);
    for (const [relative, expected] of DESCRIPTORS.entries()) {
      const object = findObject(image, first + relative);
      if (object === undefined) throw new Error("an object is missing");
      expect(descriptorDigest(object, relative, sha256)).toBe(expected);
    }
  },
);

test("the digests stand in the signature that another program made", () => {
  const bytes = readFileSync(`${fixtures}/one-group-signed-pgp.sif`);
  const signature = findObject(readSif(memorySource(bytes)), 3);
  if (signature === undefined) throw new Error("there is no signature");
  const text = bytes.toString("latin1", signature.offset, signature.offset + signature.sizeBytes);
  for (const digest of [HEADER, ...DESCRIPTORS]) expect(text).toContain(`sha256:${digest}`);
});
