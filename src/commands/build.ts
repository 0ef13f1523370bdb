import { chownSync, readSync, statSync, writeSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { cleanPath, resolvePath } from "../base/path.ts";
import { build } from "../build/build.ts";
import { ownProgram } from "../build/own-program.ts";
import { formatBytes, formatSeconds, timedTalk } from "../build/progress-talk.ts";
import { readDefinition, requireRecipe } from "../build/read-definition.ts";
import { givenArguments, requestOf } from "../build/request.ts";
import { chooseRung, type Rung } from "../build/rung.ts";
import { selfContainer } from "../build/self-container.ts";
import { recognizeSource } from "../build/source.ts";
import { checkTarget } from "../build/target.ts";
import { checkTempFolder } from "../build/temp-folder.ts";
import { enterUserNamespace } from "../build/user-namespace.ts";
import type { Invocation } from "../cli/invocation.ts";
import { VERSIONS } from "../cli/program.ts";
import { formatDiagnostic } from "../format/deffile/diagnostic.ts";
import type { Recipe } from "../format/deffile/recipe.ts";
import { hostFacts } from "../host/facts.ts";
import type { HostFacts } from "../plan/facts.ts";
import { readConfig } from "../runtime/gather.ts";
import type { Context } from "../terminal/context.ts";
import type { Log } from "../terminal/log.ts";
import { buildImages } from "./_build-images.ts";

/** `build`: makes a SIF or a sandbox from a definition file, an image or a directory. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  if (inv.has("check") && inv.bool("check")) return checkOnly(inv, ctx);
  const [targetWord = "", sourceWord = ""] = inv.args;
  refuseUnsupported(inv, ctx);
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
  const source = recognizeSource(sourceWord, cwd);
  const isDefinition = source.kind === "definition";
  const rung = chooseRung(host, inv.bool("ignore-subuid"));
  const moves = rung.kind !== "root" && (isDefinition || inv.bool("fakeroot"));
  // A process about to be started again says what is wrong with the file, but leaves warnings to the next.
  const recipe = isDefinition
    ? readRecipe(inv, moves ? undefined : ctx.log, sourceWord, source.path, cwd)
    : source.recipe;
  if (moves) await takeRung(rung, ctx, host, replaces ? target : "");
  const request = requestOf(inv, {
    recipe,
    target,
    force: inv.bool("force") || (replaces && !inv.bool("update")),
    host,
    config,
    version: VERSIONS.skiff,
    peerVersion: VERSIONS.apptainer,
    now: new Date(),
  });
  checkTempFolder(request.tempFolder, "temporary", host.mounts, ctx.log);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort(new Fault("failed", "build stopped", { exitCode: 1 }));
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
  const began = performance.now();
  const images = buildImages(inv, ctx);
  try {
    const isOwnName = ctx.program === "skiff";
    await build(request, {
      talk: isOwnName ? timedTalk(ctx.log, () => performance.now()) : ctx.log,
      runInContainer: selfContainer(ownProgram(ctx.env["PATH"]), containerEnvironment(inv, ctx)),
      openRemoteImage: images.open,
      fetchImage: images.fetch,
      tool: host.tool,
      env: daemonEnvironment(inv, ctx),
      cwd,
      signal: stop.signal,
    });
  } catch (error) {
    throw whileBuilding(stop.signal.aborted ? stop.signal.reason : error);
  } finally {
    images.close();
  }
  giveToInvoker(ctx, host, target);
  tellEnd(ctx, targetWord, target, performance.now() - began);
  return 0;
}

/** Carries an answer given at the terminal into the user namespace. */
const CONFIRMED = "_SKIFF_BUILD_REPLACES";

function refuseUnsupported(inv: Invocation, ctx: Context): void {
  const refuse = (what: string, hint: string): never => {
    throw new Fault("unsupported", `${what} is not available in this version`, { hint });
  };
  if (inv.bool("remote")) refuse("--remote", "build on this machine, without the flag");
  const isEncrypted = ["encrypt", "passphrase"].some((name) => inv.bool(name));
  if (isEncrypted || inv.string("pem-path") !== "") refuse("encryption", "build without --encrypt");
  if (inv.bool("oci")) refuse("--oci", "build a SIF with an ordinary root file system");
  if (inv.bool("data")) refuse("--data", "`sif new` and `sif add` make data images");
  const isKey = (name: string): boolean => /^(APPTAINER|SINGULARITY)_ENCRYPTION_/.test(name);
  if (Object.keys(ctx.env).some(isKey)) {
    ctx.log.warning(
      "Encryption related env vars found, but --encrypt was not specified. NOT encrypting container.",
    );
  }
}

/** `build --check FILE`: prints every error and warning of a definition file and builds nothing. */
function checkOnly(inv: Invocation, ctx: Context): number {
  const file = inv.args.at(-1) ?? "";
  const read = readDefinition(file, givenArguments(inv, process.cwd()).values);
  for (const finding of read.diagnostics) ctx.print(`${formatDiagnostic(file, finding)}\n`);
  for (const name of read.unused) ctx.print(`${file}: warning: unused build args: ${name}\n`);
  const errors = read.diagnostics.filter((finding) => finding.severity === "error").length;
  if (errors === 0) ctx.log.info(`${file} can be built`);
  return errors === 0 ? 0 : 255;
}

/** The recipe of a definition file; warnings are told, errors and unused arguments end the build. */
function readRecipe(
  inv: Invocation,
  log: Log | undefined,
  word: string,
  path: string,
  cwd: string,
): Recipe {
  const given = givenArguments(inv, cwd);
  for (const line of given.skipped) {
    log?.warning(`Skipping "${line}" in build arg file: it is not a key=value pair`);
  }
  const read = readDefinition(path, given.values);
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

/** Says with whose rights an ordinary user's build runs and starts it again with them. */
async function takeRung(
  rung: Exclude<Rung, { readonly kind: "root" }>,
  ctx: Context,
  host: HostFacts,
  confirmed: string,
): Promise<never> {
  if (rung.kind === "sub-ids") {
    const text = `Building as root of a user namespace with ${rung.uids.count} sub-ids from ${rung.uids.first}`;
    if (ctx.program === "skiff") ctx.log.info(text);
    else ctx.log.verbose(text);
  } else {
    ctx.log.info(`${rung.why}, trying root-mapped namespace`);
    ctx.log.info("Installing some packages may fail: only the caller's own id exists there");
  }
  const env = confirmed === "" ? host.env : { ...host.env, [CONFIRMED]: confirmed };
  const words = process.argv.slice(2);
  return await enterUserNamespace(rung, ownProgram(ctx.env["PATH"]), words, { ...host, env });
}

/** Flags that reach containers of the build as variables. */
function containerEnvironment(inv: Invocation, ctx: Context): Readonly<Record<string, string>> {
  const env: Record<string, string> = { ...ctx.env };
  for (const flag of ["nv", "nvccli", "rocm", "writable-tmpfs"]) {
    if (inv.bool(flag)) env[`APPTAINER_${flag.toUpperCase().replace("-", "_")}`] = "1";
  }
  delete env[CONFIRMED];
  return env;
}

/** The environment with the Docker daemon that flag or variables name. */
function daemonEnvironment(inv: Invocation, ctx: Context): Readonly<Record<string, string>> {
  const host = inv.has("docker-host") ? inv.string("docker-host") : "";
  return host === "" ? ctx.env : { ...ctx.env, DOCKER_HOST: host };
}

function askUser(question: string): boolean {
  writeSync(2, question);
  const answer = new Uint8Array(256);
  const count = readSync(0, answer);
  return /^y(es)?$/i.test(new TextDecoder().decode(answer.subarray(0, count)).trim());
}

/** Failures of the run have one prefix; those of preparation name their own. */
function whileBuilding(error: unknown): unknown {
  if (!(error instanceof Fault) || /^(Unable to|While |build stopped)/.test(error.message))
    return error;
  return new Fault(error.code, `While performing build: ${error.message}`, {
    exitCode: error.exitCode,
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

/** An image that root made through sudo belongs to whom sudo was called by. */
function giveToInvoker(ctx: Context, host: HostFacts, target: string): void {
  const { SUDO_COMMAND = "", SUDO_UID = "", SUDO_GID = "" } = ctx.env;
  if (!host.isRealRoot || !/apptainer|singularity|skiff/.test(SUDO_COMMAND)) return;
  if (!/^[0-9]+$/.test(SUDO_UID) || !/^[0-9]+$/.test(SUDO_GID)) return;
  if (statSync(target).isFile()) chownSync(target, Number(SUDO_UID), Number(SUDO_GID));
}

function tellEnd(ctx: Context, word: string, target: string, elapsedMs: number): void {
  const stat = statSync(target);
  const size = stat.isFile() ? `${formatBytes(stat.size)}, ` : "";
  const detail = ctx.program === "skiff" ? ` (${size}${formatSeconds(elapsedMs).trim()})` : "";
  ctx.log.info(`Build complete: ${word}${detail}`);
}
