import { Fault } from "../../base/fault.ts";
import { resolveIn } from "../../base/file-view.ts";
import { isWithin } from "../../base/path.ts";
import type { BindSpec } from "../bind-spec.ts";
import type { ImageFacts, ImagePart } from "../facts.ts";
import { chooseMounter } from "../mounter.ts";
import type { MountFlag } from "../plan.ts";
import { addCoveredHome } from "./home.ts";
import { bindHost } from "./host-bind.ts";
import type { MountInput } from "./mount-input.ts";
import { BIND_FLAGS, type MountList } from "./mount-list.ts";
import { hasMinimalDev } from "./system.ts";

const LIBS = "/.singularity.d/libs";

/** Number of directories on the way to a destination. */
function depthOf({ target }: Pick<BindSpec, "target">): number {
  return target.split("/").filter((part) => part !== "" && part !== ".").length;
}

/**
 * Binds of --bind and --mount, command line first (reference: runtime.md 4.5), and the home where one of
 * them covers it. Whatever their order there, a directory comes before what is bound into it.
 */
export function addUserBinds(list: MountList, input: MountInput): void {
  const { host } = input;
  const binds = [...input.binds].sort((a, b) => depthOf(a) - depthOf(b));
  const done = new Set<string>();
  // The home comes in the same order: after what covers it, before what is bound into it.
  const inHome = binds.find((bind) => depthOf(bind) > depthOf(input.home));
  for (const bind of binds) {
    if (bind === inHome) addCoveredHome(list, input);
    if (!bind.target.startsWith("/")) {
      throw new Fault(
        "usage",
        `unable to add ${bind.source} to mount list: destination must be an absolute path, not "${bind.target}"`,
        { exitCode: 255, hint: `write ${bind.source}:/absolute/path` },
      );
    }
    // As it is written: a second name of the same place covers what the first put there.
    if (done.has(bind.target)) {
      list.notices.push({
        level: "warning",
        text: `While bind mounting '${bind.source}:${bind.target}': destination is already in the mount point list`,
      });
      continue;
    }
    done.add(bind.target);
    const target = list.table.resolve(bind.target).path;
    if (target === "/") {
      list.notices.push({
        level: "warning",
        text: `Skipping bind of ${bind.source} on ${bind.target}: the image is there`,
      });
      continue;
    }
    if (bind.imageSrc !== undefined || bind.id !== undefined) {
      addImageBind(list, input, bind);
      continue;
    }
    if (bind.source.startsWith("/dev/") && hasMinimalDev(input)) continue;
    if (isWithin("/dev", bind.source) && isWithin("/dev", target) && bind.source !== bind.target) {
      list.notices.push({
        level: "warning",
        text: `Skipping ${bind.source} bind mount: source and destination must be identical when binding to /dev`,
      });
      continue;
    }
    // The whole /dev was asked for; it stands already.
    if (bind.source === "/dev" && bind.target === "/dev" && !bind.readOnly) continue;
    if (isWithin(LIBS, bind.target) && bind.target !== LIBS) continue;
    // Device nodes only work without nodev, as on the host.
    const isDevice = isWithin("/dev", bind.source);
    const flags: MountFlag[] = isDevice ? ["nosuid"] : [...BIND_FLAGS];
    if (bind.readOnly) flags.unshift("ro");
    bindHost(list, host, { source: bind.source, target: bind.target, flags, why: bind.origin });
  }
  if (inHome === undefined) addCoveredHome(list, input);
}

/** Libraries that binds put below /.singularity.d/libs. */
export function libraryBinds(input: MountInput): { name: string; source: string; why: string }[] {
  return input.binds
    .filter((b) => b.imageSrc === undefined && isWithin(LIBS, b.target) && b.target !== LIBS)
    .map((b) => ({ name: b.target.slice(LIBS.length + 1), source: b.source, why: b.origin }));
}

