import type { MountInfo } from "../plan/facts.ts";

/**
 * The lines of /proc/self/mountinfo:
 *
 *   36 35 98:0 /root /target ro,noatime shared:1 - ext4 /dev/sda1 rw,errors=continue
 *   0  1  2    3     4       5          6...     - type source    super options
 *
 * Blank, tab, newline and backslash in a path are written as octal escapes (proc_pid_mountinfo(5)).
 * Lines that break this shape are left out.
 */
export function parseMountinfo(text: string): readonly MountInfo[] {
  const mounts: MountInfo[] = [];
  for (const line of text.split("\n")) {
    const cut = line.indexOf(" - ");
    if (cut < 0) continue;
    const [, , , root, target, options] = line.slice(0, cut).split(" ");
    const [fstype, source, superOptions] = line.slice(cut + 3).split(" ");
    if (root === undefined || target === undefined || options === undefined) continue;
    mounts.push({
      target: decodeOctal(target),
      fstype: decodeOctal(fstype ?? ""),
      source: decodeOctal(source ?? ""),
      root: decodeOctal(root),
      options: options.split(","),
      superOptions: decodeOctal(superOptions ?? "").split(","),
    });
  }
  return mounts;
}

function decodeOctal(field: string): string {
  if (!field.includes("\\")) return field;
  return field.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
