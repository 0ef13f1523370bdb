import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import type { Key, PrivateKey } from "openpgp";
import { errnoText } from "../base/errno-text.ts";
import { Fault } from "../base/fault.ts";
import { dirName } from "../base/path.ts";
import { replaceFile } from "../config/replace-file.ts";
import { close, flock, O_DIRECTORY, O_RDONLY, open } from "../host/syscall.ts";
import { globalRings, PUBLIC_RING, SECRET_RING } from "../trust/key-places.ts";
import { fingerprintOf } from "../trust/pgp/describe-key.ts";
import { readPublicRing, readSecretRing, writeRing } from "../trust/pgp/key-ring.ts";
import { installPrefix } from "./installed.ts";

const LOCK_EXCLUSIVE = 2;

/** The key rings of a user and of the system. */
export class KeyRings {
  readonly directory: string;
  readonly publicPath: string;
  readonly secretPath: string;
  readonly globalPath: string;

  constructor(directory: string) {
    this.directory = directory;
    this.publicPath = `${directory}/${PUBLIC_RING}`;
    this.secretPath = `${directory}/${SECRET_RING}`;
    const places = globalRings(installPrefix());
    this.globalPath = places.find((path) => existsSync(path)) ?? places[0] ?? "";
  }

  /** Public keys of the user, or of the system; none when there is no such ring. */
  async publicKeys(of: "local" | "global"): Promise<readonly Key[]> {
    const path = of === "local" ? this.publicPath : this.globalPath;
    return await readPublicRing(readIfThere(path), path);
  }

  async secretKeys(): Promise<readonly PrivateKey[]> {
    return await readSecretRing(readIfThere(this.secretPath), this.secretPath);
  }

  /** Makes the user's rings, empty, where they are not there yet; where that cannot be, it does no harm. */
  make(): void {
    try {
      makeDirectory(this.directory, 0o700);
      for (const path of [this.publicPath, this.secretPath]) {
        if (!existsSync(path)) closeSync(openSync(path, "wx", 0o600));
      }
    } catch {
      // A home that may only be read, or another process that made them at the same time.
    }
  }

  /**
   * Reads a ring, lets `change` make another list of it, and writes that: one process at a time, whole
   * or not at all. Throws a Fault when it cannot be written.
   */
  async change<T extends Key>(
    ring: "public" | "secret" | "global",
    change: (keys: readonly T[]) => readonly Key[] | Promise<readonly Key[]>,
  ): Promise<void> {
    const [path, mode] = {
      public: [this.publicPath, 0o600] as const,
      secret: [this.secretPath, 0o600] as const,
      global: [this.globalPath, 0o644] as const,
    }[ring];
    const directory = dirName(path);
    makeDirectory(directory, ring === "global" ? 0o755 : 0o700);
    const lock = open(directory, O_RDONLY | O_DIRECTORY);
    if (lock >= 0) flock(lock, LOCK_EXCLUSIVE);
    try {
      const keys =
        ring === "secret"
          ? await this.secretKeys()
          : await this.publicKeys(ring === "global" ? "global" : "local");
      // A ring holds the kind of keys that its name says.
      replaceFile(path, writeRing(await change(keys as readonly T[])), mode);
    } finally {
      if (lock >= 0) close(lock);
    }
  }
}

/** The key with that fingerprint, any case. */
export function findByFingerprint<T extends Key>(
  keys: readonly T[],
  fingerprint: string,
): T | undefined {
  return keys.find((key) => fingerprintOf(key) === fingerprint.toLowerCase());
}

/** Bytes of a file, with the kernel's words in the Fault when it cannot be read. */
export function readNamed(path: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    const errno = cause instanceof Error && "errno" in cause ? Math.abs(Number(cause.errno)) : 5;
    throw new Fault(errno === 2 ? "not-found" : "denied", `open ${path}: ${errnoText(errno)}`, {
      cause,
    });
  }
}

function readIfThere(path: string): Uint8Array {
  try {
    return readNamed(path);
  } catch (error) {
    // One that may not be read is not the same as none.
    if (error instanceof Fault && error.code === "not-found") return new Uint8Array(0);
    throw error;
  }
}

function makeDirectory(path: string, mode: number): void {
  try {
    if (existsSync(path)) return;
    mkdirSync(path, { recursive: true, mode });
    chmodSync(path, mode);
  } catch (cause) {
    throw new Fault("denied", `Cannot make the directory of key rings "${path}"`, { cause });
  }
}
