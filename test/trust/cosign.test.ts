import { afterAll, expect } from "bun:test";
import { generateKeyPairSync, sign } from "node:crypto";
import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { signedBytes } from "../../src/format/dsse/envelope.ts";
import { type LocalRegistry, noRegistry, startRegistry } from "../registry/local-registry.ts";
import { sampleImage } from "../registry/sample-image.ts";
import { putManifest, upload, uploadBlob } from "../registry/test-image.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { testUnless } from "../support/skip.ts";
import { desk } from "./signer.ts";

const { dir, skiff } = desk();
let registry: LocalRegistry | undefined;
afterAll(async () => await registry?.stop());

const blobOf = (bytes: Uint8Array) => ({
  bytes,
  digest: `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`,
});
const encode = (value: unknown): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(JSON.stringify(value));

/** Puts a signature beside an image as cosign does. */
async function cosign(
  url: string,
  repository: string,
  digest: string,
  about: string,
  privateKey: string,
): Promise<void> {
  const payload = blobOf(
    encode({
      critical: {
        identity: { "docker-reference": repository },
        image: { "docker-manifest-digest": about },
        type: "cosign container image signature",
      },
      optional: null,
    }),
  );
  const config = blobOf(encode({}));
  await uploadBlob(url, repository, payload);
  await uploadBlob(url, repository, config);
  const signature = sign("sha256", payload.bytes, privateKey).toString("base64");
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = blobOf(
    encode({
      schemaVersion: 2,
      mediaType,
      config: {
        mediaType: "application/vnd.oci.image.config.v1+json",
        digest: config.digest,
        size: config.bytes.length,
      },
      layers: [
        {
          mediaType: "application/vnd.dev.cosign.simplesigning.v1+json",
          digest: payload.digest,
          size: payload.bytes.length,
          annotations: { "dev.cosignproject.cosign/signature": signature },
        },
      ],
    }),
  );
  await putManifest(url, repository, `${digest.replace(":", "-")}.sig`, { ...manifest, mediaType });
}

/** The same as cosign does since version 3: a bundle in an artifact that refers to the image. */
async function cosignBundle(
  url: string,
  repository: string,
  image: { readonly digest: string; readonly bytes: Uint8Array },
  predicateType: string,
  privateKey: string,
): Promise<void> {
  const payload = encode({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { sha256: image.digest.slice("sha256:".length) } }],
    predicateType,
    predicate: {},
  });
  const payloadType = "application/vnd.in-toto+json";
  const signature = sign("sha256", signedBytes({ payload, payloadType }), privateKey);
  const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";
  const bundle = blobOf(
    encode({
      mediaType: bundleType,
      verificationMaterial: { publicKey: { hint: "" } },
      dsseEnvelope: {
        payload: payload.toBase64(),
        payloadType,
        signatures: [{ sig: signature.toString("base64") }],
      },
    }),
  );
  const config = blobOf(encode({}));
  for (const blob of [bundle, config]) await uploadBlob(url, repository, blob);
  const place = ({ digest, bytes }: typeof bundle) => ({ digest, size: bytes.length });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = blobOf(
    encode({
      schemaVersion: 2,
      mediaType,
      artifactType: bundleType,
      config: { mediaType: "application/vnd.oci.empty.v1+json", ...place(config) },
      layers: [{ mediaType: bundleType, ...place(bundle) }],
      subject: { mediaType, digest: image.digest, size: image.bytes.length },
    }),
  );
  await putManifest(url, repository, manifest.digest, { ...manifest, mediaType });
  const indexType = "application/vnd.oci.image.index.v1+json";
  const list = blobOf(
    encode({
      schemaVersion: 2,
      mediaType: indexType,
      manifests: [{ mediaType, artifactType: bundleType, ...place(manifest) }],
    }),
  );
  const tag = image.digest.replace(":", "-");
  await putManifest(url, repository, tag, { ...list, mediaType: indexType });
}

testUnless(noRegistry())(
  "pull --cosign-key takes only what that key signed, and keeps the signature",
  async () => {
    const folder = `${dir}/registry`;
    mkdirSync(folder);
    const user = ordinaryUser();
    if (isRoot && user !== undefined) chownSync(folder, user.uid, user.gid);
    registry = await startRegistry({ folder });
    const { url, host } = registry;
    const keys = () =>
      generateKeyPairSync("ec", {
        namedCurve: "P-256",
        publicKeyEncoding: { type: "spki", format: "pem" },
        privateKeyEncoding: { type: "pkcs8", format: "pem" },
      });
    const [ours, theirs] = [keys(), keys()];
    writeFileSync(`${dir}/ours.pub`, ours.publicKey);
    writeFileSync(`${dir}/theirs.pub`, theirs.publicKey);
    const image = sampleImage();
    const { digest } = image.manifest;
    for (const name of ["signed", "unsigned", "borrowed", "bundle", "attested"])
      await upload(url, `t/${name}`, "1", image);
    await cosign(url, "t/signed", digest, digest, ours.privateKey);
    // A good signature of another image, moved here.
    await cosign(url, "t/borrowed", digest, `sha256:${"0".repeat(64)}`, ours.privateKey);
    const signing = "https://sigstore.dev/cosign/sign/v1";
    await cosignBundle(url, "t/bundle", image.manifest, signing, ours.privateKey);
    // Something is said of the image, not that it is signed.
    const scan = "https://cosign.sigstore.dev/attestation/vuln/v1";
    await cosignBundle(url, "t/attested", image.manifest, scan, ours.privateKey);
    const pull = (name: string, key: string, target: string) =>
      skiff(["pull", "--cosign-key", key, target, `docker://${host}/t/${name}:1`], {
        extraEnv: { SKIFF_CACHEDIR: `${dir}/cache` },
      });
    expect(await pull("signed", "ours.pub", "a.sif")).toMatchObject({ code: 0 });
    const list = (await skiff(["sif", "list", "a.sif"])).stdout;
    const ids = [...list.matchAll(/^(\d+) .*JSON\.Generic/gm)].map(([, id]) => id ?? "");
    const texts = await Promise.all(
      ids.map(async (id) => (await skiff(["sif", "dump", id, "a.sif"])).stdout),
    );
    const record = JSON.parse(texts.find((text) => text.includes('"publicKey"')) ?? "{}");
    expect(record).toMatchObject({ digest, publicKey: ours.publicKey });
    expect(await skiff(["exec", "a.sif", "cat", "/etc/word"])).toMatchObject({ stdout: "above\n" });
    expect(await pull("bundle", "ours.pub", "b.sif")).toMatchObject({ code: 0 });
    const verify = ["verify", "--cosign", "--key", "ours.pub"];
    const verified = await skiff([...verify, `docker://${host}/t/bundle:1`]);
    expect({ code: verified.code, text: JSON.parse(verified.stdout)[0] }).toMatchObject({
      code: 0,
      text: { predicateType: signing },
    });
    for (const [name, key] of [
      ["signed", "theirs.pub"],
      ["bundle", "theirs.pub"],
      ["attested", "ours.pub"],
      ["unsigned", "ours.pub"],
      ["borrowed", "ours.pub"],
    ] as const) {
      const refused = await pull(name, key, `${name}-no.sif`);
      expect(refused.code).toBe(255);
      expect(refused.stderr).toContain("it has no signature by the key");
      expect((await skiff(["sif", "header", `${name}-no.sif`])).code).not.toBe(0);
    }
  },
);
