import { encodeOsText } from "../base/os-text.ts";
import { addressOf, call, EINVAL, SYS } from "./_raw-call.ts";

/*
 * Mounts of this process's own namespace, by raw system calls; rules as in syscall.ts.
 */

const MNT_DETACH = 2;
/** The kernel takes one page of options. */
const OPTIONS_LIMIT_BYTES = 4096;

/** mount(2) of a new file system: 0, or minus the errno. */
export function mount(fstype: string, target: string, options: string): number {
  const texts = [fstype, target, fstype, options].map(cString);
  if ((texts[3]?.length ?? 0) > OPTIONS_LIMIT_BYTES) return -EINVAL;
  const [source = 0, at = 0, type = 0, data = 0] = texts.map((text) => addressOf(text));
  return call(SYS.mount, source, at, type, 0, data);
}

/** umount2(2): 0, or minus the errno; a mount in use is taken out of sight instead. */
export function unmount(target: string): number {
  const text = cString(target);
  const result = call(SYS.umount2, addressOf(text), 0);
  return result === 0 ? 0 : call(SYS.umount2, addressOf(text), MNT_DETACH);
}

function cString(text: string): Uint8Array {
  const bytes = encodeOsText(text);
  // Of an ArrayBuffer of its own: a small array is moved when its address is asked for.
  const out = new Uint8Array(new ArrayBuffer(bytes.length + 1));
  out.set(bytes);
  return out;
}
