import { dirName } from "../base/path.ts";
import { access, F_OK, readlink } from "../host/syscall.ts";

let binary: string | undefined;

/** Path of the running binary. */
export function ownBinary(): string {
  binary ??= readlink("/proc/self/exe") ?? "";
  return binary;
}

/** Directory above the one that holds the binary: `/usr/local` for /usr/local/bin/skiff; "" when unknown. */
export function installPrefix(): string {
  const path = ownBinary();
  return path === "" ? "" : dirName(dirName(path));
}

/**
 * A helper program installed with skiff: `libexec/skiff/NAME` beside the binary (a build tree) or in
 * the prefix (an installation). Absent when the binary stands alone: then the embedded copy serves.
 */
export function installedHelper(name: string): string | undefined {
  const dir = dirName(ownBinary());
  // Only above a "bin": elsewhere the helpers of another version may stand.
  for (const base of dir.endsWith("/bin") ? [dir, dirName(dir)] : [dir]) {
    const path = `${base === "/" ? "" : base}/libexec/skiff/${name}`;
    if (access(path, F_OK) === 0) return path;
  }
  return undefined;
}

/** The table of granted capabilities: beside the configuration file, or where that would be. */
export function grantsFile(configFile: string | undefined): string {
  const prefix = installPrefix();
  const isOwn = prefix !== "" && prefix !== "/" && prefix !== "/usr";
  const beside = configFile ?? `${isOwn ? prefix : ""}/etc/skiff/skiff.conf`;
  return `${dirName(beside.startsWith("/") ? beside : `/proc/self/cwd/${beside}`)}/capability.json`;
}
