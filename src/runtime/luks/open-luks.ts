import { existsSync, readFileSync } from "node:fs";
import { errnoText } from "../../base/errno-text.ts";
import { Fault } from "../../base/fault.ts";
import { attachLoop, type LoopDevice } from "../../host/loop-device.ts";
import { close, memfdCreate, O_RDONLY, O_RDWR, open } from "../../host/syscall.ts";
import { fillMemfd } from "../become-starter.ts";

/*
 * A LUKS volume in a file, in clear as a block device (sif.md section 11, filesystem code 5):
 *
 *   file ── loop device ── dm-crypt (cryptsetup open) ── device
 *
 * Nothing of it outlives its users: each layer frees itself when the one above is gone, and dm-crypt
 * when the device is closed or unmounted last, whatever kills the processes.
 */

/** Where the volume lies; size 0: to the end of the file. */
export interface LuksPart {
  readonly path: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly writable: boolean;
}

/**
 * Opens the volume, holds it until the end of the standard input tells that this program has it open, or was killed,
 * and has the kernel remove it with its last user. The name of the device is gone then.
 */
const OPEN = `trap : HUP INT TERM
node=/dev/mapper/$3
"$1" open --batch-mode --type luks2 $4 --key-file /proc/self/fd/3 "$2" "$3" >&2 || exit
{
  echo "$node" && cat >/dev/null
  "$1" close --deferred "$3" >&2
} 3<&- 4<"$node" || "$1" close "$3" >&2`;

/** Statuses of cryptsetup. */
const WRONG_KEY = 2;
const NO_MEMORY = 3;

/** cryptsetup's path, where kernel and tools open such volumes; else throws a Fault whose message is the reason. */
export function requireLuks(cryptsetup: string | undefined): string {
  const why = whyNoLuks();
  if (why !== undefined) {
    throw new Fault("unsupported", why, {
      hint: "load the module dm-crypt, or use an image that an ordinary user encrypted",
    });
  }
  if (cryptsetup !== undefined) return cryptsetup;
  throw new Fault("missing-tool", "cryptsetup is not installed", {
    hint: "install the package cryptsetup-bin",
  });
}

/** Why this kernel opens no such volumes; undefined when it should. */
export function whyNoLuks(): string | undefined {
  if (existsSync("/dev/mapper/control") || readText("/proc/misc").includes("device-mapper")) {
    return undefined;
  }
  return "this kernel has no device mapper (module dm-crypt)";
}

/** The device over bytes of a file. Throws a Fault whose message is the reason. */
export function attachPart(part: LuksPart): LoopDevice {
  const loop = attachLoop(part.path, part);
  if (typeof loop !== "number") return loop;
  throw new Fault("unsupported", `no loop device can be had: ${errnoText(-loop)}`, {
    hint: "load the module loop",
  });
}

/**
 * Opens a volume with the bytes of a passphrase or key, as root. Gives the descriptor of the device in
 * clear, which is there for as long as the descriptor, or a mount of it, is. Throws a Fault whose message is the
 * reason: `denied` for the wrong key.
 *
 * @param cryptsetup path of the program, as requireLuks() gives it.
 */
export async function openLuks(
  cryptsetup: string,
  part: LuksPart,
  key: Uint8Array,
): Promise<number> {
  const loop = attachPart(part);
  try {
    return await openDevice(cryptsetup, loop.path, part.writable, key);
  } finally {
    close(loop.fd);
  }
}

/** The same with a device that holds the volume. */
export async function openDevice(
  cryptsetup: string,
  device: string,
  writable: boolean,
  key: Uint8Array,
): Promise<number> {
  const name = `skiff-${crypto.randomUUID()}`;
  const words = [cryptsetup, device, name, writable ? "" : "--readonly"];
  const keyFd = keyDescriptor(key);
  const child = Bun.spawn(["/bin/sh", "-c", OPEN, "sh", ...words], {
    stdio: ["pipe", "pipe", "pipe", keyFd],
    env: withoutKeys(),
  });
  close(keyFd);
  const path = await firstLine(child.stdout);
  const fd = path === "" ? -1 : open(path, writable ? O_RDWR : O_RDONLY);
  child.stdin.end();
  const [status, said] = await Promise.all([child.exited, new Response(child.stderr).text()]);
  if (fd >= 0) return fd;
  if (path !== "") throw new Fault("io", `Cannot open "${path}": ${errnoText(-fd)}`);
  throw cryptsetupFault(status, said);
}

/** The environment for tools: a variable with a passphrase is for this program. */
export function withoutKeys(): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C" };
}

/** A key in memory that a child reads as a file. */
export function keyDescriptor(key: Uint8Array): number {
  const fd = memfdCreate("skiff-key");
  if (fd < 0) {
    throw new Fault("unsupported", "Cannot pass the key on: memfd_create is refused");
  }
  fillMemfd(fd, key, "pass the key on");
  return fd;
}

/** Why cryptsetup failed. */
export function cryptsetupFault(status: number, said: string): Fault {
  if (status === WRONG_KEY) {
    return new Fault("denied", "the passphrase or key is not that of the image");
  }
  if (status === NO_MEMORY) {
    return new Fault("failed", "there is not enough memory to derive the key from the passphrase");
  }
  const lines = said.trim().split("\n");
  return new Fault("failed", `cryptsetup: ${lines.at(-1) || `exit status ${status}`}`);
}

/** The first line of a stream, "" when it ends without one. */
async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of stream) {
    text += decoder.decode(piece, { stream: true });
    const end = text.indexOf("\n");
    if (end >= 0) return text.slice(0, end);
  }
  return "";
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
