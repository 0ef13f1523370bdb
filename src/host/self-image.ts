import { HEAD_BYTES, imageOffset } from "../format/self-run/mark.ts";
import { launcherNote } from "./launcher-note.ts";
import { close, O_RDONLY, open, pread } from "./syscall.ts";

/** Where in this program's own file an image begins, in bytes; 0: it carries none. */
export function selfImageOffset(): number {
  // Where the launcher found no memory for its note the file tells.
  return launcherNote()?.imageOffset ?? offsetInFile();
}

function offsetInFile(): number {
  const self = open("/proc/self/exe", O_RDONLY);
  if (self < 0) return 0;
  const head = new Uint8Array(HEAD_BYTES);
  const count = pread(self, head, 0);
  close(self);
  return count === HEAD_BYTES ? imageOffset(head) : 0;
}
