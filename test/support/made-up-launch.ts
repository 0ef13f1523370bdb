import { resolveIn } from "../../src/base/file-view.ts";
import { parseConfig } from "../../src/config/load.ts";
import type { Config, ConfigValues } from "../../src/plan/config.ts";
import { NO_CONTROLS } from "../../src/plan/controls.ts";
import type { HostFacts, ImageFacts } from "../../src/plan/facts.ts";
import { NO_GPU } from "../../src/plan/gpu-binds.ts";
import { type LaunchFacts, planLaunch } from "../../src/plan/launch.ts";
import type { Plan, PlannedMount } from "../../src/plan/plan.ts";
import type { LaunchRequest } from "../../src/plan/request.ts";
import { type MemoryNode, memoryView } from "./memory-view.ts";

/** A host with an account "ann" (1000), a home, a working directory /home/ann/run, and FUSE. */
export const HOST_TREE: Readonly<Record<string, MemoryNode>> = {
  "/home/ann/run": "dir",
  "/data": "dir",
  "/data/file": { file: "x" },
  "/tmp": "dir",
  "/var/tmp": "dir",
  "/proc": "dir",
  "/sys": "dir",
  "/dev/null": "char",
  "/dev/zero": "char",
  "/dev/random": "char",
  "/dev/urandom": "char",
  "/dev/tty": "char",
  "/etc/hosts": { file: "127.0.0.1 localhost\n" },
  "/usr/share/zoneinfo/UTC": { file: "TZ" },
  "/etc/localtime": { link: "/usr/share/zoneinfo/UTC" },
  "/etc/resolv.conf": { file: "nameserver 192.0.2.1\n" },
};

/** A small distribution image. */
export const IMAGE_TREE: Readonly<Record<string, MemoryNode>> = {
  "/bin/sh": { file: "" },
  "/dev": "dir",
  "/proc": "dir",
  "/sys": "dir",
  "/home": "dir",
  "/root": "dir",
  "/tmp": "dir",
  "/var/tmp": "dir",
  "/opt": "dir",
  "/etc/hosts": { file: "" },
  "/etc/resolv.conf": { file: "" },
  "/etc/passwd": { file: "root:x:0:0:root:/root:/bin/sh\n" },
  "/etc/group": { file: "root:x:0:\n" },
};

export function madeUpHost(
  changes: Partial<HostFacts> = {},
  tree: Readonly<Record<string, MemoryNode>> = HOST_TREE,
): HostFacts {
  const files = memoryView(tree, "host");
  const account = {
    name: "ann",
    uid: 1000,
    gid: 1000,
    gecos: "Ann",
    home: "/home/ann",
    shell: "/bin/bash",
  };
  return {
    uid: 1000,
    gid: 1000,
    groups: [1000, 50],
    account,
    groupName: (gid) => (gid === 1000 ? "ann" : gid === 50 ? "staff" : undefined),
    accountByName: () => undefined,
    accountByUid: () => undefined,
    cwd: "/home/ann/run",
    logicalCwd: "/home/ann/run",
    umask: 0o027,
    hostname: "node1",
    kernel: "6.1.0",
    kernelVersion: [6, 1],
    arch: "amd64",
    capabilities: 0,
    inUserNamespace: false,
    isRealRoot: false,
    env: { HOME: "/home/ann", PATH: "/usr/bin" },
    files,
    realPath: (path) => {
      const found = resolveIn(files, path);
      return found.entry === undefined ? undefined : found.path;
    },
    stdinIsTerminal: false,
    stderrIsTerminal: false,
    tool: (name) =>
      ["squashfuse_ll", "fuse2fs", "unsquashfs", "newuidmap", "newgidmap"].includes(name)
        ? `/usr/bin/${name}`
        : undefined,
    carriedTool: () => undefined,
    programHolds: () => true,
    subUids: [{ first: 100000, count: 65536 }],
    subGids: [{ first: 100000, count: 65536 }],
    mounts: [],
    fuse: true,
    hasBinfmt: () => false,
    ...changes,
  };
}

