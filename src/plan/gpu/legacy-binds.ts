import { baseName, dirName } from "../../base/path.ts";
import type { HostFacts } from "../facts.ts";
import type { DeviceFile, GpuBinds } from "../gpu-binds.ts";
import type { Notice } from "../plan.ts";
import { GlibcCheck } from "./glibc-check.ts";
import type { GpuFacts, GpuHost, HostLibrary } from "./gpu-facts.ts";
import type { GpuList } from "./gpu-list.ts";

/** `--nv` or `--rocm`: the driver's files by a list (reference: runtime.md sections 8.1 and 8.3). */
export interface LegacyRequest {
  readonly platform: "nv" | "rocm";
  readonly list: GpuList;
  /** What asked for it: "--nv" or a configuration line. */
  readonly why: string;
  /** `--writable`: missing targets cannot be made. */
  readonly writable: boolean;
}

export interface GpuOutcome {
  readonly binds: GpuBinds;
  readonly notices: readonly Notice[];
}

/** Where a container shows the libraries it was given; a container inside of it hands them on. */
const LIBRARY_DIRECTORY = "/.singularity.d/libs";
const PERSISTENCED_SOCKET = "/var/run/nvidia-persistenced/socket";

/** What a list names and the host has, and what of it can be loaded in the image. */
export function listedFiles(
  list: GpuList,
  why: string,
  host: HostFacts,
  facts: Pick<GpuFacts, "gpu" | "libc">,
): {
  readonly libraries: GpuBinds["libraries"];
  readonly files: readonly DeviceFile[];
  /** Paths of the libraries and programs that were found, whether they can be loaded or not. */
  readonly found: { readonly libraries: readonly string[]; readonly programs: readonly string[] };
  readonly check: GlibcCheck;
} {
  const check = new GlibcCheck(facts);
  const found = findLibraries(list.libraries, host, facts.gpu);
  const libraries = found
    .filter((path) => check.accepts(path))
    .map((path) => ({ name: baseName(path), source: path, why }));
  const programs = findPrograms(list.binaries, host);
  const files: DeviceFile[] = [
    ...programs
      .filter((path) => check.accepts(path))
      .map((path) => ({ source: path, target: `/usr/bin/${baseName(path)}`, readOnly: true, why })),
    ...list.files
      .filter((path) => host.realPath(path) !== undefined)
      .map((path) => ({ source: path, target: path, readOnly: true, why })),
  ];
  return { libraries, files, found: { libraries: found, programs }, check };
}

/** Libraries, programs, sockets and devices of the host's driver. Never fails: what is missing is left out. */
export function legacyBinds(
  request: LegacyRequest,
  host: HostFacts,
  facts: Pick<GpuFacts, "gpu" | "libc">,
): GpuOutcome {
  const { platform, why } = request;
  const { libraries, files: listed, found, check } = listedFiles(request.list, why, host, facts);
  const files = [...listed];
  if (platform === "nv" && host.realPath(PERSISTENCED_SOCKET) !== undefined) {
    files.push({ source: PERSISTENCED_SOCKET, target: PERSISTENCED_SOCKET, readOnly: false, why });
  }
  const devices = platform === "nv" ? nvidiaDevices(host) : rocmDevices(host);
  const lacks = (what: string): Notice => ({
    level: "warning",
    text: `Could not find any ${platform} ${what} on this host!`,
  });
  const hasGpu = platform === "nv" ? devices.length > 0 : devices.includes("/dev/kfd");
  const notices = [
    ...check.notices(platform),
    // Asked for on a machine without such a GPU ("always use nv" on a login node): silent, as the peers.
    ...(hasGpu && found.programs.length === 0 && request.list.binaries.length > 0
      ? [lacks("files")]
      : []),
    ...(hasGpu && found.libraries.length === 0 && request.list.libraries.length > 0
      ? [lacks("libraries")]
      : []),
    ...(request.writable && files.length > 0
      ? [{ level: "warning" as const, text: `${platform} files may not be bound with --writable` }]
      : []),
  ];
  return { binds: { libraries, files, devices, environment: [] }, notices };
}

/** Paths of the libraries that a list names, each library name once: the first that fits this machine. */
function findLibraries(words: readonly string[], host: HostFacts, gpu: GpuHost): readonly string[] {
  const byName = new Map<string, string>();
  const take = (name: string, path: string): void => {
    if (!byName.has(name) && gpu.elf(path)?.machine === gpu.machine) byName.set(name, path);
  };
  for (const name of host.files.list(LIBRARY_DIRECTORY) ?? []) {
    if (name.includes(".so")) take(name, `${LIBRARY_DIRECTORY}/${name}`);
  }
  if (words.length === 0) return [...byName.values()];
  // One pass over the thousands of names, then each word over the few that are left.
  const stems = words.filter((word) => !word.startsWith("/"));
  const isWanted = new RegExp(`^(?:${stems.map((stem) => stem.replace(/\W/g, "\\$&")).join("|")})`);
  const cached = inOrder(
    stems.length === 0 ? [] : gpu.libraries.filter(({ name }) => isWanted.test(name)),
  );
  for (const word of words) {
    if (word.startsWith("/")) {
      for (const path of withLinks(word, host)) take(baseName(path), path);
      continue;
    }
    for (const { name, path } of cached) if (name.startsWith(word)) take(name, path);
  }
  return [...new Map([...byName.values()].map((path) => [baseName(path), path])).values()];
}

/** Entries for special processors last: the first of a name is taken, and it must run anywhere. */
function inOrder(libraries: readonly HostLibrary[]): readonly HostLibrary[] {
  return [...libraries.filter((l) => !l.special), ...libraries.filter((l) => l.special)];
}

/** A library file and the links beside it that lead to it: programs ask for libx.so.1, the file is libx.so.1.2.3. */
function withLinks(path: string, host: HostFacts): readonly string[] {
  const real = host.realPath(path);
  if (real === undefined) return [];
  const directory = dirName(path);
  const stem = baseName(path).split(".so")[0] ?? "";
  const links = (host.files.list(directory) ?? [])
    .filter((name) => name.startsWith(`${stem}.so`) && name !== baseName(path))
    .map((name) => `${directory}/${name}`)
    .filter((other) => host.files.lstat(other)?.kind === "symlink")
    .filter((other) => host.realPath(other) === real);
  return [path, ...links];
}

function findPrograms(names: readonly string[], host: HostFacts): readonly string[] {
  const paths = names.map((name) => host.tool(name)).filter((path) => path !== undefined);
  return [...new Set(paths)];
}

function nvidiaDevices(host: HostFacts): readonly string[] {
  return (host.files.list("/dev") ?? [])
    .filter((name) => name.startsWith("nvidia"))
    .map((name) => `/dev/${name}`);
}

function rocmDevices(host: HostFacts): readonly string[] {
  return ["/dev/dri", "/dev/kfd"].filter((path) => host.files.lstat(path) !== undefined);
}
