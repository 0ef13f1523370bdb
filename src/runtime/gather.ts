import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import type { Invocation } from "../cli/invocation.ts";
import { admissionFiles } from "../config/admission-files.ts";
import { hostFacts } from "../host/facts.ts";
import { imageHost } from "../host/image-host.ts";
import { type ImageFile, openImageFile } from "../image/image-file.ts";
import { imageOf, isLayered, openTree, overlayParts } from "../image/open.ts";
import { parseBinds, parseMounts } from "../plan/bind-spec.ts";
import type { Config } from "../plan/config.ts";
import { type LaunchControls, NO_CONTROLS } from "../plan/controls.ts";
import type { HostFacts, ImageFacts, ImagePart } from "../plan/facts.ts";
import { type GpuBinds, NO_GPU } from "../plan/gpu-binds.ts";
import type { LaunchFacts } from "../plan/launch.ts";
import { parseOverlay } from "../plan/overlays.ts";
import type { Notice, Plan } from "../plan/plan.ts";
import type { Action, LaunchRequest } from "../plan/request.ts";
import type { AdmissionQuestion, Refusal } from "./admission/admit.ts";
import { readEnvFiles } from "./env-files.ts";
import { installPrefix } from "./installed.ts";
import { readConfig } from "./read-config.ts";
import { requestOf } from "./request-of.ts";
import type { StartOptions } from "./start.ts";

/** Names that start a transport: such a word is no path unless a file of that name exists. */
const TRANSPORT = /^([A-Za-z][A-Za-z0-9+-]*):(\/\/)?/;
const KNOWN = [
  "docker",
  "docker-archive",
  "docker-daemon",
  "oci",
  "oci-archive",
  "oras",
  "library",
  "shub",
  "http",
  "https",
  "ipfs",
  "instance",
];

/** Finds the host files of GPUs; only called for launches that ask for them. */
export type GpuGatherer = (
  inv: Invocation,
  request: LaunchRequest,
  config: Config,
  host: HostFacts,
  image: ImageFacts,
  notices: Notice[],
) => Promise<GpuBinds>;

/** Plans what few launches ask for; only called for those. */
export type ControlsGatherer = (
  request: LaunchRequest,
  config: Config,
  host: HostFacts,
  notices: Notice[],
) => Promise<LaunchControls>;

/** Code that only some launches need: a plain one does without. */
export interface RareGatherers {
  readonly gpu: GpuGatherer;
  readonly controls: ControlsGatherer;
  /** Asks the rules of this machine whether an image may be started. */
  readonly admit: (question: AdmissionQuestion) => Promise<Refusal | undefined>;
  /** Opens an encrypted image. */
  readonly clear: (
    inv: Invocation,
    env: Readonly<Record<string, string>>,
    host: HostFacts,
    image: ImageFacts,
  ) => Promise<ImageFacts>;
  /** The image of a file with its layers and with what its OCI configuration says about running it. */
  readonly layers: (file: ImageFile) => Promise<ImageFacts>;
  /** Has an OCI runtime carry out a plan; never comes back. */
  readonly oci: (plan: Plan, host: HostFacts, options: StartOptions) => Promise<never>;
  /** The control group that systemd makes for this process. */
  readonly scope: (
    systemd: { readonly tool: string; readonly bus: "user" | "system" },
    host: HostFacts,
  ) => Promise<string>;
}

function asksForControls(request: LaunchRequest, config: Config): boolean {
  for (const _ in request.limits) return true;
  if (request.netnsPath !== undefined || request.networkArgs.length > 0) return true;
  if (request.network !== "none" && (request.net || request.network !== undefined)) return true;
  for (const word of request.security) if (!/^[ug]id:/.test(word)) return true;
  return config.values.rootDefaultCapabilities === "file";
}

/** Before anything else reads the image: whether the rules of this machine, if it has any, admit it. */
async function checkAdmission(
  image: string,
  host: HostFacts,
  env: Readonly<Record<string, string>>,
  rare: RareGatherers,
): Promise<void> {
  const prefix = installPrefix();
  const rules = admissionFiles(host.files, prefix);
  const path = rules === undefined ? undefined : host.realPath(image);
  // A file that is not there is told of by whoever opens it.
  if (rules === undefined || path === undefined) return;
  const { files } = host;
  const cwd = host.cwd ?? "/";
  const accountHome = env["HOME"] ? undefined : host.account?.home;
  const refusal = await rare.admit({ rules, path, files, prefix, env, accountHome, cwd });
  if (refusal === undefined) return;
  throw new Fault("denied", refusal.message, { hint: refusal.hint });
}

function isEncrypted({ rootKind }: ImageFacts): boolean {
  return rootKind === "gocryptfs-squashfs" || rootKind === "encrypted-squashfs";
}

function asksForGpu(inv: Invocation, config: Config): boolean {
  const { alwaysUseNv, alwaysUseRocm } = config.values;
  const always = alwaysUseNv || alwaysUseRocm;
  return (
    always ||
    inv.bool("nv") ||
    inv.bool("nvccli") ||
    inv.bool("rocm") ||
    inv.strings("device").length > 0
  );
}

