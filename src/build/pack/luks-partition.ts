import { closeSync, fsyncSync, openSync, readdirSync, statfsSync, truncateSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { dirName } from "../../base/path.ts";
import { readSuperblock } from "../../format/squashfs/superblock.ts";
import { descriptorSource } from "../../host/open-file.ts";
import {
  attachPart,
  cryptsetupFault,
  keyDescriptor,
  openDevice,
  withoutKeys,
} from "../../runtime/luks/open-luks.ts";
import type { BuildPorts } from "../stage.ts";
import { packSquashfs, type SquashfsInput } from "./squashfs.ts";

/** What a new LUKS2 volume begins with: two headers and the room for key slots. */
const HEADER_BYTES = 16 * 1024 * 1024;
const SECTOR_BYTES = 4096;
const RELEASE_TIMEOUT_MS = 30_000;

/**
 * A random key of 64 bytes cannot be guessed, so deriving another from it need not be slow; with the
 * default every start of the image would take two seconds of a processor and up to 1 GiB of memory.
 */
const FAST_DERIVATION = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"];

/** The bytes that open the volume; `isRandom`: made by a random generator, not thought of by somebody. */
export interface LuksKey {
  readonly bytes: Uint8Array;
  readonly isRandom: boolean;
}

/**
 * Packs a root as a LUKS2 volume that holds a SquashFS (sif.md section 11), as root:
 *
 *   mksquashfs ─► device ─ dm-crypt ─► loop device ─► target, from its offset on
 *
 * The file system is written through the kernel's cipher into its place: it is in clear nowhere but in
 * memory, and nothing is copied.
 */
export async function packLuks(
  input: SquashfsInput,
  key: LuksKey,
  ports: BuildPorts,
): Promise<void> {
  const { target, offsetBytes } = input;
  const cryptsetup = ports.tool("cryptsetup");
  if (cryptsetup === undefined) {
    throw new Fault("missing-tool", "while encrypting: cryptsetup is not in PATH", {
      hint: "install the package cryptsetup-bin",
    });
  }
  closeSync(openSync(target, "a"));
  // The image cannot become larger than what is free; holes take no room.
  const { bavail, bsize } = statfsSync(dirName(target));
  const roomBytes = Math.floor((bavail * bsize) / SECTOR_BYTES) * SECTOR_BYTES;
  truncateSync(target, offsetBytes + HEADER_BYTES + roomBytes);
  const loop = attachPart({ path: target, offsetBytes, sizeBytes: 0, writable: true });
  let usedBytes = 0;
  try {
    await format(cryptsetup, loop.path, key, ports.signal);
    const device = await openDevice(cryptsetup, loop.path, true, key.bytes);
    try {
      const path = `/proc/${process.pid}/fd/${device}`;
      await packSquashfs({ ...input, target: path, offsetBytes: 0 });
      usedBytes = readSuperblock(descriptorSource(device, target, roomBytes)).usedBytes;
      fsyncSync(device);
    } finally {
      closeSync(device);
      await released(loop.path);
    }
  } finally {
    closeSync(loop.fd);
  }
  const wholeBytes = Math.ceil(usedBytes / SECTOR_BYTES) * SECTOR_BYTES;
  truncateSync(target, offsetBytes + HEADER_BYTES + wholeBytes);
}

async function format(
  cryptsetup: string,
  device: string,
  key: LuksKey,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const keyFd = keyDescriptor(key.bytes);
  const words = ["luksFormat", "--batch-mode", "--type", "luks2", "--key-file", "/proc/self/fd/3"];
  const child = Bun.spawn(
    [cryptsetup, ...words, ...(key.isRandom ? FAST_DERIVATION : []), device],
    { stdio: ["ignore", "ignore", "pipe", keyFd], env: withoutKeys(), signal },
  );
  closeSync(keyFd);
  const [status, said] = await Promise.all([child.exited, new Response(child.stderr).text()]);
  signal.throwIfAborted();
  if (status !== 0) {
    const { message } = cryptsetupFault(status, said);
    throw new Fault("failed", `while encrypting: ${message}`);
  }
}

/** Waits until nothing is on a loop device any more: the kernel removes dm-crypt a moment after its last user. */
async function released(loop: string): Promise<void> {
  const holders = `/sys/block/${loop.slice(loop.lastIndexOf("/") + 1)}/holders`;
  const until = performance.now() + RELEASE_TIMEOUT_MS;
  while (readdirSync(holders).length > 0) {
    if (performance.now() > until) {
      throw new Fault("failed", "while encrypting: the kernel does not let go of the image");
    }
    await Bun.sleep(5);
  }
}