export function madeUpImage(
  changes: Partial<ImageFacts> = {},
  tree: Readonly<Record<string, MemoryNode>> = IMAGE_TREE,
): ImageFacts {
  return {
    path: "/img/deb.sif",
    format: "sif",
    rootKind: "squashfs",
    root: { kind: "squashfs", offsetBytes: 36864, sizeBytes: 4096 },
    arch: "amd64",
    overlays: [],
    parts: [],
    compression: "zstd",
    tree: memoryView(tree, "image"),
    writable: true,
    ...changes,
  };
}

const REQUEST: LaunchRequest = {
  action: "exec",
  calledAs: "skiff",
  args: ["true"],
  binds: [],
  mounts: [],
  home: undefined,
  noHome: false,
  noMount: [],
  overlays: [],
  writable: false,
  writableTmpfs: false,
  scratch: [],
  workdir: undefined,
  contain: false,
  containAll: false,
  cleanEnv: false,
  noEval: false,
  noUmask: false,
  noInit: false,
  env: [],
  noEnv: [],
  cwd: undefined,
  hostname: undefined,
  dns: undefined,
  net: false,
  network: undefined,
  networkArgs: [],
  limits: {},
  netnsPath: undefined,
  pid: false,
  noPid: false,
  ipc: false,
  uts: false,
  userns: false,
  fakeroot: false,
  ignoreSubuid: false,
  ignoreFakerootCommand: false,
  ignoreUserns: false,
  security: [],
  addCaps: undefined,
  dropCaps: undefined,
  keepPrivs: false,
  noPrivs: false,
  allowSetuid: false,
  underlay: false,
  unsquash: false,
  app: undefined,
  shell: undefined,
  runscriptTimeoutMs: 60_000,
  fusemounts: [],
  containLibs: [],
  sharens: false,
  shareRanks: undefined,
  instance: undefined,
  boot: false,
  origins: {},
};

export interface MadeUp {
  readonly request?: Partial<LaunchRequest>;
  readonly config?: Partial<ConfigValues>;
  readonly host?: HostFacts;
  readonly image?: ImageFacts;
  readonly volumes?: ReadonlyMap<string, ImageFacts>;
}

/** The plan of a made-up launch; texts of binds are given as written on the command line. */
export function planOf(parts: MadeUp = {}): Plan {
  const launch = planLaunch(madeUpFacts(parts));
  if (launch.kind !== "plan") throw new Error(`nothing to start: ${launch.note}`);
  return launch.plan;
}

export function madeUpFacts(parts: MadeUp): LaunchFacts {
  const defaults = parseConfig("bind path = /etc/localtime\nbind path = /etc/hosts\n", "test.conf");
  const config: Config = { ...defaults, values: { ...defaults.values, ...parts.config } };
  return {
    request: { ...REQUEST, ...parts.request },
    config,
    host: parts.host ?? madeUpHost(),
    image: parts.image ?? madeUpImage(),
    volumes: parts.volumes ?? new Map(),
    gpu: NO_GPU,
    controls: NO_CONTROLS,
    environment: { envFiles: [] },
    notices: [],
  };
}

/** A bind as `--bind TEXT` gives it. */
export function given(text: string): { text: string; origin: string } {
  return { text, origin: "--bind on the command line" };
}

/** Mounts in one line each: what, where, flags. */
export function mountLines(plan: Plan): string[] {
  return plan.mounts.map(mountLine);
}

function mountLine(m: PlannedMount): string {
  switch (m.kind) {
    case "bind":
      return `${m.target} <- ${m.source} ${m.flags.join(",")}`.trimEnd();
    case "kernel":
      return `${m.target} ${m.fstype}`;
    case "session-dir":
      return `${m.target} empty ${m.mode.toString(8)}`;
    case "staged-file":
      return `${m.target} staged`;
    case "libraries":
      return `${m.target} libraries ${m.files.map((f) => f.name).join(" ")}`;
    case "image-bind":
      return `${m.target} <- ${m.volume.path}:${m.dir} ${m.flags.join(",")}`;
    case "fuse":
      return `${m.target} served by ${m.command.join(" ")} ${m.where}`;
    case "minimal-dev":
      return `${m.target} minimal ${m.nodes.map((n) => n.path.slice(5)).join(" ")}`;
  }
}

/** Mount points that the launch makes in a layer of its own. */
export function mountPointPaths(plan: Plan): string[] {
  return plan.root.mountPoints.filter((s) => !s.exists).map((s) => s.path);
}
