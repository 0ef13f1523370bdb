import { Fault } from "../../base/fault.ts";
import { baseName, cleanPath, dirName, isWithin } from "../../base/path.ts";
import type { HostFacts } from "../facts.ts";
import type { DeviceFile, GpuBinds } from "../gpu-binds.ts";
import type { Notice } from "../plan.ts";
import type { CdiDevice, CdiSelection } from "./cdi-devices.ts";
import { type HookIntent, readHooks } from "./cdi-hooks.ts";
import type { CdiMount } from "./cdi-spec.ts";
import { GlibcCheck } from "./glibc-check.ts";
import type { GpuFacts, GpuHost } from "./gpu-facts.ts";
import type { GpuOutcome } from "./legacy-binds.ts";

type Library = GpuBinds["libraries"][number];

/**
 * What CDI devices ask for, as binds and variables. Hooks are not run: what NVIDIA's hooks are for,
 * library names and links, is had by binding the libraries under these names below
 * /.singularity.d/libs; other hooks are named in a notice.
 *
 * @throws Fault when a file or device node of a specification is not on this host.
 */
export function cdiBinds(
  selection: CdiSelection,
  host: HostFacts,
  facts: Pick<GpuFacts, "gpu" | "libc">,
): GpuOutcome {
  const check = new GlibcCheck(facts);
  const all = [...selection.common, ...selection.devices];
  const notices: Notice[] = [];
  const files = new Map<string, DeviceFile>();
  for (const device of all) {
    for (const mount of device.edits.mounts) {
      if (mount.type !== "" && mount.type !== "bind") {
        const text = `Not mounting the ${mount.type} of "${device.name}" on ${mount.containerPath}: only binds are made`;
        notices.push({ level: "warning", text });
        continue;
      }
      requirePath(device, mount.hostPath, host);
      if (!check.accepts(mount.hostPath)) continue;
      const target = cleanPath(mount.containerPath);
      if (!files.has(target)) files.set(target, bindOf(mount, target, whyOf(device)));
    }
  }
  const intent = readHooks(all.flatMap((device) => device.edits.hooks));
  const libraries = librariesOf([...files.values()], intent, facts.gpu);
  for (const file of linksOf(intent, files, libraries)) files.set(file.target, file);

  const devices: string[] = [];
  for (const device of all) {
    for (const node of device.edits.deviceNodes) {
      requirePath(device, node.hostPath, host);
      const target = cleanPath(node.path);
      if (node.hostPath === node.path && isWithin("/dev", target)) devices.push(target);
      else {
        files.set(target, { source: node.hostPath, target, readOnly: false, why: whyOf(device) });
      }
    }
  }
  if (intent.ignored.length > 0) {
    const text = `Not running the hooks of CDI devices: ${[...new Set(intent.ignored)].join("; ")}`;
    notices.push({ level: "warning", text });
  }
  return {
    binds: {
      libraries,
      files: [...files.values()],
      devices: [...new Set(devices)],
      environment: environmentOf(all),
    },
    notices: [...notices, ...check.notices("CDI")],
  };
}

function bindOf(mount: CdiMount, target: string, why: string): DeviceFile {
  return { source: mount.hostPath, target, readOnly: mount.options.includes("ro"), why };
}

function whyOf(device: CdiDevice): string {
  return `--device ${device.name} (${device.file})`;
}

/** A missing path is a fault: the program would fail later and less clearly. */
function requirePath(device: CdiDevice, path: string, host: HostFacts): void {
  if (host.realPath(path) !== undefined) return;
  const why = `${path} is not on this host`;
  throw new Fault("not-found", `Cannot add the device "${device.name}": ${why}`, {
    hint: `make the specification ${device.file} anew if the driver has changed since`,
  });
}

/** Of several values of one variable the last counts: a device's over its file's. */
function environmentOf(devices: readonly CdiDevice[]): GpuBinds["environment"] {
  const variables = new Map<string, string>();
  for (const pair of devices.flatMap((device) => device.edits.env)) {
    const cut = pair.indexOf("=");
    variables.set(pair.slice(0, cut), pair.slice(cut + 1));
  }
  return [...variables].map(([name, value]) => ({ name, value }));
}

/** Libraries in the folders that the linker's cache should cover, by the name programs ask for. */
function librariesOf(
  files: readonly DeviceFile[],
  intent: HookIntent,
  gpu: GpuHost,
): readonly Library[] {
  const libraries = new Map<string, Library>();
  for (const file of files) {
    const isCovered = intent.libraryFolders.some(
      (folder) => cleanPath(folder) === dirName(file.target),
    );
    if (!isCovered || !baseName(file.target).includes(".so")) continue;
    const elf = gpu.elf(file.source);
    if (elf === undefined || elf.machine !== gpu.machine) continue;
    const name = baseName(elf.soname ?? file.target);
    if (!libraries.has(name)) libraries.set(name, { name, source: file.source, why: file.why });
  }
  for (const { path, target } of intent.links) {
    const isCovered = intent.libraryFolders.some((folder) => cleanPath(folder) === dirName(path));
    const library = libraries.get(baseName(target));
    const name = baseName(path);
    if (isCovered && library !== undefined && !libraries.has(name)) {
      libraries.set(name, { ...library, name });
    }
  }
  return [...libraries.values()];
}

/** Links outside of the library folders (plug-in directories), as binds of what they lead to. */
function linksOf(
  intent: HookIntent,
  files: ReadonlyMap<string, DeviceFile>,
  libraries: readonly Library[],
): readonly DeviceFile[] {
  return intent.links.flatMap(({ path, target }) => {
    const isCovered = intent.libraryFolders.some((folder) => cleanPath(folder) === dirName(path));
    if (isCovered || files.has(path)) return [];
    const library = libraries.find(({ name }) => name === baseName(target));
    const source = files.get(target)?.source ?? library?.source;
    const why = files.get(target)?.why ?? library?.why ?? "";
    return source === undefined ? [] : [{ source, target: path, readOnly: true, why }];
  });
}
