import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { run } from "../support/run.ts";
import { testUnless } from "../support/skip.ts";
import { fixtures, UNIT_TEST } from "./fixtures.ts";
import { keyDesk } from "./signer.ts";

const { dir, image, ownKey, skiff } = keyDesk();
const UNIT_KEY = `${fixtures}/keys/unit-test-pgp-public.asc`;

test("sign, then verify: under skiff's name one line, under the peers' as they speak", async () => {
  const fingerprint = await ownKey();
  const path = await image();
  const signed = await skiff(["sign", "-k", "0", path], { stdin: "secret\n" });
  expect(signed.stderr).toContain(`Signature created and applied to image '${path}'`);
  expect(await skiff(["verify", path])).toMatchObject({
    code: 0,
    stdout: `${path}: trusted: signed by A User (test) <user@example.org> (${fingerprint})\n`,
  });
  const peer = await skiff(["verify", path], { name: "apptainer" });
  expect(peer.code).toBe(0);
  expect(peer.stdout).toContain(
    "[LOCAL]            Signing entity: A User (test) <user@example.org>",
  );
  expect(peer.stdout).toContain("1   |1       |NONE    |FS\n2   |1       |NONE    |FS\n");
  expect(peer.stderr).toContain(`Verified signature(s) from image '${path}'`);
});

test("verify --json has an entry for each object, and the verdict under skiff's own name", async () => {
  await skiff(["key", "import", UNIT_KEY]);
  const args = ["verify", "--json", `${fixtures}/one-group-signed-pgp.sif`];
  const signer = {
    Partition: "FS",
    Name: "Unit Test <unit@test.com>",
    Fingerprint: UNIT_TEST,
    ...{ KeyLocal: true, KeyCheck: true, DataCheck: true },
  };
  const peers = { Signatures: 1, SignerKeys: [{ Signer: signer }, { Signer: signer }] };
  const asPeer = await skiff(args, { name: "singularity" });
  expect(JSON.parse(asPeer.stdout)).toEqual(peers);
  expect(asPeer.stdout).toContain("\\u003cunit@test.com\\u003e");
  expect(JSON.parse((await skiff(args)).stdout)).toEqual({ ...peers, Verdict: "trusted" });
});

describe("each verdict has its own status under skiff's name, and 255 under the peers'", () => {
  const empty = { extraEnv: { SKIFF_KEYSDIR: "/nonexistent" } };
  test.each([
    ["one-group", "unsigned", 3],
    ["one-group-signed-pgp", "unknown key", 4],
    ["empty", "not verified", 255],
  ])("%s: %s", async (name, word, status) => {
    const path = `${fixtures}/${name}.sif`;
    const own = await skiff(["verify", path], empty);
    expect(own.code).toBe(status);
    expect(own.stdout).toStartWith(`${path}: ${word}: `);
    expect((await skiff(["verify", path], { ...empty, name: "apptainer" })).code).toBe(255);
  });

  test("altered", async () => {
    await skiff(["key", "import", UNIT_KEY]);
    const path = await image("one-group-signed-pgp");
    await run(
      ["dd", "if=/dev/zero", `of=${path}`, "bs=1", "count=1", "seek=32768", "conv=notrunc"],
      {
        as: "self",
      },
    );
    const found = await skiff(["verify", path]);
    expect(found).toMatchObject({
      code: 6,
      stdout: `${path}: altered: data object integrity compromised: 1\n`,
    });
  });
});

test("sign of a group and an object makes a signature for each", async () => {
  await ownKey();
  const path = await image("two-groups");
  const words = ["sign", "-k", "0", "--group-id", "1", "--sif-id", "3", path];
  expect(await skiff(words, { stdin: "secret\n" })).toMatchObject({ code: 0 });
  const { stdout } = await skiff(["sif", "list", path]);
  expect([...stdout.matchAll(/\|(\d) {3}\(G\) .*Signature/g)].map(([, link]) => link)).toEqual([
    "1",
    "2",
  ]);
});

test("sign covers the legacy signatures that sit in a group, as the peer does", async () => {
  await ownKey();
  const path = await image("one-group-signed-legacy");
  await skiff(["sign", "-k", "0", path], { stdin: "secret\n" });
  const { stdout } = await skiff(["sif", "dump", "4", path]);
  expect([...stdout.matchAll(/"relativeId":(\d)/g)].map(([, id]) => id)).toEqual(["0", "1", "2"]);
  expect(await skiff(["verify", path])).toMatchObject({ code: 0 });
  expect(await skiff(["sif", "del", "3", path])).toMatchObject({ code: 0 });
  expect(await skiff(["verify", path])).toMatchObject({ code: 6 });
});

