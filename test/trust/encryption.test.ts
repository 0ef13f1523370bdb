import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { memorySource } from "../../src/base/byte-source.ts";
import { clearBytes, parseGocryptfsConf } from "../../src/format/gocryptfs/conf.ts";
import { clearSource, openMasterKey } from "../../src/trust/encryption/clear-source.ts";
import { encryptionKey } from "../../src/trust/encryption/key-choice.ts";
import {
  loadDecryptionKey,
  loadEncryptionKey,
  unwrapKey,
  wrapKey,
} from "../../src/trust/encryption/key-message.ts";
import { isRoot } from "../support/ordinary-user.ts";
import { run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";

const dir = scratch();
const lacks = (tool: string): string | undefined =>
  Bun.which(tool) === null ? `${tool} is not installed` : undefined;
const WORD = "the-word-that-must-not-be-seen";
const key = { extraEnv: { SKIFF_ENCRYPTION_PASSPHRASE: "geheim" }, cwd: dir };

/** A directory image with busybox and a secret, and RSA keys; made once. */
let made: Promise<void> | undefined;
function prepare(): Promise<void> {
  made ??= (async () => {
    for (const name of ["box/bin", "box/etc", "box/proc", "box/sys", "box/dev", "box/tmp"]) {
      mkdirSync(`${dir}/${name}`, { recursive: true });
    }
    copyFileSync(Bun.which("busybox") ?? "", `${dir}/box/bin/busybox`);
    for (const name of ["sh", "cat", "true", "sleep"])
      symlinkSync("busybox", `${dir}/box/bin/${name}`);
    writeFileSync(`${dir}/box/etc/secret`, WORD.repeat(200));
    for (const name of ["passwd", "group"]) writeFileSync(`${dir}/box/etc/${name}`, "");
    await run(["openssl", "genrsa", "-traditional", "-out", "key.pem", "2048"], { cwd: dir });
    await run(["openssl", "rsa", "-in", "key.pem", "-RSAPublicKey_out", "-out", "key.pub"], {
      cwd: dir,
    });
    if (isRoot) await run(["chmod", "-R", "a+rX", dir], { as: "self" });
  })();
  return made;
}

afterAll(async () => {
  const { stdout } = await run(["cat", "/proc/mounts"], { as: "self" });
  expect(stdout).not.toContain(`${dir}/`);
});

describe("an encrypted image", () => {
  const reason = firstReason(
    lacks("gocryptfs"),
    lacks("busybox"),
    lacks("mksquashfs"),
    lacks("openssl"),
  );

  testUnless(reason)(
    "is built and started with a passphrase, and holds nothing in clear",
    async () => {
      await prepare();
      const plain = ["--mksquashfs-args", "-noD -noF"];
      const built = await skiff(["build", "--encrypt", ...plain, "pass.sif", "box"], key);
      expect(built).toMatchObject({ code: 0 });
      expect(readFileSync(`${dir}/pass.sif`).includes(WORD)).toBe(false);
      expect((await skiff(["sif", "list", "pass.sif"], key)).stdout).toContain(
        "Gocryptfs squashfs/*System",
      );
      const read = ["exec", "pass.sif", "cat", "/etc/secret"];
      expect(await skiff(read, key)).toMatchObject({ code: 0, stdout: WORD.repeat(200) });
      const asked = ["exec", "--passphrase", "pass.sif", "cat", "/etc/secret"];
      expect(await skiff(asked, { cwd: dir, stdin: "geheim\n" })).toMatchObject({ code: 0 });
      const none = await skiff(read, { cwd: dir });
      expect(none).toMatchObject({ code: 255, stdout: "" });
      expect(none.stderr).toContain("required option --passphrase or --pem-path missing");
      const wrong = { ...key, extraEnv: { SKIFF_ENCRYPTION_PASSPHRASE: "other" } };
      expect((await skiff(read, wrong)).stderr).toContain(
        "the passphrase or key is not that of the image",
      );
      const by = (text: string) => ({ cwd: dir, extraEnv: { SKIFF_ENCRYPTION_PASSPHRASE: text } });
      expect(await skiff(read, by("geheim\nmore"))).toMatchObject({ code: 0 });
      const lines = await skiff(["build", "--encrypt", "lines.sif", "box"], by("geheim\nmore"));
      expect(lines).toMatchObject({ code: 255 });
      expect(lines.stderr).toContain("the passphrase has more than one line");
      // The key is in no list of processes, and in no variable of the program.
      const env = await skiff(["exec", "pass.sif", "sh", "-c", "cat /proc/self/environ"], {
        cwd: dir,
        ...{ stdin: "geheim\n" },
      });
      expect(env.stdout).not.toContain("geheim");
    },
  );

  testUnless(reason)("is built for an RSA key and started with it only", async () => {
    await prepare();
    expect(
      await skiff(["build", "--pem-path", "key.pub", "pem.sif", "box"], { cwd: dir }),
    ).toMatchObject({
      code: 0,
    });
    const read = (...flags: string[]) =>
      skiff(["exec", ...flags, "pem.sif", "cat", "/etc/secret"], { cwd: dir });
    expect(await read("--pem-path", "key.pem")).toMatchObject({
      code: 0,
      stdout: WORD.repeat(200),
    });
    await run(["openssl", "genrsa", "-traditional", "-out", "other.pem", "2048"], { cwd: dir });
    expect((await read("--pem-path", "other.pem")).stderr).toContain(
      "not the one that the image was",
    );
    expect((await read("--pem-path", "key.pub")).stderr).toContain(
      "Invalid encryption private key",
    );
    expect((await read("--pem-path", "/nonexistent")).stderr).toContain("Specified PEM file");
    const data = { APPTAINER_ENCRYPTION_PEM_DATA: readFileSync(`${dir}/key.pem`, "utf8") };
    const fromEnv = await skiff(["exec", "pem.sif", "true"], { cwd: dir, extraEnv: data });
    expect(fromEnv.code).toBe(0);
  });

  testUnless(reason)(
    "is not built without a key, nor as a sandbox; a key alone is only told of",
    async () => {
      await prepare();
      const none = await skiff(["build", "--encrypt", "none.sif", "box"], { cwd: dir });
      expect(none.stderr).toContain("Missing encryption info");
      expect(none.code).toBe(255);
      const noFile = ["build", "--pem-path", "none.pub", "none.sif", "box"];
      expect((await skiff(noFile, { cwd: dir })).stderr).toContain(
        "Specified PEM file none.pub: does not exist",
      );
      const sandbox = await skiff(["build", "--encrypt", "--sandbox", "none", "box"], key);
      expect(sandbox.stderr).toContain("Cannot encrypt a sandbox");
      const plain = await skiff(["build", "plain.sif", "box"], key);
      expect(plain.stderr).toContain(
        "Encryption related env vars found, but --encrypt was not specified",
      );
    },
  );

  testUnless(reason)("that was altered is refused", async () => {
    await prepare();
    await skiff(["build", "--encrypt", "whole.sif", "box"], key);
    const bytes = readFileSync(`${dir}/whole.sif`);
    // In the middle of the encrypted partition, where the programs are.
    for (let at = 40_000; at < bytes.length - 4096; at += 512) bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(`${dir}/altered.sif`, bytes);
    const started = await skiff(["exec", "altered.sif", "cat", "/etc/secret"], key);
    expect(started.code).not.toBe(0);
    expect(started.stdout).not.toContain(WORD);
  });
});

describe("format and keys", () => {
  testUnless(lacks("gocryptfs"))(
    "clearSource() reads what gocryptfs wrote, of any size",
    async () => {
      mkdirSync(`${dir}/g/cipher`, { recursive: true });
      const init = [
        "gocryptfs",
        "-init",
        "-q",
        "-deterministic-names",
        "-plaintextnames",
        "-scryptn",
        "10",
      ];
      await run([...init, `${dir}/g/cipher`], { as: "self", stdin: "x\n" });
      mkdirSync(`${dir}/g/clear`);
      const sizes = [0, 1, 4095, 4096, 4097, 100_000];
      const contents = sizes.map((size) =>
        new Uint8Array(size).map((_, i) => (i * 7 + size) & 255),
      );
      for (const [at, content] of contents.entries()) {
        writeFileSync(`${dir}/g/${sizes[at]}`, content);
      }
      const mounted = `printf 'x\\n' | gocryptfs -q -nosyslog cipher clear && cp ${sizes.join(" ")} clear/ && fusermount3 -u clear`;
      expect(await run(["sh", "-c", mounted], { as: "self", cwd: `${dir}/g` })).toMatchObject({
        code: 0,
      });
      const conf = parseGocryptfsConf(readFileSync(`${dir}/g/cipher/gocryptfs.conf`, "utf8"));
      const master = openMasterKey(conf, "x");
      for (const [at, content] of contents.entries()) {
        const bytes = new Uint8Array(readFileSync(`${dir}/g/cipher/${sizes[at]}`));
        expect(clearBytes(bytes.length)).toBe(content.length);
        const source = clearSource(memorySource(bytes), master);
        expect(source.read(0, content.length)).toEqual(content);
        if (content.length > 5000) expect(source.read(4090, 20)).toEqual(content.slice(4090, 4110));
      }
      expect(() => openMasterKey(conf, "y")).toThrow("not that of the image");
    },
  );

  test("a key wrapped for an RSA key comes back, whatever its length", async () => {
    const { privateKey, publicKey } = await import("node:crypto").then((crypto) =>
      crypto.generateKeyPairSync("rsa", {
        modulusLength: 1024,
        publicKeyEncoding: { type: "pkcs1", format: "pem" },
        privateKeyEncoding: { type: "pkcs1", format: "pem" },
      }),
    );
    for (const length of [1, 32, 62, 63, 200]) {
      const secret = crypto.getRandomValues(new Uint8Array(length));
      const message = wrapKey(secret, loadEncryptionKey(publicKey));
      expect(message).toStartWith("-----BEGIN MESSAGE-----\n");
      expect(new Uint8Array(unwrapKey(message, loadDecryptionKey(privateKey)))).toEqual(secret);
    }
  });

  test("encryptionKey() takes flags before variables, and PEM before passphrases", () => {
    const none = { passphrase: false, pemPath: "" };
    expect(encryptionKey(none, {})).toBeUndefined();
    expect(encryptionKey({ ...none, passphrase: true }, {})).toEqual({ kind: "passphrase" });
    const env = {
      SINGULARITY_ENCRYPTION_PASSPHRASE: "p",
      APPTAINER_ENCRYPTION_PEM_PATH: "/k",
      SKIFF_ENCRYPTION_PEM_DATA: "text",
    };
    expect(encryptionKey(none, env)).toEqual({ kind: "pem-text", text: "text" });
    expect(encryptionKey({ ...none, pemPath: "/f" }, env)).toEqual({
      kind: "pem-file",
      path: "/f",
    });
    expect(encryptionKey({ ...none, passphrase: true }, env)).toEqual({
      kind: "passphrase",
      passphrase: "p",
    });
  });
});
