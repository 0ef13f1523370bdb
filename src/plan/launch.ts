import type { FileView, Resolved } from "../base/file-view.ts";
import { layeredView } from "../base/layered-view.ts";
import { cleanPath } from "../base/path.ts";
import { parseBinds, parseMounts } from "./bind-spec.ts";
import { checkRequest } from "./check-request.ts";
import type { Config } from "./config.ts";
import type { LaunchControls } from "./controls.ts";
import type { EnvironmentPlan } from "./env/environment-plan.ts";
import { type EnvironmentFacts, environmentOf } from "./environment-of.ts";
import type { HostFacts, ImageFacts } from "./facts.ts";
import { planFakerootCommand } from "./fakeroot-command.ts";
import type { GpuBinds } from "./gpu-binds.ts";
import { planHome } from "./home.ts";
import { planIdentity } from "./identity.ts";
import { checkImageLimits } from "./image-limits.ts";
import { planInstance } from "./instance.ts";
import { planRoot } from "./layers.ts";
import type { MountTable } from "./mount-table.ts";
import { addConfiguredBinds } from "./mounts/configured.ts";
import { addFuseMounts } from "./mounts/fuse-mounts.ts";
import { addHomeAndTmp } from "./mounts/home.ts";
import { addIdentityFiles } from "./mounts/identity-files.ts";
import type { MountInput } from "./mounts/mount-input.ts";
import { MountList } from "./mounts/mount-list.ts";
import { addScratch } from "./mounts/scratch.ts";
import { addDev, addHostfs, addKernelMounts, addLimitGuard } from "./mounts/system.ts";
import { addDeviceFiles, addUserBinds } from "./mounts/user.ts";
import { addCwd } from "./mounts/working-directory.ts";
import { planNamespaces } from "./namespaces.ts";
import { addOciScripts } from "./oci/image-scripts.ts";
import { planImageUser } from "./oci/image-user.ts";
import { layerTree } from "./overlays.ts";
import type { MountPoint, Notice, Plan, ProcessPlan, RootPlan } from "./plan.ts";
import { bootProcess, type ProcessChoice, planOciProcess, planProcess } from "./process.ts";
import type { LaunchRequest } from "./request.ts";
import { planSecurity } from "./security.ts";
import { planShare } from "./share.ts";
import { planUnderlay } from "./underlay.ts";

/** What a launch is planned from; everything that was read is in here. */
export interface LaunchFacts {
  readonly request: LaunchRequest;
  readonly config: Config;
  readonly host: HostFacts;
  readonly image: ImageFacts;
  /** Opened overlay and image-src files, by absolute path. */
  readonly volumes: ReadonlyMap<string, ImageFacts>;
  readonly gpu: GpuBinds;
  readonly controls: LaunchControls;
  readonly environment: EnvironmentFacts;
  readonly notices: readonly Notice[];
}

/** A plan, or the word that there is nothing to start (an image without a test script). */
export type LaunchPlan =
  | { readonly kind: "plan"; readonly plan: Plan }
  | { readonly kind: "nothing"; readonly note: string };

/**
 * What the container will see, decided from facts alone.
 *
 * @throws Fault for whatever the request, the configuration, the host or the image rules out.
 */
