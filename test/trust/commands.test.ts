import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { run } from "../support/run.ts";
import { testUnless } from "../support/skip.ts";
import { fixtures, UNIT_TEST } from "./fixtures.ts";
import { desk } from "./signer.ts";

const { dir, skiff, image } = desk();
const OWNER = ["--name", "A User", "--email", "user@example.org", "--comment", "test"];
const UNIT_KEY = `${fixtures}/keys/unit-test-pgp-public.asc`;

let made: Promise<string> | undefined;
/** Fingerprint of a key with the passphrase "secret", made once. */
function ownKey(): Promise<string> {
  made ??= (async () => {
    const args = ["key", "newpair", ...OWNER, "--password", "secret", "-b", "2048", "--push=false"];
    expect(await skiff(args)).toMatchObject({ code: 0 });
    const { stdout } = await skiff(["key", "list", "--secret"]);
    return /Fingerprint: +([0-9A-F]{40})\n/.exec(stdout)?.[1] ?? "";
  })();
  return made;
}

test("key newpair keeps both halves, the secret one behind its passphrase, for the owner only", async () => {
  const fingerprint = await ownKey();
  const list = await skiff(["key", "list", "--secret"]);
  expect(list.stdout).toContain(`Private key listing (${dir}/config/keys/pgp-secret):\n\n0)`);
  expect(list.stdout).toContain("User:              A User (test) <user@example.org>");
  expect(list.stdout).toContain(fingerprint);
  expect(list.stdout).toContain("Length (in bits):  2048");
  expect(statSync(`${dir}/config/keys`).mode & 0o777).toBe(0o700);
  expect(statSync(`${dir}/config/keys/pgp-secret`).mode & 0o777).toBe(0o600);
  const wrong = await skiff(["sign", "-k", "0", await image()], { stdin: "wrong\n" });
  expect(wrong.code).toBe(255);
  expect(wrong.stderr).toContain("private key checksum failure");
});

test("key newpair takes for an address what the caller calls one", async () => {
  const desk = { extraEnv: { SKIFF_KEYSDIR: `${dir}/odd-keys` } };
  const odd = ["--name", "Odd", "--email", "on this machine", "--comment", "x"];
  const words = ["key", "newpair", ...odd, "--password", "", "-b", "2048", "--push=false"];
  expect(await skiff(words, desk)).toMatchObject({ code: 0 });
  expect((await skiff(["key", "list"], desk)).stdout).toContain("Odd (x) <on this machine>");
});

test("key import wants the passphrase of a secret key, where there is someone to ask", async () => {
  const fingerprint = await ownKey();
  const ring = await skiff(["key", "list", "--secret"]);
  const at = /(\d+)\)[^)]*?Fingerprint: +([0-9A-F]{40})/.exec(ring.stdout)?.[1] ?? "0";
  const file = `${dir}/locked.asc`;
  await skiff(["key", "export", "--secret", "--armor", file], { stdin: `${at}\nsecret\n` });
  const into = async (name: string, stdin: string) =>
    await skiff(["key", "import", "--keysdir", `${dir}/${name}`, file], { stdin });
  const wrong = await into("ring-wrong", "other\n");
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain("openpgp: invalid data: private key checksum failure");
  const right = await into("ring-right", "secret\n");
  expect(right.stdout).toContain(`${fingerprint} successfully added to the private keyring`);
  expect((await into("ring-silent", "")).code).toBe(0);
});

test("key list and remote list under the peers' names leave the files that those leave", async () => {
  const env = { SKIFF_KEYSDIR: `${dir}/listed`, SKIFF_CONFIGDIR: `${dir}/listed-config` };
  const list = (what: string, name: string) => skiff([what, "list"], { name, extraEnv: env });
  expect((await list("key", "skiff")).code).toBe(0);
  expect((await list("remote", "skiff")).code).toBe(0);
  expect(existsSync(`${dir}/listed`) || existsSync(`${dir}/listed-config/remote.yaml`)).toBe(false);
  expect((await list("key", "apptainer")).code).toBe(0);
  expect((await list("remote", "apptainer")).code).toBe(0);
  for (const name of ["listed/pgp-public", "listed/pgp-secret", "listed-config/remote.yaml"]) {
    expect(statSync(`${dir}/${name}`).mode & 0o777).toBe(0o600);
  }
  expect((await list("key", "apptainer")).code).toBe(0);
});

test("key list names the ring before it says that it has no private keys for all users", async () => {
  const listed = await skiff(["key", "list", "--global", "--secret"]);
  expect(listed.code).toBe(255);
  expect(listed.stdout).toMatch(/^Private key listing \(\/.*\/pgp-secret\):\n\n$/);
});

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

