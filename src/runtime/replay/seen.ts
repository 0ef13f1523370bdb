import type { LaunchKey } from "../../host/launcher-note.ts";
import {
  close,
  O_CREAT,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  open,
  pread,
  pwrite,
} from "../../host/syscall.ts";
import { makeRecordDirectory } from "./record-directory.ts";

const SEEN_BYTES = 8;
const SEEN_MOST = 512;

/** Whether the key was asked for before. */
export function wasSeen(key: LaunchKey): boolean {
  return placeInRing(readRing(key.dir), key) === undefined;
}

/** Notes that the key was asked for, in a ring of short hashes. */
export function noteSeen(key: LaunchKey): void {
  if (!makeRecordDirectory(key.dir)) return;
  const place = placeInRing(readRing(key.dir), key);
  if (place === undefined) return;
  const fd = open(`${key.dir}/seen`, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  if (fd < 0) return;
  pwrite(fd, shortOf(key), place);
  close(fd);
}

function readRing(dir: string): Uint8Array {
  const ring = new Uint8Array(SEEN_BYTES * SEEN_MOST);
  const fd = open(`${dir}/seen`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return ring.subarray(0, 0);
  const filled = pread(fd, ring, 0);
  close(fd);
  return ring.subarray(0, Math.max(0, filled));
}

const shortOf = (key: LaunchKey): Uint8Array =>
  Uint8Array.fromHex(key.name.slice(0, 2 * SEEN_BYTES));

/** Where in the ring the key is to be put; undefined when it is there. A full ring is started anew at a place that the key itself picks. */
function placeInRing(ring: Uint8Array, key: LaunchKey): number | undefined {
  const short = shortOf(key);
  const slots = Math.floor(ring.length / SEEN_BYTES);
  for (let slot = 0; slot < slots; slot++) {
    if (short.every((byte, i) => ring[slot * SEEN_BYTES + i] === byte)) return undefined;
  }
  const picked = ((short[0] ?? 0) * 256 + (short[1] ?? 0)) % SEEN_MOST;
  return SEEN_BYTES * (slots < SEEN_MOST ? slots : picked);
}
