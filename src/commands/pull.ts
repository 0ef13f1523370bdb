import { accessSync, constants, lstatSync, mkdirSync, rmSync, statSync } from "node:fs";
import { errnoText } from "../base/errno-text.ts";
import { Fault } from "../base/fault.ts";
import { cleanPath, dirName, resolvePath } from "../base/path.ts";
import type { RemoteAccess } from "../build/remote/access.ts";
import { localImage } from "../build/remote/local-image.ts";
import { asksForOci } from "../cli/asks-for-oci.ts";
import type { Invocation } from "../cli/invocation.ts";
import {
  defaultFileName,
  type ImageAddress,
  parseImageAddress,
} from "../format/oci/image-address.ts";
import { statFollow } from "../host/host-files.ts";
import { copyImage, twinBeside } from "../image/cache/image-store.ts";
import { requireSpace } from "../image/cache/space.ts";
import type { Twin } from "../image/cache/twin.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { Context } from "../terminal/context.ts";
import { LOG_LEVELS } from "../terminal/log.ts";
import { openAccess } from "./_remote-access.ts";

/** `pull`: fetches an image by its address and writes it as a file or directory, whole or not at all. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const word = inv.args.at(-1) ?? "";
  const address = parseImageAddress(word);
  if (address === undefined) {
    throw new Fault("usage", "No transport type URI supplied", {
      exitCode: 255,
      hint: hintForPath(word, inv.args.length > 1 ? (inv.args[0] ?? "") : ""),
    });
  }
  refuseUnsupported(inv);
  const opened = openAccess(inv, ctx);
  let twin: Twin | undefined;
  try {
    const target = targetOf(inv, address, opened.host.cwd ?? "/");
    const isPlainCopy = !opened.isTemporary && !inv.bool("sandbox");
    if (isPlainCopy) twin = twinBeside(target);
    const access = {
      ...opened.access,
      copiedTo: dirName(target),
      ...(twin === undefined ? {} : { twin }),
    };
    const keyFile = inv.string("cosign-key");
    const signed =
      keyFile === ""
        ? undefined
        : await (await import("./_cosign.ts")).requireCosign(address, keyFile, access);
    const path = await fetchToStay(signed?.address ?? address, access);
    if (inv.bool("sandbox")) {
      const { makeSandbox } = await import("../build/remote/make-sandbox.ts");
      access.talk.info("Creating sandbox directory...");
      await makeSandbox(path, target, access);
      return 0;
    }
    const whole = twin?.isWhole === true ? twin.path : undefined;
    const needBytes = whole === undefined ? statSync(path).size : 0;
    requireSpace([{ folder: dirName(target), needBytes, variable: "--dir" }], `"${target}"`);
    try {
      if (inv.bool("with-cosign")) {
        const { takeCosign } = await import("./_carry-cosign.ts");
        const staged = `${target}.${process.pid}.part`;
        await copyImage(path, staged);
        await takeCosign(staged, target, address, inv, ctx, access);
      } else if (signed === undefined) {
        await copyImage(path, target, opened.isTemporary ? path : whole);
      } else {
        const { keepCosign } = await import("./_cosign.ts");
        const staged = `${target}.${process.pid}.part`;
        await copyImage(path, staged);
        keepCosign(staged, target, signed.record);
      }
    } catch (cause) {
      if (cause instanceof Fault) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Fault("io", `Cannot write "${target}": ${reason}`, { cause });
    }
    if (address.kind === "library") await tellTrust(target, inv, ctx, opened.host);
    return 0;
  } finally {
    if (twin !== undefined) rmSync(twin.path, { force: true });
    opened.close();
  }
}

/** The image on this machine; again when somebody cleaned the cache as soon as it was there. */
async function fetchToStay(address: ImageAddress, access: RemoteAccess): Promise<string> {
  let path = await localImage(address, access);
  for (let more = 2; more > 0 && statFollow(path) === undefined; more -= 1) {
    path = await localImage(address, access);
  }
  return path;
}

/** What to do where a word is no address. `first`: the word before it. */
function hintForPath(word: string, first: string): string {
  if (/^[a-z-]+:\/\//.test(first)) return `the file comes first: pull ${word} ${first}`;
  const isPath = /^[./]/.test(word) || statFollow(word) !== undefined;
  return isPath
    ? `"${word}" is a path: what lies on this machine is used as it is`
    : `write an address such as docker://${word}`;
}

/** An image of a library that nobody known has signed is kept, with a warning. */
async function tellTrust(
  path: string,
  inv: Invocation,
  ctx: Context,
  host: HostFacts,
): Promise<void> {
  if (inv.bool("allow-unsigned") || ctx.log.level < LOG_LEVELS.warning) return;
  try {
    const { checkSignatures } = await import("./_check-signatures.ts");
    await checkSignatures(path, inv, ctx, host);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    ctx.log.warning(`The image is not verified: ${error.message}`);
    ctx.log.warning("Skipping container verification");
  }
}

/** The file to write; throws when it may not be written. Nothing has been fetched yet. */
function targetOf(inv: Invocation, address: ImageAddress, cwd: string): string {
  const named = inv.string("name");
  const given = named === "" && inv.args.length > 1 ? (inv.args[0] ?? "") : named;
  const name = given === "" ? defaultFileName(address, asksForOci(inv)) : given;
  const folder = inv.string("dir");
  if (folder !== "" && name.startsWith("/")) {
    throw new Fault("usage", `Cannot write "${name}" in the directory "${folder}"`, {
      exitCode: 255,
      hint: "give --dir or the whole path of the file, not both",
    });
  }
  const target = cleanPath(resolvePath(folder === "" ? cwd : resolvePath(cwd, folder), name));
  const parent = dirName(target);
  if (folder !== "") orFault(target, () => mkdirSync(parent, { recursive: true }));
  const stat = statFollow(target);
  const isBlocked = stat?.kind === "dir" && !inv.bool("sandbox");
  if (stat !== undefined && (isBlocked || !inv.bool("force"))) {
    const shown = folder === "" ? name : `${folder}/${name}`;
    throw new Fault("exists", `Image file already exists: "${shown}" - will not overwrite`, {
      hint: isBlocked ? "it is a directory" : "use --force to replace it",
    });
  }
  if (statFollow(parent)?.kind !== "dir") {
    throw new Fault("not-found", `Cannot write "${target}": its directory does not exist`);
  }
  orFault(target, () => {
    accessSync(parent, constants.W_OK | constants.X_OK);
    // It looks for the name alone: one that is too long is said now.
    lstatSync(target, { throwIfNoEntry: false });
  });
  return target;
}

function orFault(target: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).errno ?? 0;
    throw new Fault("denied", `Cannot write "${target}": ${errnoText(-errno)}`, { cause });
  }
}

function refuseUnsupported(inv: Invocation): void {
  const isOci = asksForOci(inv);
  if (inv.bool("keep-layers") && !isOci) {
    throw new Fault("usage", "--keep-layers is only supported when creating OCI-SIF images", {
      exitCode: 255,
      hint: "add --oci",
    });
  }
  if (isOci && inv.bool("sandbox")) {
    throw new Fault("usage", "--oci and --sandbox exclude each other", { exitCode: 255 });
  }
  if (inv.bool("with-cosign") && !isOci) {
    throw new Fault("usage", "--with-cosign is only supported for OCI-SIF images", {
      exitCode: 255,
      hint: "add --oci; --cosign-key checks the signature of an image that becomes a SIF",
    });
  }
}
