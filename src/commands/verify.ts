import { existsSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import type { Invocation } from "../cli/invocation.ts";
import { readSif } from "../format/sif/image.ts";
import { readNamed } from "../runtime/key-rings.ts";
import type { Context } from "../terminal/context.ts";
import { localSignedImage } from "../trust/signed-image.ts";
import { IntegrityFault } from "../trust/verify/integrity-fault.ts";
import type { KeyMaterial } from "../trust/verify/key-material.ts";
import type { VerifyChoice } from "../trust/verify/tasks.ts";
import { type SignatureResult, verifyImage } from "../trust/verify/verify-image.ts";
import { openForReading } from "./_change-sif.ts";
import { plainHost } from "./_key-rings.ts";
import { pgpMaterial } from "./_pgp-material.ts";
import { keyMaterial } from "./verify/key-material.ts";
import { jsonReport, resultText } from "./verify/show-result.ts";
import { trusted, verdictOf } from "./verify/verdict.ts";

/** Begins an address of an image. */
const ELSEWHERE = /^(oras|library|docker|https?|shub):\/\//;

/**
 * `verify`: checks the signatures of an image. Under skiff's own name it says in one line what came of
 * it and ends with a status for each verdict; under the peers' names it speaks and ends as they do.
 */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const [path = ""] = inv.args;
  const host = plainHost(ctx);
  const isOwn = ctx.program === "skiff";
  const isJson = inv.bool("json");
  if (inv.bool("cosign")) {
    const [{ verifyByCosign }, { openCosigned }] = await Promise.all([
      import("./verify/by-cosign.ts"),
      import("./_cosigned-image.ts"),
    ]);
    return await verifyByCosign(inv, ctx, () => openCosigned(path, inv, ctx));
  }
  if (inv.string("policy") !== "") {
    const { verifyByPolicy } = await import("./verify/by-policy.ts");
    return await verifyByPolicy(inv, ctx, host);
  }
  const results: SignatureResult[] = [];
  const tell = (result: SignatureResult): void => {
    results.push(result);
    if (!isJson && !isOwn) ctx.print(resultText(result));
  };
  let failure: Fault | undefined;
  const keys = await keyMaterial(inv, ctx, host, {
    read: readNamed,
    pgp: () => pgpMaterial(inv, ctx, host),
  }).catch((error: unknown) => {
    if (!(error instanceof IntegrityFault)) throw error;
    failure = error;
  });
  try {
    if (keys === undefined) {
      // The certificate does not hold: there is nothing to verify by.
    } else if (ELSEWHERE.test(path) && !existsSync(path)) {
      await verifyElsewhere(path, keys, inv, ctx, tell);
    } else await verifyFile(path, keys, choiceOf(inv), tell);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    failure = error;
  }
  const verdict = failure === undefined ? trusted(results) : verdictOf(failure);
  if (isJson) ctx.print(jsonReport(results, isOwn ? verdict.word : undefined));
  else if (isOwn) ctx.print(`${path}: ${verdict.word}: ${verdict.detail}\n`);
  if (failure === undefined) {
    if (!isJson && !isOwn) ctx.log.info(`Verified signature(s) from image '${path}'`);
    return 0;
  }
  if (!isOwn) {
    const prefix = failure instanceof IntegrityFault ? failure.prefix : "";
    ctx.log.fatal(`Failed to verify container: ${prefix}${failure.message}`);
    return 255;
  }
  const { hint } = failure;
  if (hint !== undefined) ctx.log.info(hint);
  return verdict.status;
}

/** An image at an address: only what is needed of it is fetched. */
async function verifyElsewhere(
  word: string,
  keys: KeyMaterial,
  inv: Invocation,
  ctx: Context,
  tell: (result: SignatureResult) => void,
): Promise<void> {
  const [{ openAccess }, { parseImageAddress }, { remoteSignedImage }] = await Promise.all([
    import("./_remote-access.ts"),
    import("../format/oci/image-address.ts"),
    import("../build/remote/signed-image.ts"),
  ]);
  const address = parseImageAddress(word);
  if (address === undefined) throw new Fault("usage", `"${word}" is no address of an image`);
  const opened = openAccess(inv, ctx);
  try {
    const image = await remoteSignedImage(address, opened.access);
    await verifyImage(image, keys, choiceOf(inv), tell);
  } finally {
    opened.close();
  }
}

async function verifyFile(
  path: string,
  keys: KeyMaterial,
  choice: VerifyChoice,
  tell: (result: SignatureResult) => void,
): Promise<void> {
  const file = openForReading(path);
  try {
    const image = localSignedImage(readSif(file.source), file.source, file.fd);
    await verifyImage(image, keys, choice, tell);
  } finally {
    file.close();
  }
}

function choiceOf(inv: Invocation): VerifyChoice {
  return {
    ...(inv.isSet("group-id") ? { group: inv.int("group-id") } : {}),
    ...(inv.isSet("sif-id") ? { object: inv.int("sif-id") } : {}),
    legacy: inv.bool("legacy-insecure"),
    all: inv.bool("all"),
  };
}
