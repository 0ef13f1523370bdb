import { existsSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { encodeOsText } from "../base/os-text.ts";
import { resolvePath } from "../base/path.ts";
import type { BuildRequest } from "../build/build.ts";
import type { PackEncryption } from "../build/pack/encrypted-partition.ts";
import type { Invocation } from "../cli/invocation.ts";
import { isInInitialNamespace } from "../host/facts.ts";
import { geteuid } from "../host/process-calls.ts";
import { readNamed } from "../runtime/key-rings.ts";
import type { Context } from "../terminal/context.ts";
import { encryptionKey } from "../trust/encryption/key-choice.ts";
import { plainHost } from "./_key-rings.ts";

/** Whether a build is to encrypt: a flag for a key says so, too. */
export function asksForEncryption(inv: Invocation): boolean {
  return inv.bool("encrypt") || inv.bool("passphrase") || inv.string("pem-path") !== "";
}

/**
 * What the root of an image is encrypted with: a passphrase, which is asked for when no variable has
 * it, or a new key that is wrapped for the owner of an RSA key. Throws a Fault without either.
 */
export async function buildEncryption(
  inv: Invocation,
  ctx: Context,
  cwd: string,
): Promise<PackEncryption> {
  if (inv.bool("sandbox")) {
    throw new Fault("usage", "Cannot encrypt a sandbox: it is a directory", {
      exitCode: 255,
      hint: "leave --sandbox out",
    });
  }
  const flags = { passphrase: inv.bool("passphrase"), pemPath: inv.string("pem-path") };
  const key = encryptionKey(flags, ctx.env);
  if (key === undefined) {
    throw new Fault(
      "usage",
      "Missing encryption info, please add `--passphrase` or `--pem-path` or corresponding environment variable",
      { exitCode: 255 },
    );
  }
  const form = await encryptionForm(ctx);
  if (key.kind === "passphrase") {
    const secret = key.passphrase ?? (await askPassphrase(ctx));
    // gocryptfs reads one line: the others would protect nothing.
    const [line = "", ...more] = form === "gocryptfs" ? secret.split("\n") : [secret];
    if (more.join("") === "") return { form, secret: encodeOsText(line) };
    throw new Fault("usage", "Cannot encrypt: the passphrase has more than one line", {
      exitCode: 255,
    });
  }
  const { loadEncryptionKey, wrapKey } = await import("../trust/encryption/key-message.ts");
  const pem = key.kind === "pem-text" ? key.text : readPem(key.path, cwd);
  const secret = form === "luks" ? randomBytes(64) : encodeOsText(randomBytes(16).toHex());
  return { form, secret, message: wrapKey(secret, loadEncryptionKey(pem)) };
}

function readPem(name: string, cwd: string): string {
  const path = resolvePath(cwd, name);
  if (existsSync(path)) return new TextDecoder().decode(readNamed(path));
  throw new Fault("not-found", `Specified PEM file ${name}: does not exist`);
}

/** Root has the kernel encrypt, as the peer does, where the kernel and cryptsetup are there for it. */
async function encryptionForm(ctx: Context): Promise<PackEncryption["form"]> {
  if (geteuid() !== 0 || !isInInitialNamespace()) return "gocryptfs";
  const { whyNoLuks } = await import("../runtime/luks/open-luks.ts");
  const hasTool = plainHost(ctx).tool("cryptsetup") !== undefined;
  const why = whyNoLuks() ?? (hasTool ? undefined : "cryptsetup is not installed");
  if (why === undefined) return "luks";
  ctx.log.info(`Encrypting with gocryptfs: ${why}`);
  return "gocryptfs";
}

function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** A build's request with that encryption. */
export function withEncryption(
  encryption: PackEncryption | undefined,
  request: BuildRequest,
): BuildRequest {
  return encryption === undefined ? request : { ...request, pack: { ...request.pack, encryption } };
}

async function askPassphrase(ctx: Context): Promise<string> {
  const { askSecret } = await import("../terminal/ask.ts");
  const first = askSecret("Enter encryption passphrase: ", ctx.printError) ?? "";
  if (first === "") {
    throw new Fault("usage", "Cannot encrypt: no passphrase was given", { exitCode: 255 });
  }
  const { isTerminal } = await import("../host/process-calls.ts");
  // A mistyped one would lose the image; a pipe does not mistype, and the peers ask once.
  if (!isTerminal(0) || ctx.program !== "skiff") return first;
  const second = askSecret("Retype the passphrase: ", ctx.printError) ?? "";
  if (first === second) return first;
  throw new Fault("usage", "Cannot encrypt: the passphrases do not match", { exitCode: 255 });
}
