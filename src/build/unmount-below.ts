import { readFileSync } from "node:fs";
import { isWithin } from "../base/path.ts";
import { realPath } from "../host/host-files.ts";

/**
 * Unmounts everything that is mounted on or below a directory, innermost first. Tools that make root
 * file systems mount /proc, /sys and /dev in them, and when they are killed it stays: removing the
 * tree would then go on in the host's own directories.
 *
 * @returns whether nothing is mounted there any more.
 */
export function unmountBelow(path: string): boolean {
  // The kernel lists mounts without symbolic links.
  const real = realPath(path);
  if (real === undefined) return true;
  const targets = mountsBelow(real);
  if (targets.length === 0) return true;
  for (const target of targets.reverse()) {
    Bun.spawnSync(["umount", "-l", "--", target], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
  }
  return mountsBelow(real).length === 0;
}

/** Mount points on or below a directory, in the order they were mounted. */
function mountsBelow(path: string): string[] {
  let text: string;
  try {
    text = readFileSync("/proc/self/mountinfo", "utf8");
  } catch {
    return [];
  }
  return text.split("\n").flatMap((line) => {
    const field = line.split(" ")[4];
    if (field === undefined) return [];
    const target = field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    return isWithin(path, target) ? [target] : [];
  });
}
