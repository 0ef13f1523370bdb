import { hostFiles, realPath } from "./host-files.ts";

const files = hostFiles();
const decoder = new TextDecoder();

/**
 * Text of a file of this machine, symbolic links followed; "" when it is missing, unreadable or no
 * regular file. Meant for tables below /etc and /proc, where those mean the same: nothing is known.
 */
export function readHostText(path: string): string {
  const bytes = files.read(path) ?? readBehindLink(path);
  return bytes === undefined ? "" : decoder.decode(bytes);
}

function readBehindLink(path: string): Uint8Array | undefined {
  const real = realPath(path);
  return real === undefined || real === path ? undefined : files.read(real);
}
