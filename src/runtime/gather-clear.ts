import { sliceSource } from "../base/byte-source.ts";
import { Fault } from "../base/fault.ts";
import type { FileView } from "../base/file-view.ts";
import { encodeOsText } from "../base/os-text.ts";
import { resolvePath } from "../base/path.ts";
import type { Invocation } from "../cli/invocation.ts";
import { CONF_NAME, parseGocryptfsConf } from "../format/gocryptfs/conf.ts";
import { DATA_CRYPTO } from "../format/sif/codes.ts";
import { extraCodes } from "../format/sif/extra.ts";
import { fileSource } from "../format/squashfs/file-source.ts";
import { SquashfsTree } from "../format/squashfs/tree.ts";
import { imageHost } from "../host/image-host.ts";
import { descriptorSource } from "../host/open-file.ts";
import { memfdCreate, setCloseOnExec } from "../host/syscall.ts";
import { decompress } from "../image/decompress.ts";
import { type ImageFile, openImageFile } from "../image/image-file.ts";
import type { HostFacts, ImageFacts } from "../plan/facts.ts";
import { clearSource, openMasterKey } from "../trust/encryption/clear-source.ts";
import { type EncryptionKey, encryptionKey } from "../trust/encryption/key-choice.ts";
import { loadDecryptionKey, unwrapKey } from "../trust/encryption/key-message.ts";
import { fillMemfd } from "./become-starter.ts";

/** Asks the user for a secret; undefined when there is nobody to ask. */
export type AskSecret = (question: string) => Promise<string | undefined>;

const PEM = 2;
const RSA_OAEP = 0x200;
const LIMIT_BYTES = 1 << 20;

/**
 * An encrypted image with its tree in clear, read block by block in memory, and its key on a
 * descriptor for the program that serves it; or, in the form that the kernel's device mapper opens,
 * with the device in clear. Throws a Fault without a key, and with a wrong one.
 */
export function gatherClear(
  ask: AskSecret | undefined,
): (
  inv: Invocation,
  env: Readonly<Record<string, string>>,
  host: HostFacts,
  image: ImageFacts,
) => Promise<ImageFacts> {
  return async (inv, env, host, image) => {
    const isLuks = image.rootKind === "encrypted-squashfs";
    if (isLuks && !host.isRealRoot) {
      throw new Fault(
        "denied",
        `Cannot open "${image.path}": its root file system is encrypted by dm-crypt (LUKS), which only root may open`,
        { hint: "encrypt the image as an ordinary user: that form needs no root" },
      );
    }
    const flags = { passphrase: inv.bool("passphrase"), pemPath: inv.string("pem-path") };
    const key = encryptionKey(flags, env);
    if (key === undefined) {
      throw new Fault(
        "denied",
        "While checking container encryption: required option --passphrase or --pem-path missing",
        { hint: `"${image.path}" is encrypted` },
      );
    }
    // Before the user is asked for anything.
    const cryptsetup = isLuks ? await findCryptsetup(image.path, host) : "";
    const file = openImageFile(image.path, imageHost);
    const secret = await secretOf(key, file, host, ask);
    return isLuks
      ? await openLuksRoot(file, image, secret, cryptsetup)
      : openGocryptfsRoot(file, image, new TextDecoder().decode(secret));
  };
}

async function findCryptsetup(path: string, host: HostFacts): Promise<string> {
  const { requireLuks } = await import("./luks/open-luks.ts");
  return named(path, () => requireLuks(host.tool("cryptsetup")));
}

/** By the kernel: the tree is that of the device in clear. */
async function openLuksRoot(
  file: ImageFile,
  image: ImageFacts,
  secret: Uint8Array,
  cryptsetup: string,
): Promise<ImageFacts> {
  const { openLuks } = await import("./luks/open-luks.ts");
  const { offsetBytes, sizeBytes } = image.root;
  const part = { path: image.path, offsetBytes, sizeBytes, writable: false };
  try {
    const fd = await openLuks(cryptsetup, part, secret);
    setCloseOnExec(fd, false);
    const clear = descriptorSource(fd, image.path, sizeBytes);
    const tree = new SquashfsTree(clear, decompress, `${file.id}@clear`);
    return { ...image, tree, clear: { kind: "device", fd } };
  } catch (error) {
    throw withName(image.path, error);
  }
}

