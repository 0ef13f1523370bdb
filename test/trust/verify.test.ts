import { expect, test } from "bun:test";
import { generateKeyPairSync, sign } from "node:crypto";
import fc from "fast-check";
import { Fault } from "../../src/base/fault.ts";
import { signedBytes } from "../../src/format/dsse/envelope.ts";
import { envelopeVerifier } from "../../src/trust/pem/envelope-keys.ts";
import { verifyImage } from "../../src/trust/verify/verify-image.ts";
import { fixture, fixtureKeys, imageOf, outcome, UNIT_TEST } from "./fixtures.ts";

const keys = await fixtureKeys("rsa", "ed25519");
const TABLE = 4096;
const SLOT = 585;
const SIGNATURE_AT = 40960;
const SIGNATURE_LINE_END = Buffer.from(fixture("one-group-signed-pgp")).indexOf(
  "\n",
  SIGNATURE_AT + 900,
);

test.each([
  ["one-group-signed-pgp", {}, "good 1,2"],
  ["apptainer-one-group-signed-pgp", {}, "good 1,2"],
  ["one-group-signed-dsse", {}, "good 1,2"],
  ["apptainer-two-groups-signed-dsse", {}, "good 1,2 3"],
  ["apptainer-two-groups-signed-dsse", { group: 2 }, "good 3"],
  ["apptainer-two-groups-signed-dsse", { object: 2 }, "good 2"],
  ["one-group", {}, "unsigned: signature not found for object group 1"],
  ["empty", {}, "unusable: no groups found"],
  ["empty", { legacy: true, all: true }, "unusable: no groups found"],
  ["empty", { group: 1 }, "unusable: no objects in image"],
  ["one-group-signed-pgp", { object: 3 }, "unusable: invalid group ID"],
  ["one-group-signed-pgp", { group: 7 }, "unusable: group not found"],
  ["one-group-signed-pgp", { object: 7 }, "unusable: object not found"],
  ["one-group-signed-legacy", {}, "unsigned: signature not found for object group 1"],
  ["one-group-signed-legacy", { legacy: true }, "good 2"],
  [
    "one-group-signed-legacy",
    { legacy: true, all: true },
    "unsigned: signature not found for object 1",
  ],
  ["one-group-signed-legacy-group", { legacy: true, group: 1 }, "good 1,2"],
  ["one-group-signed-legacy-group", { legacy: true }, "unsigned: signature not found for object 2"],
  ["two-groups-signed-legacy", { legacy: true }, "good 2"],
  ["two-groups-signed-legacy-all", { legacy: true, object: 1 }, "good 1"],
  [
    "two-groups-signed-legacy-all",
    { legacy: true, all: true },
    "unsigned: signature not found for object 3",
  ],
])("verifyImage() of %s with %o is %s", async (name, choice, expected) => {
  expect(await outcome(fixture(name), keys, choice)).toBe(expected);
});

test("verifyImage() takes envelopes and texts as others may write them", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const own = { envelope: envelopeVerifier([publicKey]) };
  const bytes = fixture("one-group-signed-dsse");
  const at = SIGNATURE_AT;
  const old = JSON.parse(new TextDecoder().decode(bytes.subarray(at)));
  const metadata = JSON.parse(Buffer.from(old.payload, "base64").toString());
  const { payloadType } = old;
  const placed = (text: string, base64: BufferEncoding, keyid: string): Uint8Array<ArrayBuffer> => {
    const payload = new TextEncoder().encode(text);
    const sig = sign(null, signedBytes({ payload, payloadType }), privateKey).toString(base64);
    const signatures = [{ keyid, sig }];
    const envelope = { payload: Buffer.from(payload).toString(base64), payloadType, signatures };
    const object = new TextEncoder().encode(JSON.stringify(envelope));
    const image = new Uint8Array([...bytes.subarray(0, at), ...object]);
    new DataView(image.buffer).setBigInt64(TABLE + 2 * SLOT + 25, BigInt(object.length), true);
    return image;
  };
  const compact = JSON.stringify(metadata);
  const spacious = JSON.stringify(metadata, undefined, 1);
  expect(await outcome(placed(compact, "base64", ""), own)).toBe("good 1,2");
  expect(await outcome(placed(spacious, "base64", ""), own)).toBe("good 1,2");
  expect(await outcome(placed(`${spacious} `, "base64url", ""), own)).toBe("good 1,2");
  // A signature that says that it is by another key is not tried, as with the peer.
  expect(await outcome(placed(compact, "base64", "SHA256:x"), own)).toStartWith("unknown-key: ");
});

