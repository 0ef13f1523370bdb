import { elfFile } from "../elf-file.ts";
import { statFollow } from "../host-files.ts";
import { installLine } from "./_packages.ts";
import { describeTool, type ToolVersion, toolVersion } from "./_version.ts";
import type { Check, ProbeInput } from "./check.ts";

/** FUSE and the file servers that mount images with it. */
export async function probeFuse(input: ProbeInput): Promise<readonly Check[]> {
  const [ll, plain, ext3, overlay, crypt] = await Promise.all([
    toolVersion(input, "squashfuse_ll", ["--help"]),
    toolVersion(input, "squashfuse", ["--help"]),
    toolVersion(input, "fuse2fs", ["-V"]),
    toolVersion(input, "fuse-overlayfs"),
    toolVersion(input, "gocryptfs", ["-version"]),
  ]);
  return [
    deviceCheck(input),
    squashfuseCheck(ll, plain),
    optional(
      "fuse.fuse2fs",
      "fuse2fs",
      ext3,
      "ext3 images and ext3 overlays cannot be mounted by ordinary users",
    ),
    optional(
      "fuse.overlayfs",
      "fuse-overlayfs",
      overlay,
      "--writable-tmpfs and --overlay need the kernel's overlay alone; on some file systems that does not work",
    ),
    optional(
      "fuse.gocryptfs",
      "gocryptfs",
      crypt,
      "encrypted images cannot be opened by ordinary users",
    ),
  ];
}

function deviceCheck({ host }: ProbeInput): Check {
  const base = { id: "fuse.device", name: "/dev/fuse" };
  if (host.fuse) return { ...base, state: "ok", found: "can be opened" };
  const exists = statFollow("/dev/fuse") !== undefined;
  return {
    ...base,
    state: "limited",
    found: exists ? "may not be opened" : "not there",
    means:
      "images are unpacked into a temporary directory before they run, which takes time and space",
    remedy: exists
      ? "as root: chmod 666 /dev/fuse"
      : "as root: modprobe fuse (in a container: pass the device /dev/fuse)",
  };
}

function squashfuseCheck(ll: ToolVersion | undefined, plain: ToolVersion | undefined): Check {
  const base = { id: "fuse.squashfuse", name: "squashfuse" };
  const remedy = installLine("squashfuse_ll");
  if (ll !== undefined) {
    return { ...base, state: "ok", found: `squashfuse_ll ${describeTool(ll)}${libraryOf(ll)}` };
  }
  if (plain !== undefined) {
    const means = "squashfuse_ll is missing: squashfuse alone answers slower";
    return { ...base, state: "limited", found: describeTool(plain), means, remedy };
  }
  const means = "SIF images are unpacked into a temporary directory before they run";
  return { ...base, state: "limited", found: "not installed", means, remedy };
}

function optional(id: string, name: string, tool: ToolVersion | undefined, means: string): Check {
  if (tool === undefined)
    return { id, name, state: "limited", found: "not installed", means, remedy: installLine(name) };
  return { id, name, state: "ok", found: `${describeTool(tool)}${libraryOf(tool)}` };
}

/** ", libfuse3": by the versions of symbols it needs; a static program does not tell. */
function libraryOf({ path }: ToolVersion): string {
  const files = elfFile(path)?.needs.map((need) => need.file) ?? [];
  if (files.some((file) => file.startsWith("libfuse3."))) return ", libfuse3";
  return files.some((file) => file.startsWith("libfuse.so.2")) ? ", libfuse2" : "";
}