describe("keys of gpg", () => {
  const gpg = (...args: string[]) =>
    run(["gpg", "--batch", "--quiet", "--passphrase", "", ...args], {
      as: "self",
      cwd: dir,
      extraEnv: { GNUPGHOME: `${dir}/gnupg` },
    });
  const absent = Bun.which("gpg") === null ? "gpg is not installed" : undefined;

  testUnless(absent)("sign here, are verified by gpg, and their end is seen", async () => {
    await run(["mkdir", "-m", "700", `${dir}/gnupg`], { as: "self" });
    const past = ["--faked-system-time", "20260101T000000"];
    await gpg("--quick-gen-key", "Ed <ed@example.org>", "ed25519", "sign", "never");
    await gpg(...past, "--quick-gen-key", "Old <old@example.org>", "rsa2048", "sign", "never");
    await gpg("--quick-gen-key", "Gone <gone@example.org>", "nistp256", "sign", "never");
    for (const name of ["ed", "old", "gone"]) {
      const { stdout } = await gpg("--armor", "--export-secret-keys", `${name}@example.org`);
      await Bun.write(`${dir}/${name}.asc`, stdout);
    }
    const keysdir = { extraEnv: { SKIFF_KEYSDIR: `${dir}/gpg-keys` } };
    for (const name of ["ed", "old", "gone"]) {
      expect(await skiff(["key", "import", `${dir}/${name}.asc`], keysdir)).toMatchObject({
        code: 0,
      });
    }
    const paths = [await image(), await image(), await image()];
    for (const [at, path] of paths.entries()) {
      expect(await skiff(["sign", "-k", String(at), path], keysdir)).toMatchObject({ code: 0 });
      expect((await skiff(["verify", path], keysdir)).stdout).toContain(": trusted: ");
    }
    // What gpg says about the signature object itself.
    const dumped = await skiff(["sif", "dump", "3", paths[0] ?? ""]);
    await Bun.write(`${dir}/signature.asc`, dumped.stdout);
    expect((await gpg("--verify", `${dir}/signature.asc`)).stderr).toContain(
      'Good signature from "Ed',
    );

    const { stdout: ids } = await gpg("--list-keys", "--with-colons");
    const fingerprints = [...ids.matchAll(/^fpr:+([0-9A-F]{40}):/gm)].map(([, one]) => one ?? "");
    await gpg(...past, "--quick-set-expire", fingerprints[1] ?? "", "2026-02-01");
    const revocation = readFileSync(
      `${dir}/gnupg/openpgp-revocs.d/${fingerprints[2]}.rev`,
      "utf8",
    ).replace(":-----BEGIN", "-----BEGIN");
    await Bun.write(`${dir}/rev.asc`, revocation);
    await gpg("--import", `${dir}/rev.asc`);
    const later = { extraEnv: { SKIFF_KEYSDIR: `${dir}/gpg-later` } };
    for (const at of [1, 2]) {
      const { stdout } = await gpg("--armor", "--export", fingerprints[at] ?? "");
      await Bun.write(`${dir}/later.asc`, stdout);
      expect(await skiff(["key", "import", `${dir}/later.asc`], later)).toMatchObject({ code: 0 });
    }
    const expired = await skiff(["verify", paths[1] ?? ""], later);
    expect(expired).toMatchObject({ code: 5 });
    expect(expired.stdout).toContain(": expired key: ");
    const revoked = await skiff(["verify", paths[2] ?? ""], later);
    expect(revoked).toMatchObject({ code: 5 });
    expect(revoked.stdout).toContain(": revoked key: ");
    // A ring that has the key learns that it was revoked; a second time there is nothing new.
    const again = ["key", "import", `${dir}/later.asc`];
    expect((await skiff(again, keysdir)).stdout).toContain("successfully updated in the public");
    expect(await skiff(["verify", paths[2] ?? ""], keysdir)).toMatchObject({ code: 5 });
    const known = await skiff(again, keysdir);
    expect(known).toMatchObject({ code: 2 });
    expect(known.stderr).toContain("already belongs to the keyring");
    // So does its secret half: what it would sign nobody could verify.
    const signed = await skiff(["sign", "-k", "2", await image()], keysdir);
    expect(signed).toMatchObject({ code: 255 });
    expect(signed.stderr).toContain("Primary key is revoked");
  });

  testUnless(absent)("may have several names: all are listed, the main one signs", async () => {
    const home = { extraEnv: { GNUPGHOME: `${dir}/gnupg-names` }, as: "self", cwd: dir } as const;
    const call = (...args: string[]) =>
      run(["gpg", "--batch", "--quiet", "--passphrase", "", ...args], home);
    await run(["mkdir", "-m", "700", `${dir}/gnupg-names`], { as: "self" });
    await call("--quick-gen-key", "First <first@example.org>", "ed25519", "sign", "never");
    await call("--quick-add-uid", "first@example.org", "Second (two) <second@example.org>");
    await call("--quick-set-primary-uid", "first@example.org", "Second (two) <second@example.org>");
    const { stdout } = await call("--armor", "--export-secret-keys");
    await Bun.write(`${dir}/names.asc`, stdout);
    const keysdir = { extraEnv: { SKIFF_KEYSDIR: `${dir}/names-keys` } };
    expect(await skiff(["key", "import", "names.asc"], keysdir)).toMatchObject({ code: 0 });
    const { stdout: list } = await skiff(["key", "list"], keysdir);
    expect(list).toMatch(
      /0\) {2}User: {14}(First \(\) <first@example.org>|Second .*)\n {4}User: {14}(First|Second)/,
    );
    const path = await image();
    expect(await skiff(["sign", path], keysdir)).toMatchObject({ code: 0 });
    const { stdout: said } = await skiff(["verify", path], keysdir);
    expect(said).toContain(": trusted: signed by Second (two) <second@example.org> (");
  });
});

