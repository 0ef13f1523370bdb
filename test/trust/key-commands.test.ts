import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { run } from "../support/run.ts";
import { testUnless } from "../support/skip.ts";
import { keyDesk } from "./signer.ts";

const { dir, image, ownKey, skiff } = keyDesk();

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
