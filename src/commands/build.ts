import { chownSync, readSync, statSync, writeSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { cleanPath, resolvePath } from "../base/path.ts";
import { fileDigest } from "../build/cache/file-digest.ts";
import type { DockerfileBuild } from "../build/dockerfile/build-dockerfile.ts";
import {
  isDockerfile,
  readDockerfile,
  requireDockerfile,
} from "../build/dockerfile/read-dockerfile.ts";
import type { PackedImage } from "../build/pack/pack-image.ts";
import { formatBytes, formatSeconds } from "../build/progress-talk.ts";
import { readDefinitionText, readText, requireRecipe } from "../build/read-definition.ts";
import { givenArguments, requestOf } from "../build/request.ts";
import { chooseRung } from "../build/rung.ts";
import { type BuildSource, recognizeSource } from "../build/source.ts";
import { checkTarget } from "../build/target.ts";
import { checkTempFolder } from "../build/temp-folder.ts";
import { tryRung } from "../build/user-namespace.ts";
import type { Invocation } from "../cli/invocation.ts";
import { VERSIONS } from "../cli/program.ts";
import { formatDiagnostic } from "../format/deffile/diagnostic.ts";
import { type Recipe, recipeFromImage } from "../format/deffile/recipe.ts";
import { hostFacts } from "../host/facts.ts";
import type { HostFacts } from "../plan/facts.ts";
import { readConfig } from "../runtime/read-config.ts";
import type { Context } from "../terminal/context.ts";
import type { Log } from "../terminal/log.ts";
import { asksForEncryption, buildEncryption, withEncryption } from "./_build-encryption.ts";
import { needsNamespaces, takeRung } from "./_build-namespaces.ts";
import { asksForOciSif, buildOciSif } from "./_build-oci-sif.ts";
import { CONFIRMED, carryOut } from "./_carry-out-build.ts";
import { pipedDefinition } from "./_piped-definition.ts";
import { streamTarget } from "./_stream-target.ts";
import { ownCache } from "./_user-places.ts";
import { verifyBuild } from "./_verify-build.ts";

/** `build`: makes a SIF or a sandbox from a definition file, a Dockerfile, an image or a directory. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  if (inv.has("check") && inv.bool("check")) return checkOnly(inv, ctx);
  if (inv.bool("verify")) return await verifyBuild(inv, ctx);
  const [targetWord = "", sourceWord = ""] = inv.args;
  refuseUnsupported(inv);
  const isOci = asksForOciSif(inv);
  const config = readConfig(inv);
  const host = hostFacts({ binaryPath: config.values.binaryPath, env: ctx.env });
  const cwd = host.cwd ?? "/";
  const target = cleanPath(resolvePath(cwd, targetWord));
  const replaces = checkTarget({
    path: target,
    sandbox: inv.bool("sandbox"),
    update: inv.bool("update"),
    force: inv.bool("force") || ctx.env[CONFIRMED] === target,
    ask: host.stdinIsTerminal ? askUser : undefined,
  });
  const piped = pipedDefinition(sourceWord, resolvePath(cwd, sourceWord), ctx.env);
  const source: BuildSource =
    piped === undefined
      ? recognizeSource(sourceWord, cwd)
      : { kind: "definition", path: sourceWord };
  if (inv.bool("data")) {
    const { buildData } = await import("./_build-data.ts");
    return await buildData(inv, ctx, { source, target, host });
  }
  if (isOci) {
    tellOfKeys(inv, ctx);
    const done = await buildOciSif(inv, ctx, source, target);
    if (done !== undefined) return done;
  }
  const isWritten = source.kind !== "image";
  const rung = await chooseRung(host, inv.bool("ignore-subuid"), (one) => tryRung(one, host));
  const cache = isWritten ? cacheFolder(inv, ctx, host) : undefined;
  const moves = needsNamespaces(rung, inv, host, isWritten, cache !== undefined);
  // A process about to be started again says what is wrong with the file, but leaves warnings to the next.
  const teller = moves ? undefined : ctx.log;
  const dockerfile =
    source.kind === "dockerfile" ? readFile(inv, teller, sourceWord, source.path, cwd) : undefined;
  const recipe =
    source.kind === "image"
      ? source.recipe
      : source.kind === "definition"
        ? readRecipe(inv, teller, sourceWord, piped ?? readText(source.path), cwd)
        : recipeFromImage("scratch", "");
  if (moves) await takeRung(rung, ctx, host, { confirmed: replaces ? target : "", piped });
  if (!isOci) tellOfKeys(inv, ctx);
  const encryption = asksForEncryption(inv) ? await buildEncryption(inv, ctx, cwd) : undefined;
  if (encryption !== undefined && dockerfile !== undefined) {
    throw new Fault("unsupported", "Images of Dockerfiles are not encrypted in this version", {
      hint: "build a SIF first, then: build --encrypt secret.sif plain.sif",
    });
  }
  const stream = inv.bool("sandbox")
    ? undefined
    : streamTarget(target, cleanPath(resolvePath(cwd, inv.string("tmpdir"))));
  const request = withEncryption(
    encryption,
    requestOf(inv, {
      recipe,
      target: stream?.path ?? target,
      force: inv.bool("force") || (replaces && !inv.bool("update")),
      host,
      config,
      version: VERSIONS.skiff,
      peerVersion: VERSIONS.apptainer,
      // A list of packages would be in clear.
      withSbom: ctx.program === "skiff" && encryption === undefined,
      // A kept step would be in clear.
      ...(cache === undefined || encryption !== undefined ? {} : { cacheFolder: cache }),
      definition: isWritten ? source.path : target,
      hasRecord: ctx.program === "skiff",
    }),
  );
  checkTempFolder(request.tempFolder, "temporary", host.mounts, ctx.log);
  const began = performance.now();
  const file =
    dockerfile === undefined
      ? undefined
      : { ...dockerfile, cacheFolder: `${ownCache(ctx, host, "").root}/skiff/mounts` };
  let built: Partial<PackedImage>;
  try {
    built = await carryOut(request, file, inv, ctx, host);
    await stream?.send();
  } finally {
    stream?.remove();
  }
  giveToInvoker(ctx, host, target);
  await tellEnd(ctx, targetWord, target, built, performance.now() - began);
  return 0;
}

/**
 * Folder for finished steps; undefined where every step is to be carried out. Under another program's
 * name a build does what that one does: everything, each time.
 */
function cacheFolder(inv: Invocation, ctx: Context, host: HostFacts): string | undefined {
  const isOff = ["no-cache", "disable-cache", "update"].some((name) => inv.bool(name));
  if (isOff || ctx.program !== "skiff") return undefined;
  try {
    return `${ownCache(ctx, host, "").root}/skiff/build`;
  } catch (error) {
    // A user without a home has no cache either.
    ctx.log.verbose(`No step is kept: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function refuseUnsupported(inv: Invocation): void {
  const refuse = (what: string, hint: string): never => {
    throw new Fault("unsupported", `${what} is not available in this version`, { hint });
  };
  const keepsNothing = ["no-cache", "disable-cache", "update", "encrypt"].find((name) =>
    inv.bool(name),
  );
  if (inv.strings("cache-from").length > 0 && keepsNothing !== undefined) {
    throw new Fault("usage", `--cache-from and --${keepsNothing} exclude each other`, {
      exitCode: 255,
    });
  }
  if (inv.bool("remote")) refuse("--remote", "build on this machine, without the flag");
}

function tellOfKeys(inv: Invocation, ctx: Context): void {
  const isKey = (name: string): boolean => /^(SKIFF|APPTAINER|SINGULARITY)_ENCRYPTION_/.test(name);
  if (!asksForEncryption(inv) && Object.keys(ctx.env).some(isKey)) {
    ctx.log.warning(
      "Encryption related env vars found, but --encrypt was not specified. NOT encrypting container.",
    );
  }
}

/** `build --check FILE`: prints every error and warning of the file and builds nothing. */
function checkOnly(inv: Invocation, ctx: Context): number {
  const file = inv.args.at(-1) ?? "";
  const { values } = givenArguments(inv, process.cwd());
  const text = readText(file);
  const read = isDockerfile(file, text)
    ? { ...readDockerfile(file), unused: [] }
    : readDefinitionText(text, values);
  for (const finding of read.diagnostics) ctx.print(`${formatDiagnostic(file, finding)}\n`);
  for (const name of read.unused) ctx.print(`${file}: warning: unused build args: ${name}\n`);
  const errors = read.diagnostics.filter((finding) => finding.severity === "error").length;
  if (errors === 0) ctx.log.info(`${file} can be built`);
  return errors === 0 ? 0 : 255;
}

/** A Dockerfile; warnings are told, errors end the build. */
function readFile(
  inv: Invocation,
  log: Log | undefined,
  word: string,
  path: string,
  cwd: string,
): Omit<DockerfileBuild, "cacheFolder"> {
  if (inv.bool("update")) {
    throw new Fault("usage", "--update needs a definition file: a Dockerfile always begins anew", {
      exitCode: 255,
    });
  }
  const read = readDockerfile(path);
  requireDockerfile(word, read);
  for (const finding of read.diagnostics) log?.warning(formatDiagnostic(word, finding));
  return { word, path, read, given: givenArguments(inv, cwd).values, target: inv.string("target") };
}

/** The recipe of a definition file; warnings are told, errors and unused arguments end the build. */
function readRecipe(
  inv: Invocation,
  log: Log | undefined,
  word: string,
  text: string,
  cwd: string,
): Recipe {
  const given = givenArguments(inv, cwd);
  for (const line of given.skipped) {
    log?.warning(`Skipping "${line}" in build arg file: it is not a key=value pair`);
  }
  const read = readDefinitionText(text, given.values);
  for (const finding of read.diagnostics) {
    if (finding.severity === "warning") log?.warning(formatDiagnostic(word, finding));
  }
  const recipe = requireRecipe(word, read);
  const unused = read.unused.join(" ");
  if (unused !== "" && inv.bool("warn-unused-build-args")) {
    log?.warning(`Unused build args: ${unused}`);
  } else if (unused !== "") {
    throw new Fault(
      "usage",
      `unused build args: ${unused}. Use option --warn-unused-build-args to show a warning instead of a fatal message`,
      { exitCode: 255 },
    );
  }
  return recipe;
}

function askUser(question: string): boolean {
  writeSync(2, question);
  const answer = new Uint8Array(256);
  const count = readSync(0, answer);
  return /^y(es)?$/i.test(new TextDecoder().decode(answer.subarray(0, count)).trim());
}

/** An image that root made through sudo belongs to whom sudo was called by. */
function giveToInvoker(ctx: Context, host: HostFacts, target: string): void {
  const { SUDO_COMMAND = "", SUDO_UID = "", SUDO_GID = "" } = ctx.env;
  if (!host.isRealRoot || !/apptainer|singularity|skiff/.test(SUDO_COMMAND)) return;
  if (!/^[0-9]+$/.test(SUDO_UID) || !/^[0-9]+$/.test(SUDO_GID)) return;
  if (statSync(target).isFile()) chownSync(target, Number(SUDO_UID), Number(SUDO_GID));
}

async function tellEnd(
  ctx: Context,
  word: string,
  target: string,
  built: Partial<PackedImage>,
  elapsedMs: number,
): Promise<void> {
  const stat = statSync(target);
  if (ctx.program !== "skiff") return ctx.log.info(`Build complete: ${word}`);
  const size = stat.isFile() ? `${formatBytes(stat.size)}, ` : "";
  ctx.log.info(`Build complete: ${word} (${size}${formatSeconds(elapsedMs).trim()})`);
  if (!stat.isFile()) return;
  const digest = built.digest ?? (await sha256Of(target));
  if (digest !== undefined) ctx.log.info(`sha256:${digest}`);
}

async function sha256Of(path: string): Promise<string | undefined> {
  return await fileDigest(path, undefined, new AbortController().signal);
}