export function planLaunch(facts: LaunchFacts): LaunchPlan {
  const { config, host, image, volumes, gpu, controls } = facts;
  const notices: Notice[] = [...facts.notices];
  const asked = gpu.setup === undefined ? facts.request : withRoomFor(facts.request, notices);
  const checked = checkRequest(asked, config, host, notices);
  // The words of an OCI image are taken as they are where nothing but it says how they are run.
  const isPureOci = checked.oci === true && image.format === "oci-sif";
  const request = isPureOci ? { ...checked, noEval: true } : checked;
  checkImageLimits(image.path, config, host);
  const namespaces = planNamespaces(request, config, host, notices);
  const caller = planIdentity(request, host, namespaces.user, notices);
  const root = planRoot({
    request,
    config,
    host,
    image,
    volumes,
    userNamespace: namespaces.user,
    uid: caller.uid,
    notices,
  });
  const layers = root.overlays
    .map(({ volume, dir }) => ({ view: layerTree(volume, image, volumes), dir }))
    .flatMap(({ view, dir }) => (view === undefined ? [] : [{ view, dir }]))
    .reverse();
  const tree =
    layers.length === 0 ? image.tree : layeredView([...layers, { view: image.tree, dir: "/" }]);
  const imageUser = planImageUser(request, host, image, tree, caller, notices);
  const identity = imageUser?.identity ?? caller;
  const cwd = host.cwd ?? "/";
  if (host.cwd === undefined) {
    const text =
      "Cannot determine the current working directory: it was removed, or is out of reach";
    notices.push({ level: "warning", text });
  }
  const binds = config.values.userBindControl
    ? [...parseBinds(request.binds, cwd), ...parseMounts(request.mounts, cwd)]
    : [];
  const home = planHome(request, host, identity);

  const input: MountInput = {
    request,
    config,
    host,
    image,
    volumes,
    identity,
    namespaces,
    root,
    home,
    binds,
    gpu,
    nameservers: controls.network?.kind === "helper" ? controls.network.nameservers : [],
    fakerootFiles: [],
  };
  const list = new MountList(tree, root.layer, notices);
  addKernelMounts(list, input);
  if (controls.limits !== undefined) addLimitGuard(list, input);
  addDev(list, input);
  addHostfs(list, input);
  addConfiguredBinds(list, input);
  addHomeAndTmp(list, input);
  addScratch(list, input);
  // An image that names its user has an account for it.
  addIdentityFiles(list, input, imageUser === undefined);
  // Last of all that hold files: what the user binds is never covered, and nothing is written to it.
  addUserBinds(list, input);
  addFuseMounts(list, input);
  const fakeroot = planFakerootCommand(request, host, identity, list.table, notices);
  addDeviceFiles(list, { ...input, fakerootFiles: fakeroot.files });
  addCwd(list, input);
  addOciScripts(list, image, isPureOci);

  const choice = chooseProgram(request, list.table, notices);
  if (choice.kind === "nothing") return choice;
  const librariesBound = list.mounts.some((m) => m.kind === "libraries");
  const start = startDirectory(request, host, image, home.target, list.table);
  const environment = environmentOf({
    request,
    host,
    imagePath: image.path,
    binds,
    home: imageUser?.home ?? home.target,
    program: choice.process.candidates[0]?.argv[0] ?? "",
    cwd: start.candidates[0] ?? "/",
    identity,
    runtime: [...gpu.environment, ...fakeroot.environment],
    files: list.table,
    isKnown: (path) => list.table.isImage(path),
    facts: facts.environment,
    librariesBound,
    notices,
  });

  const finished = finishProcess(choice.process, request, list.table, environment);
  const program = request.under === undefined ? finished : startUnder(finished, request.under);
  const process =
    fakeroot.prefix.length === 0
      ? program
      : {
          ...program,
          candidates: program.candidates.map((c) => ({
            ...c,
            argv: [...fakeroot.prefix, ...c.argv],
          })),
        };
  const scriptUmask = environment.kind === "direct" ? environment.umask : undefined;
  return {
    kind: "plan",
    plan: {
      action: request.action,
      image: { path: image.path, format: image.format },
      namespaces,
      init: namespaces.pid && !request.noInit,
      identity,
      root: finishRoot(root, list.mountPoints, tree),
      mounts: list.mounts,
      propagation: config.values.mountSlave ? "slave" : "private",
      sessionMiB: host.isRealRoot ? 0 : config.values.sessiondirMaxSize,
      sessionFs: config.values.memoryFsType,
      maxLoopDevices: config.values.maxLoopDevices,
      hostname: namespaces.uts ? request.hostname : undefined,
      loopback: namespaces.net,
      network: controls.network,
      environment,
      cwd: start,
      umask:
        scriptUmask !== undefined
          ? { mask: scriptUmask, why: "a script of the image" }
          : request.noUmask
            ? { mask: 0o022, why: request.origins["no-umask"] ?? "--no-umask" }
            : { mask: host.umask, why: "the caller's" },
      security: planSecurity(request, config, host, identity, controls, notices),
      limits: controls.limits,
      process,
      ...(gpu.setup === undefined ? {} : { gpuSetup: gpu.setup }),
      share: planShare(
        request,
        host,
        { namespaces, root, limits: controls.limits, network: controls.network },
        notices,
      ),
      instance:
        request.instance === undefined
          ? undefined
          : planInstance(request.instance, request.boot, home.target, list.table, librariesBound),
      notices,
    },
  };
}

