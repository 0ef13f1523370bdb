import { mkdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { errnoText } from "../../base/errno-text.ts";
import { Fault } from "../../base/fault.ts";
import { isWithin } from "../../base/path.ts";
import { descriptorName } from "../../format/sif/descriptor.ts";
import { hostFacts } from "../../host/facts.ts";
import { imageHost } from "../../host/image-host.ts";
import { lstat, mkdir } from "../../host/syscall.ts";
import { type ImageFile, openImageFile } from "../../image/image-file.ts";
import { openOciSif, readOciImage } from "../../image/ocisif/open-oci-sif.ts";
import { isLayered, openTree } from "../../image/open.ts";
import type { HostFacts, ImagePart } from "../../plan/facts.ts";
import { bundleSpec } from "../../plan/oci/bundle-spec.ts";
import { type ImageConfig, imageProgram } from "../../plan/oci/image-program.ts";

/*
 *   BUNDLE/config.json
 *   BUNDLE/rootfs          the image under a writable layer
 *   BUNDLE/overlay/{upper,work}
 *   BUNDLE/volumes         for mounts of the user's
 */
const FOLDERS = ["rootfs", "overlay", "overlay/upper", "overlay/work", "volumes"];
const MODE = 0o700;
const EEXIST = -17;

/**
 * Makes a bundle of an image: its root file system below a writable layer, and a configuration that
 * runs it. Root mounts it; for an ordinary user it is unpacked.
 *
 * @throws Fault for an image that cannot be used; the bundle is then gone again.
 */
export function mountBundle(image: string, bundle: string, host: HostFacts): void {
  const file = open(image);
  const root = isLayered(file) ? onlyLayer(file) : file.root;
  if (root === undefined) {
    throw new Fault("invalid", `failed to load SIF image ${image}: no root filesystem found`);
  }
  const { tree } = openTree(file, root, imageHost);
  const program = imageProgram(configOf(file), tree);
  const made = mkdir(bundle, MODE);
  if (made < 0 && made !== EEXIST) {
    throw new Fault("io", `failed to create ${bundle}: ${errnoText(-made)}`);
  }
  if (lstat(`${bundle}/rootfs`) !== undefined || lstat(`${bundle}/overlay`) !== undefined) {
    throw new Fault("exists", `failed to create overlay: ${bundle}/overlay: file exists`, {
      hint: `"oci umount ${bundle}" takes the bundle apart`,
    });
  }
  try {
    for (const folder of FOLDERS) mkdirSync(`${bundle}/${folder}`, { mode: MODE });
    if (host.isRealRoot) mountByKernel(file, root, bundle);
    else unpack(file, root, bundle, host);
    const owner = host.isRealRoot ? undefined : { uid: host.uid, gid: host.gid };
    const spec = bundleSpec(`${bundle}/rootfs`, program, owner, host.arch);
    writeFileSync(`${bundle}/config.json`, `${JSON.stringify(spec, undefined, "\t")}\n`, {
      mode: 0o600,
    });
  } catch (error) {
    takeApart(bundle, host);
    throw error;
  }
}

/** The root of an OCI-SIF of one layer. */
function onlyLayer(file: ImageFile): ImagePart {
  const image = openOciSif(file, imageHost);
  if (image.overlays.length === 0) return image.root;
  const count = image.overlays.length + 1;
  throw new Fault("unsupported", `Cannot make a bundle of "${file.path}": it has ${count} layers`, {
    hint: "pull the image without --keep-layers, or build a SIF of it",
  });
}

function open(image: string): ImageFile {
  try {
    return openImageFile(image, imageHost);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new Fault(error.code, `failed to load SIF image ${image}: ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

function configOf(file: ImageFile): ImageConfig | undefined {
  const { sif, source } = file;
  if (isLayered(file)) {
    const { cmd, entrypoint, env, user, workingDir } = readOciImage(file).config;
    return { Cmd: cmd, Entrypoint: entrypoint, Env: env, User: user, WorkingDir: workingDir };
  }
  const object = sif?.objects.find((one) => descriptorName(one) === "oci-config.json");
  if (object === undefined) return undefined;
  try {
    const text = new TextDecoder().decode(source.read(object.offset, object.sizeBytes));
    return JSON.parse(text) as ImageConfig;
  } catch {
    // The runscript says the same.
    return undefined;
  }
}

function layerOptions(bundle: string): string {
  const escaped = bundle.replaceAll(/[\\:,]/g, "\\$&");
  const at = `${escaped}/overlay`;
  return `lowerdir=${escaped}/rootfs,upperdir=${at}/upper,workdir=${at}/work`;
}

function mountByKernel(file: ImageFile, root: ImagePart, bundle: string): void {
  const rootfs = `${bundle}/rootfs`;
  if (file.format === "directory") {
    run(["mount", "--bind", file.path, rootfs], file.path);
  } else {
    if (root.kind !== "squashfs" && root.kind !== "ext3") throw cannotMount(file.path, root.kind);
    const type = root.kind === "ext3" ? ["ext4", "ro,noload"] : ["squashfs", "ro"];
    const loop = `loop,offset=${root.offsetBytes},sizelimit=${root.sizeBytes},nodev`;
    run(["mount", "-t", type[0] ?? "", "-o", `${type[1]},${loop}`, file.path, rootfs], file.path);
  }
  run(["mount", "-t", "overlay", "-o", layerOptions(bundle), "overlay", rootfs], file.path);
}

/** Mounts of a user's end with a namespace, and a bundle outlives it. */
function unpack(file: ImageFile, root: ImagePart, bundle: string, host: HostFacts): void {
  if (root.kind !== "squashfs") throw cannotMount(file.path, root.kind);
  const unsquashfs = host.tool("unsquashfs");
  if (unsquashfs === undefined) {
    throw new Fault("missing-tool", `Cannot unpack "${file.path}": unsquashfs is not installed`, {
      hint: "install the package squashfs-tools",
    });
  }
  const words = ["-no-progress", "-quiet", "-force", "-user-xattrs"];
  const from = ["-o", String(root.offsetBytes), "-d", `${bundle}/rootfs`, file.path];
  // Device nodes cannot be made: status 2 is a warning.
  run([unsquashfs, ...words, ...from], file.path, [0, 2]);
}

function cannotMount(path: string, kind: string): Fault {
  return new Fault(
    "unsupported",
    `Cannot make a bundle of "${path}": its root is of kind ${kind}`,
    {
      hint: "use an image whose root partition is plain SquashFS",
    },
  );
}

function run(argv: readonly string[], image: string, good: readonly number[] = [0]): void {
  const done = Bun.spawnSync([...argv], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  if (good.includes(done.exitCode)) return;
  const said = done.stderr.toString().trim().split("\n").at(-1) ?? "";
  throw new Fault("failed", `Cannot mount "${image}": ${argv[0]}: ${said}`);
}

/** Takes apart what `mountBundle` made. Throws a Fault for a directory that is no such bundle. */
export function unmountBundle(bundle: string, host: HostFacts): void {
  if (lstat(`${bundle}/rootfs`) === undefined) {
    throw new Fault(
      "not-found",
      `delete error: failed to unmount ${bundle}/rootfs: no such file or directory`,
    );
  }
  const left = takeApart(bundle, host);
  if (left === undefined) return;
  throw new Fault("failed", `delete error: failed to unmount ${left}: device or resource busy`, {
    hint: "end the container that uses the bundle first",
  });
}

/** Gives a mount that could not be taken away. Files are only removed when nothing is mounted any more. */
function takeApart(bundle: string, host: HostFacts): string | undefined {
  const real = host.realPath(bundle) ?? bundle;
  for (;;) {
    // Facts are read once: mounts that change need new ones.
    const mounts = hostFacts({ binaryPath: "$PATH", env: host.env }).mounts;
    const top = mounts.findLast((mount) => isWithin(real, mount.target));
    if (top === undefined) break;
    const done = Bun.spawnSync(["umount", "--", top.target], {
      ...{ stdin: "ignore", stdout: "ignore", stderr: "ignore" },
    });
    if (done.exitCode !== 0) return top.target;
  }
  // Directories of an unpacked image may be closed to their owner.
  Bun.spawnSync(["chmod", "-R", "u+rwX", "--", bundle], { stderr: "ignore" });
  for (const name of ["rootfs", "overlay", "volumes", "config.json"]) {
    rmSync(`${bundle}/${name}`, { recursive: true, force: true });
  }
  try {
    rmdirSync(bundle);
  } catch {
    // Something of the user's is in it: that stays.
  }
  return undefined;
}