describe("PEM keys and certificates", () => {
  const openssl = (...args: string[]) => run(["openssl", ...args], { as: "self", cwd: dir });
  const absent = Bun.which("openssl") === null ? "openssl is not installed" : undefined;

  testUnless(absent)("RSA, ECDSA and Ed25519 keys sign and verify", async () => {
    const kinds = [
      ["rsa", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]],
      ["ec", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]],
      ["ed", ["-algorithm", "ed25519"]],
      // SSH, which keys are named by, has no form for it.
      ["p224", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-224"]],
    ] as const;
    for (const [name, args] of kinds) {
      await openssl("genpkey", ...args, "-out", `${name}.pem`);
      await openssl("pkey", "-in", `${name}.pem`, "-pubout", "-out", `${name}.pub`);
    }
    const path = await image();
    for (const [name] of kinds) {
      expect(await skiff(["sign", "--key", `${name}.pem`, path])).toMatchObject({ code: 0 });
      const one = await image();
      await skiff(["sign", "--key", `${name}.pem`, one]);
      expect(await skiff(["verify", "--key", `${name}.pub`, one])).toMatchObject({ code: 0 });
      expect((await skiff(["verify", "--key", "rsa.pub", one])).code).toBe(name === "rsa" ? 0 : 4);
    }
    const { stdout } = await skiff(["sif", "dump", "3", path]);
    const envelope = JSON.parse(stdout);
    expect(envelope.payloadType).toBe("application/vnd.sylabs.sif-metadata+json");
    expect(envelope.signatures[0].keyid).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
  });

  testUnless(absent)("a certificate counts with its chain and its purpose", async () => {
    const config = [
      "[req]\ndistinguished_name=dn\n[dn]\n[ca]\nbasicConstraints=critical,CA:true",
      "[leaf]\nbasicConstraints=critical,CA:false\nextendedKeyUsage=codeSigning",
      "[tls]\nbasicConstraints=critical,CA:false\nextendedKeyUsage=serverAuth\n",
    ].join("\n");
    await Bun.write(`${dir}/ca.cnf`, config);
    const key = (name: string) => ["-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`];
    const root = [
      "-x509",
      "-out",
      "root.crt",
      "-subj",
      "/CN=Root",
      "-days",
      "9",
      "-extensions",
      "ca",
    ];
    await openssl("req", ...key("root"), ...root, "-config", "ca.cnf");
    const issue = async (name: string, by: string, extensions: string): Promise<void> => {
      await openssl(
        "req",
        ...key(name),
        "-out",
        `${name}.csr`,
        "-subj",
        `/CN=${name}`,
        "-config",
        "ca.cnf",
      );
      const from = ["-CA", `${by}.crt`, "-CAkey", `${by}.key`, "-CAcreateserial", "-days", "9"];
      const how = ["-extfile", "ca.cnf", "-extensions", extensions];
      await openssl("x509", "-req", "-in", `${name}.csr`, ...from, "-out", `${name}.crt`, ...how);
    };
    await issue("middle", "root", "ca");
    await issue("leaf", "middle", "leaf");
    await issue("tls", "middle", "tls");
    const path = await image();
    await skiff(["sign", "--key", "leaf.key", path]);
    const verify = (name: string, ...more: string[]) =>
      skiff(["verify", "--certificate", `${name}.crt`, ...more, path]);
    const chain = ["--certificate-roots", "root.crt", "--certificate-intermediates", "middle.crt"];
    expect(await verify("leaf", ...chain)).toMatchObject({ code: 0 });
    const noChain = await verify("leaf", "--certificate-roots", "root.crt");
    expect(noChain.code).toBe(7);
    expect(noChain.stdout).toContain(
      ": untrusted key: x509: certificate signed by unknown authority",
    );
    const noPurpose = await verify("tls", ...chain);
    expect(noPurpose.stdout).toContain("x509: certificate specifies an incompatible key usage");
    const noServer = await verify("leaf", ...chain, "--ocsp-verify");
    expect(noServer.stdout).toContain("certificate does not support OCSP");
    expect(noServer.code).toBe(255);
    // Under the peers' names the report says what was found until then: nothing.
    const words = ["verify", "--json", "--certificate", "tls.crt", ...chain, path];
    const report = await skiff(words, { name: "apptainer" });
    expect(report.code).toBe(255);
    expect(JSON.parse(report.stdout)).toEqual({ Signatures: 0, SignerKeys: null });
    expect(report.stderr).toContain("Failed to verify container: x509: certificate specifies");
  });
});

test("a passphrase is never read from the words when it can be typed, and never written", async () => {
  await ownKey();
  const path = await image();
  const signed = await skiff(["-d", "sign", "-k", "0", path], { stdin: "secret\n" });
  expect(signed.stderr + signed.stdout).not.toContain("secret\n");
  expect(existsSync(`${dir}/config/keys/pgp-public`)).toBe(true);
});

testUnless(Bun.which("mksquashfs") === null ? "mksquashfs is not installed" : undefined)(
  "sign --provenance adds a statement about the root, once, which the signature covers",
  async () => {
    await ownKey();
    await run(["mkdir", "-p", `${dir}/root/bin`], { as: "self" });
    expect(await skiff(["build", "root.sif", "root"])).toMatchObject({ code: 0 });
    for (let i = 0; i < 2; i++) {
      const signed = await skiff(["sign", "--provenance", "-k", "0", "root.sif"], {
        stdin: "secret\n",
      });
      expect(signed).toMatchObject({ code: 0 });
    }
    const { stdout } = await skiff(["sif", "list", "root.sif"]);
    const ids = [...stdout.matchAll(/^(\d+) .*JSON\.Generic/gm)].map(([, id]) => id ?? "");
    const texts = await Promise.all(
      ids.map(async (id) => (await skiff(["sif", "dump", id, "root.sif"])).stdout),
    );
    const statements = texts.filter((text) => text.includes("in-toto.io/Statement"));
    expect(statements.length).toBe(1);
    const statement = JSON.parse(statements[0] ?? "");
    expect(statement.predicateType).toBe("https://slsa.dev/provenance/v1");
    const root = /^(\d+) .*System/m.exec(stdout)?.[1] ?? "";
    await run(["sh", "-c", `'${dir}/bin/skiff' sif dump ${root} root.sif > part`], {
      as: "self",
      cwd: dir,
    });
    const sum = await run(["sha256sum", "part"], { as: "self", cwd: dir });
    expect(sum.stdout).toStartWith(statement.subject[0].digest.sha256);
    expect(await skiff(["verify", "root.sif"])).toMatchObject({ code: 0 });
  },
);