function addImageBind(list: MountList, input: MountInput, bind: BindSpec): void {
  const { host, volumes, namespaces } = input;
  const file = volumes.get(bind.source);
  if (file === undefined) {
    throw new Fault(
      "not-found",
      `while loading data bind images: failed to load data image ${bind.source}: no such file or directory`,
      { hint: "check the path before image-src" },
    );
  }
  const dir = bind.imageSrc ?? "/";
  if (file.format === "directory") {
    throw new Fault(
      "invalid",
      `Cannot bind from "${bind.source}": it is a directory, not an image file`,
      {
        hint: `bind ${bind.source}${dir} itself`,
      },
    );
  }
  const part = dataPart(file, bind);
  // The tree is that of one partition; of others it is not known what they hold.
  const isOfTree = part.offsetBytes === file.root.offsetBytes;
  const entry = isOfTree ? resolveIn(file.tree, dir).entry : undefined;
  if (isOfTree && entry === undefined) {
    throw new Fault(
      "not-found",
      `Cannot bind ${dir} of ${bind.source} on ${bind.target}: no such file or directory in that image`,
      { hint: "check the path after image-src=" },
    );
  }
  const isDir = entry === undefined || entry.kind === "dir";
  const fstype = part.kind === "ext3" ? "ext3" : "squashfs";
  const place = list.place(bind.target, {
    kind: isDir ? "dir" : "file",
    what: `${bind.source}:${dir}`,
  });
  if (place === undefined) return;
  const readOnly = bind.readOnly || fstype === "squashfs" || !file.writable;
  list.add(
    {
      kind: "image-bind",
      target: place.target,
      volume: {
        path: bind.source,
        fstype,
        offsetBytes: part.offsetBytes,
        sizeBytes: part.sizeBytes,
        writable: !readOnly,
        mounter: chooseMounter(fstype, bind.source, host, {
          userNamespace: namespaces.user,
          unpack: false,
        }),
        why: bind.origin,
      },
      dir,
      isDir,
      flags: readOnly ? ["ro", ...BIND_FLAGS] : [...BIND_FLAGS],
      why: bind.origin,
    },
    file.tree,
    dir,
  );
}

function dataPart(file: ImageFacts, bind: BindSpec): ImagePart {
  if (file.format !== "sif") return file.root;
  // By id any partition can be had; without one only data.
  const part =
    bind.id === undefined
      ? file.parts.find((p) => p.kind === "squashfs" || p.kind === "ext3")
      : [...file.parts, ...file.overlays, file.root].find((p) => p.id === bind.id);
  if (part === undefined || (part.kind !== "squashfs" && part.kind !== "ext3")) {
    throw new Fault(
      "not-found",
      bind.id === undefined
        ? `no data partition found in ${bind.source}`
        : `no data partition with id ${bind.id} found in ${bind.source}`,
      { hint: `list the objects with: sif list ${bind.source}` },
    );
  }
  return part;
}

/** /.singularity.d/libs and the single files that devices need (reference: runtime.md section 8). */
export function addDeviceFiles(list: MountList, input: MountInput): void {
  const { gpu, host, request } = input;
  const files = [...gpu.libraries, ...libraryBinds(input), ...input.fakerootFiles];
  for (const source of request.containLibs) {
    const name = source.slice(source.lastIndexOf("/") + 1);
    files.push({ name, source, why: request.origins["containlibs"] ?? "--containlibs" });
  }
  const present = files.filter((f) => {
    if (host.realPath(f.source) !== undefined) return true;
    list.notices.push({
      level: "warning",
      text: `Skipping library ${f.source}: it does not exist on this host`,
    });
    return false;
  });
  if (present.length > 0) {
    const place = list.place(LIBS, { kind: "dir", what: "host libraries", optional: "libs" });
    if (place !== undefined) {
      list.add(
        {
          kind: "libraries",
          target: place.target,
          files: present.map((f) => ({ ...f, source: host.realPath(f.source) ?? f.source })),
          why: present[0]?.why ?? "",
        },
        undefined,
        LIBS,
      );
    }
  }
  for (const file of gpu.files) {
    bindHost(list, host, {
      source: file.source,
      target: file.target,
      flags: file.readOnly ? ["ro", ...BIND_FLAGS] : BIND_FLAGS,
      why: file.why,
      optional: "files",
    });
  }
}
