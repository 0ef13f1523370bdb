import { Fault } from "../base/fault.ts";
import { type BuildRequest, build } from "../build/build.ts";
import { buildDockerfile, type DockerfileBuild } from "../build/dockerfile/build-dockerfile.ts";
import { ownProgram } from "../build/own-program.ts";
import type { PackedImage } from "../build/pack/pack-image.ts";
import { stepLine, timedTalk } from "../build/progress-talk.ts";
import { selfContainer } from "../build/self-container.ts";
import type { BuildPorts } from "../build/stage.ts";
import type { Invocation } from "../cli/invocation.ts";
import { onStopSignal } from "../host/stop-signals.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { Context } from "../terminal/context.ts";
import { LOG_LEVELS } from "../terminal/log.ts";
import { progressSteps } from "../terminal/progress.ts";
import { buildImages } from "./_build-images.ts";
import { PIPED } from "./_piped-definition.ts";
import { progressOutput } from "./_progress-output.ts";

/** Carries an answer given at the terminal into the namespaces of the build. */
export const CONFIRMED = "_SKIFF_BUILD_REPLACES";
/** Carries over that this process has the namespaces that it needs. */
export const MOVED = "_SKIFF_BUILD_MOVED";
/** What this program tells itself, and no other. */
const OWN_VARIABLES = [CONFIRMED, MOVED, PIPED];

/** Builds with what the flags give it to reach the world through, until it is done or stopped. */
export async function carryOut(
  request: BuildRequest,
  dockerfile: DockerfileBuild | undefined,
  inv: Invocation,
  ctx: Context,
  host: HostFacts,
): Promise<Partial<PackedImage>> {
  const stop = new AbortController();
  onStopSignal(() => stop.abort(new Fault("failed", "build stopped", { exitCode: 1 })));
  const images = buildImages(inv, ctx);
  const isOwnName = ctx.program === "skiff";
  const talk = isOwnName ? timedTalk(ctx.log, () => performance.now()) : ctx.log;
  const output = progressOutput(ctx);
  const steps = progressSteps(output);
  try {
    const ports: BuildPorts = {
      talk,
      tellStep: (event) => {
        if (isOwnName) talk.info(stepLine(event));
      },
      ...(isOwnName && output.isTerminal
        ? { progress: (title: string, total: number) => steps.start(title, total) }
        : {}),
      showsTools: ctx.log.level >= LOG_LEVELS.verbose,
      runInContainer: selfContainer(
        ownProgram(ctx.env["PATH"]),
        containerEnvironment(inv, ctx),
        inv.bool("verify") ? "error" : "pass",
      ),
      openRemoteImage: images.open,
      fetchImage: images.fetch,
      checkSigners: async (path, fingerprints) => {
        const { requireSignedBy } = await import("./_required-signers.ts");
        await requireSignedBy(path, fingerprints, inv, ctx, host);
      },
      tool: host.tool,
      canRun: (arch) => arch === host.arch || NATIVE[host.arch] === arch || host.hasBinfmt(arch),
      env: daemonEnvironment(inv, ctx),
      cwd: host.cwd ?? "/",
      signal: stop.signal,
    };
    if (dockerfile === undefined) return await build(request, ports);
    return await buildDockerfile(request, dockerfile, inv, ports);
  } catch (error) {
    throw whileBuilding(stop.signal.aborted ? stop.signal.reason : systemFault(error));
  } finally {
    images.close();
  }
}

/** Flags that reach containers of the build as variables. */
function containerEnvironment(inv: Invocation, ctx: Context): Readonly<Record<string, string>> {
  const env: Record<string, string> = { ...ctx.env };
  for (const flag of ["nv", "nvccli", "rocm", "writable-tmpfs"]) {
    if (inv.bool(flag)) env[`APPTAINER_${flag.toUpperCase().replace("-", "_")}`] = "1";
  }
  for (const name of OWN_VARIABLES) delete env[name];
  return env;
}

/** The caller's environment, with the Docker daemon that flag or variables name. */
function daemonEnvironment(inv: Invocation, ctx: Context): Readonly<Record<string, string>> {
  const env: Record<string, string> = { ...ctx.env };
  for (const name of OWN_VARIABLES) delete env[name];
  const host = inv.has("docker-host") ? inv.string("docker-host") : "";
  if (host !== "") env["DOCKER_HOST"] = host;
  return env;
}

/** What a machine runs besides its own programs. */
const NATIVE: Readonly<Record<string, string>> = { amd64: "386", arm64: "arm" };

const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC:
    "no space is left there; free some, `skiff cache clean`, or name another directory with --tmpdir",
  EDQUOT:
    "the quota is used up; free some, `skiff cache clean`, or name another directory with --tmpdir",
  EROFS: "the file system is read-only; name another directory with --tmpdir",
  EMFILE: "too many files are open; raise the limit (ulimit -n)",
  ENOMEM: "memory is short",
};

/** A failed system call of the build as a Fault; anything else as it is. */
function systemFault(error: unknown): unknown {
  if (error instanceof Fault || !(error instanceof Error) || !("code" in error)) return error;
  const hint = CAUSES[String(error.code)];
  return new Fault(
    "io",
    error.message,
    hint === undefined ? { cause: error } : { cause: error, hint },
  );
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
