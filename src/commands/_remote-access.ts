import { rmSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { cleanPath, resolvePath } from "../base/path.ts";
import type { RemoteAccess } from "../build/remote/access.ts";
import type { Talk } from "../build/talk.ts";
import { asksForOci } from "../cli/asks-for-oci.ts";
import type { Invocation } from "../cli/invocation.ts";
import { VERSIONS } from "../cli/program.ts";
import { hostFacts } from "../host/facts.ts";
import { onStopSignal } from "../host/stop-signals.ts";
import { type CachePlaces, makeFolder } from "../image/cache/places.ts";
import type { HostFacts } from "../plan/facts.ts";
import { type Credential, passwordCredential } from "../registry/credentials/credential.ts";
import {
  type CredentialPlaces,
  credentialFinder,
  type FindCredential,
} from "../registry/credentials/find.ts";
import { HttpClient } from "../registry/http/client.ts";
import { ipfsGateway } from "../registry/http-file/ipfs-gateway.ts";
import { readMirrorRules } from "../registry/mirror/mirrors.ts";
import { readConfig } from "../runtime/read-config.ts";
import type { Context } from "../terminal/context.ts";
import { type ProgressOutput, type ProgressSteps, progressSteps } from "../terminal/progress.ts";
import { progressEvents } from "../terminal/progress-events.ts";
import { progressOutput } from "./_progress-output.ts";
import { temporaryImages } from "./_temporary-images.ts";
import { ownCache, ownDirectory, ownServices } from "./_user-places.ts";

/** Access to images elsewhere, for the time of one command. */
export interface OpenedAccess {
  readonly access: RemoteAccess;
  readonly host: HostFacts;
  /** The cache is not used: `access.places` is a temporary directory. */
  readonly isTemporary: boolean;
  /** Ends what this process holds; a temporary directory is removed unless it is still needed. */
  close(keepFiles?: boolean): void;
}

/** Puts together what a command's flags, the environment and the configuration say about fetching images. */
export function openAccess(inv: Invocation, ctx: Context): OpenedAccess {
  const config = readConfig(inv);
  const host = hostFacts({ binaryPath: config.values.binaryPath, env: ctx.env });
  const cwd = host.cwd ?? "/";
  const text = (name: string): string => (inv.has(name) ? inv.string(name) : "");
  const bool = (name: string): boolean => inv.has(name) && inv.bool(name);
  const places = placesOf(inv, ctx, host, config.values.sharedImageCache);
  const isTemporary = places === undefined;
  const folder = isTemporary
    ? temporaryImages(cleanPath(resolvePath(cwd, text("tmpdir") || "/tmp")))
    : "";
  const stop = new AbortController();
  const forgetSignals = onStopSignal((name, status) =>
    stop.abort(new Fault("failed", `Stopped by ${name}`, { exitCode: status })),
  );
  const epoch = ctx.env["SOURCE_DATE_EPOCH"] ?? "";
  const mksquashfs = text("mksquashfs-args").split(/\s+/);
  const credentials = credentialPlaces(inv, ctx, host);
  const steps = stepsOf(text("progress"), progressOutput(ctx));
  const talk: Talk = {
    info: (line) => steps.aside(() => ctx.log.info(line)),
    warning: (line) => steps.aside(() => ctx.log.warning(line)),
    verbose: (line) => steps.aside(() => ctx.log.verbose(line)),
  };
  const configDir = ownDirectory(ctx, host);
  const http = new HttpClient({
    env: ctx.env,
    configDir,
    note: (line) => talk.info(line),
    signal: stop.signal,
  });
  const access: RemoteAccess = {
    http,
    noHttps: bool("no-https"),
    findCredential: bool("docker-login")
      ? askedCredential((question) => ctx.printError(question))
      : credentialFinder(credentials, (line) => talk.warning(line)),
    // Credentials given outright are for the registry that the address names.
    mirrors:
      credentials.given === undefined && !bool("docker-login")
        ? readMirrorRules(ctx.env, credentials.home)
        : [],
    places: places ?? { root: folder, shared: undefined },
    placeVariable: isTemporary ? "SKIFF_TMPDIR" : "SKIFF_CACHEDIR",
    wish: {
      arch: text("arch"),
      variant: text("arch-variant"),
      platform: text("platform"),
      hostArch: host.arch,
    },
    ...(asksForOci(inv) ? { ociSif: { keepLayers: bool("keep-layers") } } : {}),
    ipfsGateway: () => ipfsGateway(ctx.env, credentials.home),
    findLibrary: async (place) => {
      const { findLibrary } = await import("../registry/library/find.ts");
      return await findLibrary(http, {
        host: place,
        given: text("library"),
        noHttps: bool("no-https"),
        file: ownServices(ctx, host),
      });
    },
    concurrency: config.values.downloadConcurrency,
    partBytes: Math.max(65_536, config.values.downloadPartSize),
    offline: bool("offline"),
    talk,
    configDir,
    cwd,
    dockerHost: text("docker-host"),
    step: (title, total) => steps.start(title, total),
    tool: (name) => host.tool(name),
    version: VERSIONS.skiff,
    peerVersion: VERSIONS.apptainer,
    mksquashfsArgs: mksquashfs.filter((word) => word !== ""),
    processors: config.values.mksquashfsProcs,
    memory: config.values.mksquashfsMem,
    sourceDateEpoch: /^[0-9]{1,11}$/.test(epoch) ? Number(epoch) : undefined,
    signal: stop.signal,
  };
  return {
    access,
    host,
    isTemporary,
    close: (keepFiles = false) => {
      forgetSignals();
      if (!isTemporary) return;
      // Only the image itself is still needed then.
      for (const part of keepFiles ? ["blob", "skiff"] : ["."]) {
        rmSync(cleanPath(`${folder}/${part}`), { recursive: true, force: true });
      }
    },
  };
}

function stepsOf(how: string, output: ProgressOutput): ProgressSteps {
  if (how === "json") return progressEvents(output);
  if (how !== "" && !["auto", "plain", "none"].includes(how)) {
    throw new Fault("usage", `Cannot show progress as "${how}"`, {
      exitCode: 255,
      hint: "use auto, plain, json or none",
    });
  }
  return progressSteps({
    ...output,
    isTerminal: output.isTerminal && how !== "plain",
    isQuiet: output.isQuiet || how === "none",
  });
}

/** `--docker-login`: name and password as typed, asked for once and only when a registry wants them. */
function askedCredential(print: (question: string) => void): FindCredential {
  const ask = async (): Promise<Credential> => {
    const { askLine, askSecret } = await import("../terminal/ask.ts");
    const username = askLine("Enter Docker Username: ", print) ?? "";
    const password = askSecret("Enter Docker Password: ", print) ?? "";
    return passwordCredential(username, password, "--docker-login");
  };
  let asked: Promise<Credential> | undefined;
  return async () => {
    asked ??= ask();
    return await asked;
  };
}

/** Where credentials come from, by the flags and the environment. */
export function credentialPlaces(inv: Invocation, ctx: Context, host: HostFacts): CredentialPlaces {
  const text = (name: string): string => (inv.has(name) ? inv.string(name) : "");
  const [username, password] = [text("docker-username"), text("docker-password")];
  const source = (name: string): string => {
    const from = inv.source(name);
    return from === "command line" ? `--${name}` : from;
  };
  return {
    env: ctx.env,
    given:
      username === "" && password === ""
        ? undefined
        : {
            username,
            password,
            source: source(password === "" ? "docker-username" : "docker-password"),
          },
    authFile: text("authfile") === "" ? "" : resolvePath(host.cwd ?? "/", text("authfile")),
    userDirectory: ownDirectory(ctx, host),
    home: ctx.env["HOME"] || host.account?.home,
  };
}

/** The cache; undefined when it is switched off or cannot be written, which is told. */
function placesOf(
  inv: Invocation,
  ctx: Context,
  host: HostFacts,
  sharedCache: string,
): CachePlaces | undefined {
  if (inv.has("disable-cache") && inv.bool("disable-cache")) return undefined;
  const places = ownCache(ctx, host, sharedCache);
  try {
    makeFolder(places.root);
    return places;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    ctx.log.warning(`Cache disabled: "${places.root}" cannot be written (${code})`);
    return undefined;
  }
}
