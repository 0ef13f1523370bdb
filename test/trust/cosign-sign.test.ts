import { afterAll, expect, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import { chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { type LocalRegistry, noRegistry, startRegistry } from "../registry/local-registry.ts";
import { sampleImage } from "../registry/sample-image.ts";
import { upload } from "../registry/test-image.ts";
import { noTool } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { desk } from "./signer.ts";

const { dir, skiff } = desk();
let registry: LocalRegistry | undefined;
afterAll(async () => await registry?.stop());

let made: Promise<void> | undefined;
/** Two pairs of keys, `one` with the password "geheim" and `two` without any; made once. */
function keys(): Promise<void> {
  made ??= (async () => {
    const make = ["key", "generate-cosign-key-pair", "--output-key-prefix"];
    const typed = await skiff([...make, "one"], { stdin: "geheim\ngeheim\n" });
    expect({ code: typed.code, stderr: typed.stderr }).toMatchObject({ code: 0 });
    const given = { extraEnv: { COSIGN_PASSWORD: "" } };
    expect(await skiff([...make, "two"], given)).toMatchObject({ code: 0 });
  })();
  return made;
}

let started: Promise<string> | undefined;
/** Address of an image in a registry of this file's own. */
function image(): Promise<string> {
  started ??= (async () => {
    const folder = `${dir}/registry`;
    mkdirSync(folder);
    const user = ordinaryUser();
    if (isRoot && user !== undefined) chownSync(folder, user.uid, user.gid);
    registry = await startRegistry({ folder });
    await upload(registry.url, "tools/one", "1", sampleImage());
    return `docker://${registry.host}/tools/one:1`;
  })();
  return started;
}

const quiet = { extraEnv: { COSIGN_PASSWORD: "geheim", SKIFF_CACHEDIR: `${dir}/cache` } };

test("key generate-cosign-key-pair makes two files that fit, and replaces none", async () => {
  await keys();
  expect(statSync(`${dir}/one.key`).mode & 0o777).toBe(0o600);
  expect(readFileSync(`${dir}/one.key`, "utf8")).toStartWith(
    "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
  );
  const key = createPublicKey(readFileSync(`${dir}/one.pub`, "utf8"));
  expect(key.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
  const again = ["key", "generate-cosign-key-pair", "--output-key-prefix", "one"];
  const refused = await skiff(again, quiet);
  expect(refused).toMatchObject({ code: 255 });
  expect(refused.stderr).toContain('Cannot write "one.key": the file exists');
  const differ = await skiff([...again.slice(0, -1), "three"], { stdin: "a\nb\n" });
  expect(differ.stderr).toContain("the passwords do not match");
});

test("a key of cosign signs a SIF, too", async () => {
  await keys();
  await skiff(["sif", "new", "plain.sif"]);
  writeFileSync(`${dir}/text`, "text");
  await skiff(["sif", "add", "--datatype", "7", "--groupid", "1", "plain.sif", "text"]);
  const sign = ["sign", "--key", "one.key", "plain.sif"];
  expect(await skiff(sign, { stdin: "geheim\n" })).toMatchObject({ code: 0 });
  expect(await skiff(["verify", "--key", "one.pub", "plain.sif"])).toMatchObject({ code: 0 });
  const wrong = await skiff(sign, { stdin: "falsch\n" });
  expect(wrong).toMatchObject({ code: 255 });
  expect(wrong.stderr).toContain("the password is not that of the key");
  const noImage = await skiff(["sign", "--cosign", "--key", "one.key", "plain.sif"], quiet);
  expect(noImage.stderr).toContain("plain.sif is no OCI-SIF");
});

testUnless(noRegistry())(
  "sign --cosign signs an image in a registry: verify and pull know it by the key",
  async () => {
    await keys();
    const address = await image();
    const verify = ["verify", "--cosign", "--key", "one.pub", address];
    expect((await skiff(verify, quiet)).stderr).toContain("no valid signatures found");
    const sign = ["sign", "--cosign", "--key"];
    expect(await skiff([...sign, "one.key", address], quiet)).toMatchObject({ code: 0 });
    const noPassword = { extraEnv: { ...quiet.extraEnv, COSIGN_PASSWORD: "" } };
    expect(await skiff([...sign, "two.key", address], noPassword)).toMatchObject({ code: 0 });
    const verified = await skiff(verify, quiet);
    expect(verified).toMatchObject({ code: 0 });
    expect(verified.stderr).toContain("Image has 2 associated signatures");
    expect(verified.stderr).toContain("Image has 1 signatures that are valid");
    const [text] = JSON.parse(verified.stdout);
    expect(text.critical.type).toBe("cosign container image signature");
    for (const name of ["one", "two"]) {
      const pulled = ["pull", "--cosign-key", `${name}.pub`, `${name}.sif`, address];
      expect(await skiff(pulled, quiet)).toMatchObject({ code: 0 });
    }
  },
);

testUnless(firstReason(noRegistry(), noTool("mksquashfs")))(
  "sign --cosign signs the image of an OCI-SIF, which stays an image that starts",
  async () => {
    await keys();
    const path = "image.oci.sif";
    const pulled = await skiff(["pull", "--oci", path, await image()], quiet);
    expect({ code: pulled.code, stderr: pulled.stderr }).toMatchObject({ code: 0 });
    const before = (await skiff(["inspect", path], quiet)).stdout;
    const verify = ["verify", "--cosign", "--key", "one.pub", path];
    expect((await skiff(verify, quiet)).stderr).toContain("Image has 0 associated signatures");
    for (const count of [1, 2]) {
      const signed = await skiff(["sign", "--cosign", "--key", "one.key", path], quiet);
      expect({ code: signed.code, stderr: signed.stderr }).toMatchObject({ code: 0 });
      const verified = await skiff(verify, quiet);
      expect(verified).toMatchObject({ code: 0 });
      expect(verified.stderr).toContain(`Image has ${count} signatures that are valid`);
      expect(JSON.parse(verified.stdout)).toHaveLength(count);
    }
    expect((await skiff(["inspect", path], quiet)).stdout).toBe(before);
    const list = (await skiff(["sif", "list", path])).stdout;
    expect(list.match(/OCI\.RootIndex/g)).toHaveLength(1);
    const other = await skiff(["verify", "--cosign", "--key", "two.pub", path], quiet);
    expect(other).toMatchObject({ code: 255 });
    expect(other.stderr).toContain("no valid signatures found");
    // A byte of the lowest layer.
    const bytes = new Uint8Array(readFileSync(`${dir}/${path}`));
    const offset = Number(/(\d+)-\d+ +\|OCI\.Blob/.exec(list)?.[1]) + 200;
    bytes[offset] = (bytes[offset] ?? 0) ^ 1;
    writeFileSync(`${dir}/changed.oci.sif`, bytes);
    const changed = await skiff([...verify.slice(0, -1), "changed.oci.sif"], quiet);
    expect(changed).toMatchObject({ code: 255, stdout: "" });
    expect(changed.stderr).toContain("are not those of sha256:");
  },
);

testUnless(firstReason(noRegistry(), noTool("mksquashfs")))(
  "signatures go with an OCI-SIF to a registry and back",
  async () => {
    await keys();
    const from = await image();
    const to = from.replace("/tools/one:1", "/tools/sent:1");
    expect(await skiff(["pull", "--oci", "sent.oci.sif", from], quiet)).toMatchObject({ code: 0 });
    const sign = ["sign", "--cosign", "--key", "one.key", "sent.oci.sif"];
    expect(await skiff(sign, quiet)).toMatchObject({ code: 0 });
    for (let i = 0; i < 2; i++) {
      const pushed = await skiff(["push", "--with-cosign", "sent.oci.sif", to], quiet);
      expect({ code: pushed.code, stderr: pushed.stderr }).toMatchObject({ code: 0 });
    }
    const verify = ["verify", "--cosign", "--key", "one.pub"];
    expect((await skiff([...verify, to], quiet)).stderr).toContain("1 associated signatures");
    const pull = ["pull", "--oci", "--with-cosign"];
    const back = await skiff([...pull, "back.oci.sif", to], quiet);
    expect({ code: back.code, stderr: back.stderr }).toMatchObject({ code: 0 });
    expect(await skiff([...verify, "back.oci.sif"], quiet)).toMatchObject({ code: 0 });
    // Its layers are archives: what becomes of it was not signed.
    const other = await skiff([...pull, "other.oci.sif", from], quiet);
    expect(other).toMatchObject({ code: 255 });
    expect(other.stderr).toContain("there are none of sha256:");
    expect((await skiff(["sif", "header", "other.oci.sif"])).code).not.toBe(0);
    const asTar = ["push", "--with-cosign", "--layer-format", "tar", "sent.oci.sif", to];
    expect((await skiff(asTar, quiet)).stderr).toContain("exclude each other");
  },
);

test("a broken key file is refused", async () => {
  await keys();
  const good = readFileSync(`${dir}/one.key`, "utf8");
  const body = Buffer.from(good.split("\n").slice(1, -2).join(""), "base64").toString();
  const pem = (text: string): string =>
    `-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\n${Buffer.from(text).toString("base64")}\n-----END ENCRYPTED COSIGN PRIVATE KEY-----\n`;
  for (const text of [
    "no json",
    "{}",
    body.replace('"N":65536', '"N":1073741824'),
    body.replace('"N":65536', '"N":65535'),
    body.replace("secretbox", "box"),
    body.replace(/"nonce":"./, '"nonce":"!'),
  ]) {
    writeFileSync(`${dir}/broken.key`, pem(text));
    const refused = await skiff(["sign", "--key", "broken.key", "none.sif"], quiet);
    expect(refused).toMatchObject({ code: 255 });
    expect(refused.stderr).toContain("the key file is broken");
  }
});