test("verifyImage() tells who signed", async () => {
  const results = await verifyImage(imageOf(fixture("one-group-signed-pgp")), keys);
  expect(results[0]?.signer).toEqual({
    name: "Unit Test <unit@test.com>",
    fingerprint: UNIT_TEST,
    source: "local",
  });
});

test("verifyImage() wants the kind of key that a signature is by", async () => {
  const { pgp, envelope } = keys;
  if (pgp === undefined || envelope === undefined) throw new Error("keys are missing");
  expect(await outcome(fixture("one-group-signed-pgp"), { envelope })).toBe(
    "unusable: key material not provided for PGP clear-sign signature",
  );
  expect(await outcome(fixture("one-group-signed-dsse"), { pgp })).toBe(
    "unusable: key material not provided for DSSE envelope signature",
  );
  const other = await fixtureKeys("ecdsa");
  expect(await outcome(fixture("one-group-signed-dsse"), other)).toStartWith("unknown-key: ");
});

/** What is at each place, and what flipping it means; "good" is by design (sif.md section 9.1). */
const FLIPS: readonly (readonly [what: string, at: number, expected: string])[] = [
  ["launch line", 0, "altered: header integrity compromised"],
  ["UUID", 50, "altered: header integrity compromised"],
  ["architecture in the header", 45, "good"],
  ["creation time of the image", 64, "good"],
  ["change time of the image", 72, "good"],
  ["number of free descriptors", 80, "good"],
  ["data type", TABLE, "altered: data object descriptor integrity compromised: 1"],
  ["group", TABLE + 9, "altered: non-signature object not associated with object group"],
  ["link", TABLE + 13, "altered: data object descriptor integrity compromised: 1"],
  ["padded size", TABLE + 33, "good"],
  [
    "creation time of an object",
    TABLE + 41,
    "altered: data object descriptor integrity compromised: 1",
  ],
  ["change time of an object", TABLE + 49, "good"],
  ["uid", TABLE + 57, "altered: data object descriptor integrity compromised: 1"],
  ["gid", TABLE + 65, "altered: data object descriptor integrity compromised: 1"],
  ["name", TABLE + 80, "altered: data object descriptor integrity compromised: 1"],
  ["extra field", TABLE + 210, "altered: data object descriptor integrity compromised: 1"],
  [
    "descriptor of the second object",
    TABLE + SLOT + 100,
    "altered: data object descriptor integrity compromised: 2",
  ],
  ["free slot", TABLE + 10 * SLOT + 100, "good"],
  ["bytes of the first object", 32768, "altered: data object integrity compromised: 1"],
  ["alignment between objects", 32772, "good"],
  ["bytes of the second object", 36864, "altered: data object integrity compromised: 2"],
  ["fingerprint of the signature", TABLE + 2 * SLOT + 205, "altered: fingerprint in descriptor"],
  [
    "link of the signature",
    TABLE + 2 * SLOT + 13,
    "unsigned: signature not found for object group 1",
  ],
  ["group of the signature", TABLE + 2 * SLOT + 9, "altered: object 3: object not signed"],
  ["hash of the signature", TABLE + 2 * SLOT + 201, "altered: hash algorithm unsupported"],
  ["name of the signature", TABLE + 2 * SLOT + 80, "good"],
  ["first dash of the signature", SIGNATURE_AT, "altered: signature"],
  ["signed text", SIGNATURE_AT + 200, "altered: signature object 3 not valid"],
  ["signature itself", SIGNATURE_AT + 800, "altered: signature object 3 not valid"],
  ["end line of the signature", -5, "altered: signature format not recognized"],
  ["end of a line of the signature", SIGNATURE_LINE_END, "altered: signature object 3 not valid"],
];

test.each(FLIPS.map((row) => [...row]))(
  "a flipped bit in the %s at %d: %s",
  async (_, at, expected) => {
    const bytes = fixture("one-group-signed-pgp");
    const place = at < 0 ? bytes.length + at : at;
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    expect(await outcome(bytes, keys)).toStartWith(expected);
  },
);

test("a flipped bit anywhere is caught, or changes nothing that is signed", async () => {
  const whole = fixture("one-group-signed-pgp");
  const signedData = (at: number): boolean =>
    (at >= 32768 && at < 32772) || (at >= 36864 && at < 40960) || (at >= 48 && at < 64) || at < 45;
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(7), async (at, bit) => {
      const bytes = whole.slice();
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      let found: string;
      try {
        found = await outcome(bytes, keys);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        found = "unreadable";
      }
      expect(found.startsWith("good") && signedData(at)).toBe(false);
    }),
    { numRuns: 150 },
  );
});
