import { existsSync } from "node:fs";
import type { PrivateKey } from "openpgp";
import { memorySource } from "../base/byte-source.ts";
import { Fault } from "../base/fault.ts";
import type { Invocation } from "../cli/invocation.ts";
import { planAdd } from "../format/sif/edit.ts";
import { readSif } from "../format/sif/image.ts";
import { readNamed } from "../runtime/key-rings.ts";
import type { Context } from "../terminal/context.ts";
import type { ImageSigner } from "../trust/sign/signature-object.ts";
import { signatureObject } from "../trust/sign/signature-object.ts";
import { type SignChoice, signedTexts, signTasks } from "../trust/sign/signed-text.ts";
import { localSignedImage } from "../trust/signed-image.ts";
import { changeSif, openForReading } from "./_change-sif.ts";
import { openKeyRings, plainHost } from "./_key-rings.ts";

/** `sign`: adds a signature for each object group of an image, or for the group or object that is asked for. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const [path = ""] = inv.args;
  const keyFile = inv.string("key");
  if (inv.bool("cosign")) {
    const [{ signByCosign }, { openCosigned }] = await Promise.all([
      import("./sign/by-cosign.ts"),
      import("./_cosigned-image.ts"),
    ]);
    return await signByCosign(inv, ctx, () => openCosigned(path, inv, ctx));
  }
  ctx.log.info(
    keyFile === ""
      ? "Signing image with PGP key material"
      : `Signing image with key material from '${keyFile}'`,
  );
  const isElsewhere = /^(oras|library|docker):\/\//.test(path) && !existsSync(path);
  if (isElsewhere && inv.bool("provenance")) {
    throw new Fault("unsupported", `Cannot add provenance to "${path}" where it lies`, {
      hint: "pull the image, sign it with --provenance and push it",
    });
  }
  const signer = keyFile === "" ? await ringSigner(inv, ctx) : await fileSigner(keyFile, ctx);
  try {
    if (inv.bool("provenance")) {
      const { addProvenance } = await import("./_provenance.ts");
      await addProvenance(path, new Date());
    }
    const choice: SignChoice = {
      ...(inv.isSet("group-id") ? { group: inv.int("group-id") } : {}),
      ...(inv.isSet("sif-id") ? { object: inv.int("sif-id") } : {}),
    };
    if (isElsewhere) await signAtAddress(path, signer, choice, inv, ctx);
    else await signFile(path, signer, choice);
  } catch (error) {
    throw prefixed("Failed to sign container", error);
  }
  ctx.log.info(`Signature created and applied to image '${path}'`);
  return 0;
}

/** Makes the signatures first and adds them then: an image is never left with half of one. */
async function signFile(path: string, signer: ImageSigner, choice: SignChoice): Promise<void> {
  const file = openForReading(path);
  const contents: { readonly group: number; readonly bytes: Uint8Array }[] = [];
  const now = BigInt(Math.floor(Date.now() / 1000));
  try {
    const image = localSignedImage(readSif(file.source), file.source, file.fd);
    const tasks = signTasks(image, choice);
    const texts = await signedTexts(image, tasks);
    for (const [at, task] of tasks.entries()) {
      contents.push({ group: task.group, bytes: await signer.sign(texts[at] ?? "") });
    }
    // All of them have to fit before the first is written.
    let { sif } = image;
    for (const { group, bytes } of contents) {
      sif = planAdd(sif, signatureObject(signer, group, bytes.length), now).image;
    }
  } finally {
    file.close();
  }
  for (const { group, bytes } of contents) {
    changeSif(path, (sif) => {
      const added = planAdd(sif.image, signatureObject(signer, group, bytes.length), now);
      sif.append(added.object.offset, memorySource(bytes));
      sif.write(added.writes);
    });
  }
}

/** An image in a registry: nothing of it is stored here. */
async function signAtAddress(
  word: string,
  signer: ImageSigner,
  choice: SignChoice,
  inv: Invocation,
  ctx: Context,
): Promise<void> {
  const [{ openAccess }, { parseImageAddress }, { signElsewhere }] = await Promise.all([
    import("./_remote-access.ts"),
    import("../format/oci/image-address.ts"),
    import("../build/remote/sign-elsewhere.ts"),
  ]);
  const address = parseImageAddress(word);
  if (address === undefined) throw new Fault("usage", `"${word}" is no address of an image`);
  const opened = openAccess(inv, ctx);
  try {
    await signElsewhere(address, signer, choice, opened.access);
  } finally {
    opened.close();
  }
}

async function fileSigner(path: string, ctx: Context): Promise<ImageSigner> {
  const [{ loadPrivateKey }, { envelopeSigner }, { askSecret }] = await Promise.all([
    import("../trust/pem/load-key.ts"),
    import("../trust/pem/envelope-keys.ts"),
    import("../terminal/ask.ts"),
  ]);
  try {
    const text = new TextDecoder().decode(readNamed(path));
    const ask = (): string => askSecret("Enter key passphrase : ", ctx.printError) ?? "";
    return envelopeSigner(await loadPrivateKey(text, ask));
  } catch (error) {
    throw prefixed("Failed to load key material", error);
  }
}

async function ringSigner(inv: Invocation, ctx: Context): Promise<ImageSigner> {
  const rings = openKeyRings(inv, ctx, plainHost(ctx));
  const [{ clearSigner }, { isLocked, unlockKey }, { askSecret }] = await Promise.all([
    import("../trust/pgp/clear-signer.ts"),
    import("../trust/pgp/secret-key.ts"),
    import("../terminal/ask.ts"),
  ]);
  try {
    const key = await chooseKey(await rings.secretKeys(), inv.int("keyidx"), ctx);
    if (!isLocked(key)) return clearSigner(key);
    const passphrase = askSecret("Enter key passphrase : ", ctx.printError) ?? "";
    return clearSigner(await unlockKey(key, passphrase));
  } catch (error) {
    throw prefixed("Failed to sign container", error);
  }
}

async function chooseKey(
  keys: readonly PrivateKey[],
  index: number,
  ctx: Context,
): Promise<PrivateKey> {
  const [only, ...more] = keys;
  if (only === undefined) {
    throw new Fault("not-found", "keyring is empty", {
      hint: "make one with key newpair, or import one with key import",
    });
  }
  if (index >= 0) {
    const chosen = keys[index];
    if (chosen === undefined) throw new Fault("usage", "index out of range", { exitCode: 255 });
    return chosen;
  }
  if (more.length === 0) return only;
  const [{ offeredKey }, { askLine }] = await Promise.all([
    import("../trust/pgp/describe-key.ts"),
    import("../terminal/ask.ts"),
  ]);
  for (const [at, key] of keys.entries()) ctx.print(offeredKey(at, key));
  const answer = askLine("Enter # of private key to use : ", ctx.print)?.trim() ?? "";
  const chosen = /^\d+$/.test(answer) ? keys[Number(answer)] : undefined;
  if (chosen === undefined) throw new Fault("usage", "invalid choice", { exitCode: 255 });
  return chosen;
}

function prefixed(what: string, error: unknown): unknown {
  if (!(error instanceof Fault)) return error;
  return new Fault(error.code, `${what}: ${error.message}`, {
    exitCode: 255,
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
