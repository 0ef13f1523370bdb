import { describe, expect, test } from "bun:test";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { fromBase64, toBase64 } from "../../src/base/base64.ts";
import { Fault } from "../../src/base/fault.ts";
import { signedImageDigest } from "../../src/format/cosign/simple-signing.ts";
import { oidText, readDer, writeDer } from "../../src/format/der/der.ts";
import { parseEnvelope, renderEnvelope, signedBytes } from "../../src/format/dsse/envelope.ts";
import { parseGocryptfsConf } from "../../src/format/gocryptfs/conf.ts";
import { parsePem, renderPem } from "../../src/format/pem/pem.ts";
import {
  isLegacyText,
  parseLegacyText,
  parseMetadata,
  renderMetadata,
} from "../../src/format/sif/signed-metadata.ts";
import { readCertificate } from "../../src/format/x509/certificate.ts";
import { decodeOcspResponse, encodeOcspRequest } from "../../src/format/x509/ocsp.ts";
import { sshKeyId } from "../../src/trust/pem/key-id.ts";
import { loadPublicKey } from "../../src/trust/pem/load-key.ts";
import { signedTexts, signTasks } from "../../src/trust/sign/signed-text.ts";
import { fixture, fixtures, imageOf } from "./fixtures.ts";

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => new Uint8Array(array));

/** Runs what may refuse, and nothing else, whatever it is given. */
function refusesAtMost(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}

test("signedTexts() gives what the public libraries signed, byte for byte", async () => {
  const signed = fixture("one-group-signed-pgp");
  const asText = new TextDecoder().decode(signed.subarray(40960));
  const image = imageOf(fixture("one-group"));
  const [text = ""] = await signedTexts(image, signTasks(image, {}));
  expect(asText).toContain(`\n\n${text}\n-----BEGIN PGP SIGNATURE-----`);
  const dsse = new TextDecoder().decode(fixture("one-group-signed-dsse").subarray(40960));
  const payload = parseEnvelope(dsse)?.payload ?? new Uint8Array(0);
  expect(new TextDecoder().decode(payload)).toBe(text);
});

test("sshKeyId() is the name that the fixtures' envelopes have", () => {
  const dsse = new TextDecoder().decode(fixture("one-group-signed-dsse").subarray(40960));
  const named = (parseEnvelope(dsse)?.signatures ?? []).map(({ keyId }) => keyId).sort();
  const keys = ["ed25519", "rsa"].map((name) =>
    sshKeyId(loadPublicKey(readFileSync(`${fixtures}/keys/${name}-public.pem`, "utf8"))),
  );
  expect(keys.sort()).toEqual(named);
});

describe("round trips", () => {
  test("base64", () => {
    fc.assert(
      fc.property(bytes, (data) => {
        expect(toBase64(data)).toBe(Buffer.from(data).toString("base64"));
        expect(fromBase64(toBase64(data))).toEqual(data);
        expect(fromBase64(toBase64(data).replace(/=+$/, ""))).toEqual(data);
      }),
    );
  });

  test("PEM, DER and DSSE", () => {
    fc.assert(
      fc.property(bytes, bytes, fc.string(), (one, two, payloadType) => {
        expect(parsePem(`text\n${renderPem("A KEY", one)}more\n${renderPem("B", two)}`)).toEqual([
          { label: "A KEY", hasHeaders: false, bytes: one },
          { label: "B", hasHeaders: false, bytes: two },
        ]);
        const [element] = readDer(writeDer(0x30, one, two));
        expect(element?.content).toEqual(new Uint8Array([...one, ...two]));
        const envelope = { payloadType, payload: one, signatures: [{ keyId: "k", bytes: two }] };
        expect(parseEnvelope(renderEnvelope(envelope))).toEqual(envelope);
      }),
    );
  });

  test("signed metadata", () => {
    const digest = { algorithm: "sha256", hex: "0".repeat(64) };
    const metadata = {
      header: digest,
      objects: [
        { relativeId: 3, descriptor: digest, data: { algorithm: "sha384", hex: "a".repeat(96) } },
      ],
    };
    expect(parseMetadata(renderMetadata(metadata))).toEqual(metadata);
  });
});

test("signedBytes() is the encoding of the specification", () => {
  const payload = new TextEncoder().encode("hello world");
  const text = new TextDecoder().decode(
    signedBytes({ payload, payloadType: "http://example.com/HelloWorld" }),
  );
  expect(text).toBe("DSSEv1 29 http://example.com/HelloWorld 11 hello world");
});

test("legacy texts are told from others and read", () => {
  expect(isLegacyText("SIFHASH:\nabcd")).toBe(true);
  expect(parseLegacyText("SIFHASH:\nABCD\n")).toBe("abcd");
  expect(parseLegacyText("SIFHASH:\nxyz")).toBeUndefined();
  expect(isLegacyText("{}")).toBe(false);
});

test.each([
  "{}",
  '{"version":2,"header":{"digest":"sha256:00"},"objects":[]}',
  '{"version":1,"header":{"digest":"md5:00000000000000000000000000000000"},"objects":[]}',
  '{"version":1,"header":{},"objects":[]}',
  "[",
  "null",
])("parseMetadata() refuses %j", (text) => {
  expect(() => parseMetadata(text)).toThrow(Fault);
});

test("oidText() names what it reads", () => {
  expect(oidText(Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b))).toBe(
    "1.2.840.113549.1.1.11",
  );
  expect(oidText(Uint8Array.of(0x55, 0x1d, 0x0f))).toBe("2.5.29.15");
});

test("any bytes and texts are read or refused, never a crash", () => {
  const id = {
    issuerNameHash: new Uint8Array(20),
    issuerKeyHash: new Uint8Array(20),
    serial: new Uint8Array([1]),
  };
  fc.assert(
    fc.property(bytes, fc.json(), fc.string(), (data, json, text) => {
      for (const one of [data, encodeOcspRequest(id).map((b, i) => b ^ (data[i] ?? 0))]) {
        refusesAtMost(() => readDer(one));
        refusesAtMost(() => readCertificate(one));
        refusesAtMost(() => decodeOcspResponse(one, id));
      }
      for (const one of [json, text]) {
        refusesAtMost(() => parseMetadata(one));
        refusesAtMost(() => parseGocryptfsConf(one));
        refusesAtMost(() => parseEnvelope(one));
        refusesAtMost(() => parsePem(one));
        refusesAtMost(() => signedImageDigest(one));
      }
    }),
  );
});

test("loadPublicKey() takes the forms that the peers take, and says why not", () => {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  for (const type of ["spki", "pkcs1"] as const) {
    const pem = publicKey.export({ type, format: "pem" }).toString();
    expect(loadPublicKey(pem).equals(createPublicKey(pem))).toBe(true);
  }
  expect(() => loadPublicKey("nothing")).toThrow("there is no public key in it");
  expect(() =>
    loadPublicKey("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
  ).toThrow("the key cannot be read");
});