/** By file servers: the tree is decrypted here, the key goes to the server on a descriptor. */
function openGocryptfsRoot(file: ImageFile, image: ImageFacts, words: string): ImageFacts {
  // gocryptfs reads one line.
  const [secret = ""] = words.split("\n");
  const { tree, name } = openClear(file, image, secret);
  const keyFd = memfdCreate("skiff-key", true);
  if (keyFd < 0) throw new Fault("unsupported", "Cannot pass the key on: memfd_create is refused");
  fillMemfd(keyFd, new TextEncoder().encode(`${secret}\n`), "pass the key on");
  return { ...image, tree, clear: { kind: "gocryptfs", file: name, keyFd } };
}

async function secretOf(
  key: EncryptionKey,
  file: ImageFile,
  host: HostFacts,
  ask: AskSecret | undefined,
): Promise<Uint8Array> {
  if (key.kind === "passphrase") {
    const secret = key.passphrase ?? (await ask?.("Enter encryption passphrase: "));
    if (secret !== undefined && secret !== "") return encodeOsText(secret);
    throw new Fault("denied", `Cannot open "${file.path}": no passphrase was given`);
  }
  const pem = key.kind === "pem-text" ? key.text : readPem(key.path, host);
  const { sif, source } = file;
  const rootId = file.root === undefined ? 0 : (file.root as { id?: number }).id;
  const message = sif?.objects.find((object) => {
    const [format, type] = extraCodes(object);
    const isKey = object.dataType === DATA_CRYPTO && format === PEM && type === RSA_OAEP;
    return isKey && object.link === rootId && object.sizeBytes <= LIMIT_BYTES;
  });
  if (message === undefined) {
    throw new Fault("denied", `Cannot open "${file.path}": it was not encrypted for an RSA key`, {
      hint: "give its passphrase: --passphrase",
    });
  }
  const text = new TextDecoder().decode(source.read(message.offset, message.sizeBytes));
  return named(file.path, () => unwrapKey(text, loadDecryptionKey(pem)));
}

function readPem(path: string, host: HostFacts): string {
  const bytes = host.files.read(resolvePath(host.cwd ?? "/", path));
  if (bytes !== undefined) return new TextDecoder().decode(bytes);
  throw new Fault("not-found", `Specified PEM file ${path}: does not exist, or is not readable`);
}

function openClear(
  file: ImageFile,
  image: ImageFacts,
  secret: string,
): { readonly tree: FileView; readonly name: string } {
  return named(image.path, () => {
    const { offsetBytes, sizeBytes } = image.root;
    const outer = new SquashfsTree(sliceSource(file.source, offsetBytes, sizeBytes), decompress);
    const conf = outer.read(`/${CONF_NAME}`, LIMIT_BYTES);
    const names = (outer.list("/") ?? []).filter((one) => one !== CONF_NAME);
    const [name = ""] = names;
    const found = outer.file(`/${name}`);
    // A name with a line end or a blank is none that a builder makes.
    if (
      conf === undefined ||
      found === undefined ||
      names.length !== 1 ||
      !/^[\w.-]+$/.test(name)
    ) {
      throw new Fault("invalid", "its encrypted partition does not hold what it should");
    }
    const master = openMasterKey(parseGocryptfsConf(new TextDecoder().decode(conf)), secret);
    const clear = clearSource(fileSource(outer, found), master);
    return { tree: new SquashfsTree(clear, decompress, `${file.id}@clear`), name };
  });
}

function named<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw withName(path, error);
  }
}

function withName(path: string, error: unknown): unknown {
  if (!(error instanceof Fault)) return error;
  return new Fault(error.code, `Cannot open "${path}": ${error.message}`, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
