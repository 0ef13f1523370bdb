import { errnoText } from "../../base/errno-text.ts";
import { Fault } from "../../base/fault.ts";
import { processStart } from "../../host/other-process.ts";
import {
  close,
  flock,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  open,
  unlink,
  write,
} from "../../host/syscall.ts";
import { makeDirectories } from "./places.ts";
import { type ClaimText, type Found, lifeOf, ownPlace, readRecord, recordPath } from "./records.ts";

const LOCK_EX = 2;
const UNLOCK = 8;

/**
 * Takes a name for the instance that this process (as the starter it becomes) is about to start: its
 * claim stands where the record will. A record without a live process is replaced; `tell` says so.
 * Gives a descriptor of the directory.
 *
 * @throws Fault when the name is taken, or the directory cannot be written.
 */
export function claimName(directory: string, name: string, tell: (text: string) => void): number {
  const made = makeDirectories(directory);
  const fd = made < 0 ? made : lockDirectory(directory);
  if (fd < 0) throw cannotWrite(directory, -fd);
  const found = findStale(directory, name);
  const path = recordPath(directory, name);
  if (found.kind !== "none") {
    tell(staleText(found, name));
    unlink(path);
  }
  const claim = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  if (claim === -17) throw taken(name);
  if (claim < 0) throw cannotWrite(directory, -claim);
  const text: ClaimText = { claim: true, place: ownPlace() };
  const bytes = new TextEncoder().encode(
    `${process.pid} ${processStart(process.pid) ?? 0}\n${JSON.stringify(text)}\n`,
  );
  const written = write(claim, bytes);
  close(claim);
  if (written !== bytes.length) {
    unlink(path);
    throw cannotWrite(directory, written < 0 ? -written : 28);
  }
  flock(fd, UNLOCK);
  return fd;
}

/** Removes a record, unless another start has replaced it since it was read. */
export function removeRecord(directory: string, name: string, seen: Found): void {
  const fd = lockDirectory(directory);
  if (isSame(readRecord(directory, name), seen)) {
    unlink(recordPath(directory, name));
  }
  if (fd >= 0) close(fd);
}

/**
 * What stands for a name that no live process holds.
 *
 * @throws Fault when the name is taken.
 */
function findStale(directory: string, name: string): Found {
  let found = readRecord(directory, name);
  for (;;) {
    refuseTaken(directory, name, found);
    // A start that has ended well since it was read has put the record in place of its claim.
    const again = readRecord(directory, name);
    if (isSame(again, found)) return found;
    found = again;
  }
}

function isSame(one: Found, other: Found): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Two starts must not both find the same stale record. A file system without locks loses only that. */
function lockDirectory(directory: string): number {
  const fd = open(directory, O_RDONLY | O_DIRECTORY);
  if (fd >= 0) flock(fd, LOCK_EX);
  return fd;
}

/** @throws Fault when a live process holds the name. */
export function refuseTaken(directory: string, name: string, found: Found): void {
  if (found.kind === "none" || found.kind === "broken") return;
  const one = found.kind === "record" ? found.record : found;
  const life = lifeOf(one);
  if (life === "running") throw taken(name);
  if (life === "gone") return;
  throw new Fault(
    "exists",
    `Cannot start the instance ${name}: one of this name was started in another container (${one.place}), and nobody here can tell whether it runs`,
    { hint: `if it does not, remove ${recordPath(directory, name)}` },
  );
}

function staleText(found: Found, name: string): string {
  const pid = found.kind === "record" ? found.record.pid : found.kind === "claim" ? found.pid : 0;
  return pid === 0
    ? `Replacing the record of the instance ${name}: it is damaged`
    : `Replacing the record of the instance ${name}: its process ${pid} has ended without being stopped`;
}

function taken(name: string): Fault {
  return new Fault("exists", `instance ${name} already exists`, {
    hint: `stop it first: instance stop ${name}`,
  });
}

function cannotWrite(directory: string, errno: number): Fault {
  return new Fault("io", `Cannot record the instance in ${directory}: ${errnoText(errno)}`, {
    hint: "make the directory writable, or name another with SKIFF_CONFIGDIR",
  });
}