/** Reads everything that a launch is planned from: configuration, host, image, files named by options. */
export async function gatherLaunch(
  inv: Invocation,
  action: Action,
  calledAs: LaunchRequest["calledAs"],
  env: Readonly<Record<string, string>>,
  rare: RareGatherers,
): Promise<LaunchFacts> {
  const [word = "", ...args] = inv.args;
  const config = readConfig(inv);
  const host = hostFacts({ binaryPath: config.values.binaryPath, env });
  const request = requestOf(inv, action, calledAs, args);
  const notices: Notice[] = [];
  if (word === "") {
    throw new Fault("usage", "Cannot start an image without a name: the word for it is empty", {
      exitCode: 255,
      hint: "name a SIF, SquashFS or ext3 file, or a directory",
    });
  }
  const path = imagePath(word, host);
  await checkAdmission(path, host, env, rare);
  const file = openImageFile(path, imageHost);
  const isOci = request.oci === true || isLayered(file);
  let opened = isOci ? await rare.layers(file) : imageOf(file, imageHost);
  checkArchitecture(opened, host);
  if (isEncrypted(opened)) opened = await rare.clear(inv, env, host, opened);
  return {
    request,
    config,
    host,
    image: opened,
    volumes: openVolumes(request, host),
    gpu: asksForGpu(inv, config)
      ? await rare.gpu(inv, request, config, host, opened, notices)
      : NO_GPU,
    controls: asksForControls(request, config)
      ? await rare.controls(request, config, host, notices)
      : NO_CONTROLS,
    environment: { envFiles: readEnvFiles(inv, request, opened.path, host, notices) },
    notices,
  };
}

/** Where the image lies that the caller's word names. */
function imagePath(image: string, host: HostFacts): string {
  const cwd = host.cwd ?? "/";
  const path = resolvePath(cwd, image);
  const transport = TRANSPORT.exec(image);
  if (transport === null || host.files.lstat(path) !== undefined) return path;
  const name = transport[1] ?? "";
  // SingularityCE's way to say of a file that it is an OCI-SIF.
  if (name === "oci-sif" && image.length > 8) return resolvePath(cwd, image.slice(8));
  if (KNOWN.includes(name)) {
    throw new Fault(
      "unsupported",
      `Cannot start "${image}": starting from ${name}: is not available in this version`,
      {
        hint: "give the path of a SIF, SquashFS or ext3 file, or of a directory",
      },
    );
  }
  if (transport[2] !== undefined) {
    throw new Fault("usage", `Cannot start "${image}": Unsupported transport type: ${name}`, {
      exitCode: 255,
    });
  }
  return path;
}

function checkArchitecture(image: ImageFacts, host: HostFacts): void {
  if (image.arch === undefined || image.arch === host.arch || host.hasBinfmt(image.arch)) return;
  if (image.arch === "386" && host.arch === "amd64") return;
  if (image.arch === "arm" && host.arch === "arm64") return;
  throw new Fault(
    "unsupported",
    `Cannot start "${image.path}": the image's architecture (${image.arch}) could not run on the host's (${host.arch})`,
    { hint: `use an image for ${host.arch}, or register an emulator (package qemu-user-static)` },
  );
}

/** An image file that need not hold a root: an overlay or data. Its tree is that of its first partition. */
function openVolume(path: string): ImageFacts {
  const file = openImageFile(path, imageHost);
  const none: ImagePart = { kind: "raw", offsetBytes: 0, sizeBytes: 0 };
  const part = file.root ?? file.overlays[0] ?? file.parts[0] ?? none;
  return {
    path,
    format: file.format,
    rootKind:
      file.format === "directory" ? "directory" : part.kind === "ext3" ? "ext3" : "squashfs",
    root: part,
    arch: file.arch,
    overlays: overlayParts(file, imageHost),
    parts: file.parts,
    writable: file.writable,
    ...openTree(file, part, imageHost),
  };
}

/** Overlay images and files that `image-src` names; missing ones are left out: the planner tells. */
function openVolumes(request: LaunchRequest, host: HostFacts): ReadonlyMap<string, ImageFacts> {
  const volumes = new Map<string, ImageFacts>();
  const cwd = host.cwd ?? "/";
  const open = (path: string, purpose: "overlay" | "data"): void => {
    if (volumes.has(path) || host.realPath(path) === undefined) return;
    try {
      volumes.set(path, openVolume(path));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const what =
        purpose === "overlay"
          ? "while loading overlay images: failed to open overlay image"
          : "while loading data bind images: failed to load data image";
      throw new Fault(error.code, `${what} ${path}: ${error.message}`, {
        exitCode: 255,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    }
  };
  for (const text of request.overlays) open(parseOverlay(text, cwd).path, "overlay");
  if (
    request.binds.some((b) => b.text.includes("image-src=") || b.text.includes("id=")) ||
    request.mounts.length > 0
  ) {
    for (const bind of [...parseBinds(request.binds, cwd), ...parseMounts(request.mounts, cwd)]) {
      if (bind.imageSrc !== undefined || bind.id !== undefined) open(bind.source, "data");
    }
  }
  return volumes;
}
