import { readFileSync, readlinkSync } from "node:fs";

/** A process, known on all nodes that share a file system. */
export interface Owner {
  /** Boot and PID namespace: two processes with equal `place` see each other's numbers. */
  readonly place: string;
  readonly host: string;
  readonly pid: number;
}

let self: Owner | undefined;

export function ownOwner(): Owner {
  self ??= {
    place: new Bun.CryptoHasher("sha256")
      .update(`${readFirst("/proc/sys/kernel/random/boot_id")} ${ownNamespace()}`)
      .digest("hex")
      .slice(0, 12),
    host: readFirst("/proc/sys/kernel/hostname"),
    pid: process.pid,
  };
  return self;
}

/** Whether the process is certainly gone: only processes of the same place can be asked about. */
export function isDead(place: string, pid: number): boolean {
  if (place !== ownOwner().place || !Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function readFirst(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "unknown";
  }
}

function ownNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}