/** The program; an instance of an image without a start script is its process 1 alone. */
function chooseProgram(request: LaunchRequest, files: FileView, notices: Notice[]): ProcessChoice {
  if (request.boot) return bootProcess();
  const choice = planProcess(request, files);
  if (choice.kind === "start" || request.instance === undefined) return choice;
  notices.push({ level: "info", text: choice.note });
  return { kind: "start", process: { candidates: [], notFound: "", why: choice.note } };
}

/** The program with what the environment scripts and an OCI image's words make of it. */
function finishProcess(
  planned: ProcessPlan,
  request: LaunchRequest,
  files: FileView,
  environment: EnvironmentPlan,
): ProcessPlan {
  // A script may have replaced the command's words (`set -- …`).
  const args = environment.kind === "direct" ? environment.arguments : undefined;
  const asked = args === undefined ? request : { ...request, args };
  const oci = planOciProcess(asked, files, environment);
  if (oci !== undefined || args === undefined) return oci ?? planned;
  const again = planProcess(asked, files);
  return again.kind === "start" ? again.process : planned;
}

/** A tool that sets up GPUs makes files in the root (reference: runtime.md section 8.2). */
function withRoomFor(request: LaunchRequest, notices: Notice[]): LaunchRequest {
  if (request.writable || request.writableTmpfs || request.overlays.length > 0) return request;
  const text = "Setting --writable-tmpfs (required by nvidia-container-cli)";
  notices.push({ level: "info", text });
  return { ...request, writableTmpfs: true };
}

/** The program as another starts it. What that is to start must be there, unless it starts it by itself. */
function startUnder(
  program: ProcessPlan,
  { words, isWhole }: NonNullable<LaunchRequest["under"]>,
): ProcessPlan {
  const notFound = `"${words[0]}": executable file not found in $PATH`;
  if (isWhole) return { ...program, candidates: [{ argv: words, note: "" }], notFound };
  const candidates = program.candidates.map((c) => ({ ...c, argv: [...words, ...c.argv] }));
  return { ...program, candidates, notFound };
}

/** The root with its mount points; a layer that none of them needs is left out. */
function finishRoot(root: RootPlan, mountPoints: readonly MountPoint[], tree: FileView): RootPlan {
  if (root.layer === "none") return root;
  const isPlain = mountPoints.length === 0 && root.overlays.length === 0 && !root.tmpfsUpper;
  if (isPlain)
    return { ...root, layer: "none", why: "the image has every mount point, no layer is needed" };
  return {
    ...root,
    mountPoints,
    underlay: root.layer === "underlay" ? planUnderlay(mountPoints, tree) : [],
  };
}

/** Where the program starts (reference: runtime.md 4.3). */
function startDirectory(
  request: LaunchRequest,
  host: HostFacts,
  image: ImageFacts,
  home: string,
  files: MountTable,
): Plan["cwd"] {
  if (request.cwd !== undefined) {
    // PWD is made of it: `..` is only right for who knows where links lead.
    const up = request.cwd.split("/").includes("..") ? files.resolve(request.cwd) : undefined;
    const cwd = up?.entry === undefined ? cleanPath(request.cwd) : up.path;
    return { candidates: [cwd], fatal: true, why: request.origins["cwd"] ?? "--cwd" };
  }
  const own = image.oci?.workingDir ?? "";
  if (request.oci === true && request.contain && own !== "") {
    return { candidates: [cleanPath(`/${own}`)], fatal: true, why: "WORKDIR of the image" };
  }
  if (request.contain) {
    return {
      candidates: [home, "/"],
      fatal: false,
      why: `home: ${request.origins["contain"] ?? "--contain"}`,
    };
  }
  if (host.cwd === undefined) {
    return {
      candidates: [home, "/"],
      fatal: false,
      why: "the working directory does not exist any more",
    };
  }
  // The name the caller knows it by is kept where the container's links lead to the same place.
  const { logicalCwd } = host;
  const isKept =
    logicalCwd !== undefined &&
    logicalCwd !== host.cwd &&
    isSameFile(files.resolve(logicalCwd), files.resolve(host.cwd));
  return {
    candidates: [...new Set([isKept ? logicalCwd : host.cwd, home, "/"])],
    fatal: false,
    why: "the caller's working directory",
  };
}

/** Whether two paths of the container lead to one file: by links, or by two mounts of it. */
function isSameFile(a: Resolved, b: Resolved): boolean {
  if (a.entry === undefined || b.entry === undefined) return false;
  return a.path === b.path || (a.entry.id !== "" && a.entry.id === b.entry.id);
}