test("key export and import round, armored and binary, secret too", async () => {
  const fingerprint = await ownKey();
  const other = { extraEnv: { SKIFF_KEYSDIR: `${dir}/other-keys` } };
  const list = (await skiff(["key", "list", "--secret"])).stdout;
  const index = list.split("Fingerprint:").findIndex((part) => part.includes(fingerprint)) - 1;
  for (const armor of [["--armor"], []]) {
    const file = `${dir}/exported${armor.length}`;
    // One that is there already may be open to all.
    await Bun.write(file, "");
    const exported = await skiff(["key", "export", "--secret", ...armor, file], {
      stdin: `${index}\nsecret\n`,
    });
    expect(exported).toMatchObject({ code: 0 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const forAll = await skiff(["key", "import", "--global", file], other);
    expect(forAll).toMatchObject({ code: 2, stdout: "" });
    expect(forAll.stderr).toContain("global keyring doesn't contain private keys");
    expect(await skiff(["key", "import", file], other)).toMatchObject({ code: 0 });
    expect((await skiff(["key", "list", "--secret"], other)).stdout).toContain(fingerprint);
    expect(await skiff(["key", "import", file], other)).toMatchObject({ code: 2 });
    expect(await skiff(["key", "remove", "--both", fingerprint], other)).toMatchObject({ code: 0 });
    expect((await skiff(["key", "list"], other)).stdout).not.toContain(fingerprint);
  }
});

test("key remove of a key that is not there, and import of no key, say so", async () => {
  const none = await skiff(["key", "remove", "A".repeat(40)]);
  expect(none).toMatchObject({ code: 255 });
  expect(none.stderr).toContain(
    "Unable to remove public key: no key matching given fingerprint found",
  );
  const noKey = await skiff(["key", "import", "/etc/passwd"]);
  expect(noKey).toMatchObject({ code: 2 });
  expect(noKey.stderr).toContain("no armored data found");
  await Bun.write(`${dir}/empty`, "");
  expect(await skiff(["key", "import", "empty"])).toMatchObject({
    code: 0,
    stdout: "",
    stderr: 'WARNING: "empty" is empty: no key was imported\n',
  });
  // Random bytes that begin like a packet: one line, and nothing that the library says to its makers.
  await Bun.write(`${dir}/random`, new Uint8Array(300).fill(0xfe));
  const random = await skiff(["key", "import", "random"]);
  expect(random).toMatchObject({ code: 2 });
  expect(random.stderr).toMatch(/^ERROR: .*\n$/);
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

test("key rings that cannot be looked at are told in one line", async () => {
  const path = await image("one-group-signed-pgp");
  const home = `${dir}/closed-home`;
  mkdirSync(`${home}/.apptainer`, { recursive: true });
  // A link to itself: nobody gets through, root neither.
  symlinkSync("keys", `${home}/.apptainer/keys`);
  const closed = { env: { HOME: home } };
  for (const args of [
    ["verify", path],
    ["key", "list"],
    ["sign", path],
  ]) {
    const { code, stdout, stderr } = await skiff(args, { ...closed, name: "apptainer" });
    expect(code).toBe(255);
    expect(`${stdout}${stderr}`).toContain("pgp-");
    expect(`${stdout}${stderr}`).not.toContain("Internal error");
  }
});

test("key remove of both halves wants one of them at least", async () => {
  const own = { extraEnv: { SKIFF_KEYSDIR: `${dir}/remove-keys` } };
  const owner = ["-N", "A", "-E", "a@example.org", "-C", "", "-P", "", "-b", "2048"];
  await skiff(["key", "newpair", ...owner, "--push=false"], own);
  const { stdout } = await skiff(["key", "list"], own);
  const [fingerprint = ""] = /[0-9A-F]{40}/.exec(stdout) ?? [];
  expect(await skiff(["key", "remove", "--secret", fingerprint], own)).toMatchObject({ code: 0 });
  expect(await skiff(["key", "remove", "-p", "-s", fingerprint], own)).toMatchObject({ code: 0 });
  expect((await skiff(["key", "list"], own)).stdout).not.toContain(fingerprint);
  expect(await skiff(["key", "remove", "-b", fingerprint], own)).toMatchObject({ code: 255 });
});

test("key import refuses a key whose signatures on itself are damaged", async () => {
  const file = `${dir}/whole`;
  await ownKey();
  expect(await skiff(["key", "export", file], { stdin: "0\n" })).toMatchObject({ code: 0 });
  const bytes = new Uint8Array(readFileSync(file));
  bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1;
  await Bun.write(`${dir}/damaged`, bytes);
  const other = { extraEnv: { SKIFF_KEYSDIR: `${dir}/damaged-keys` } };
  const refused = await skiff(["key", "import", "damaged"], other);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain("signature invalid");
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
