import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { isDead, ownOwner } from "./owner.ts";
import { makeFolder } from "./places.ts";
import { uniqueName } from "./records.ts";

/*
 * Who makes an entry says so in a file and keeps touching it; others wait for the entry. The claim
 * is advice, never a lock: network file systems do not keep locks, nodes die. A claim that is not
 * touched any more, or that is waited for too long, is passed over, and then the work may be done
 * twice. Entries appear by rename, so that doing it twice does no harm.
 *
 *   look for the entry ─► make the claim file (O_EXCL) ─► work ─► entry by rename ─► remove the claim
 *          ▲                   │ there is one
 *          └───── wait ◄───────┘   untouched for 20 s, or its process is gone: take it away
 */

const HEARTBEAT_MS = 3_000;
const LONGEST_POLL_MS = 250;

/** What waiters are told. */
export interface Waiting {
  readonly host: string;
  readonly pid: number;
  /** Bytes done, as the worker last said. */
  readonly done: number;
  readonly total: number;
}

export interface ClaimOptions<T> {
  /** Folder of claims. */
  readonly folder: string;
  /** Name of the claim: that of the entry. */
  readonly name: string;
  /** The finished entry, or undefined: looked for first and again while waiting. */
  find(): T | undefined;
  /** Makes the entry. `tell` passes on how far it is. */
  work(tell: (done: number, total: number) => void): Promise<T>;
  /** Called while another process works, at most once a second. */
  onWait?(state: Waiting): void;
  readonly signal?: AbortSignal | undefined;
  /** A claim untouched for so long is dead; default 20 s. */
  readonly staleMs?: number;
  /** Longest wait for others in all; default one hour. */
  readonly limitMs?: number;
}

/** The entry, made by this process or by another one that was waited for. Throws only what `find` and `work` throw. */
export async function withClaim<T>(options: ClaimOptions<T>): Promise<T> {
  const began = performance.now();
  const path = `${options.folder}/${options.name}`;
  const token = `${ownOwner().place}/${uniqueName()}`;
  const watch = new ClaimWatch(path, options.staleMs ?? 20_000);
  let toldAt = Number.NEGATIVE_INFINITY;
  for (let poll = 10; ; poll = Math.min(LONGEST_POLL_MS, poll * 1.5)) {
    const found = options.find();
    if (found !== undefined) return found;
    const isOverdue = performance.now() - began > (options.limitMs ?? 3_600_000);
    const made = isOverdue ? "impossible" : makeClaim(options.folder, path, token);
    if (made === "made") return await workClaimed(options, path, token);
    // A cache that takes no claim can still be worked for.
    if (made === "impossible") return await options.work(() => {});
    const state = watch.look();
    if (state === "stale") {
      takeAway(path, watch.text);
      continue;
    }
    if (state !== "gone" && state.host !== "" && performance.now() - toldAt > 1000) {
      toldAt = performance.now();
      options.onWait?.(state);
    }
    await Bun.sleep(poll);
    options.signal?.throwIfAborted();
  }
}

async function workClaimed<T>(options: ClaimOptions<T>, path: string, token: string): Promise<T> {
  let progress = { done: 0, total: 0 };
  const beat = (): void => {
    try {
      // Not ours any more: someone thought us dead. Go on; the entry counts, not the claim.
      if (!readText(path).includes(token)) return;
      rewrite(path, claimText(token, progress.done, progress.total));
      const now = new Date();
      utimesSync(path, now, now);
    } catch {
      // A full disk must not end the work.
    }
  };
  const timer = setInterval(beat, HEARTBEAT_MS);
  timer.unref();
  try {
    // Between the look and the claim another may have finished.
    return (
      options.find() ??
      (await options.work((done, total) => {
        progress = { done, total };
      }))
    );
  } finally {
    clearInterval(timer);
    if (readText(path).includes(token)) rmSync(path, { force: true });
  }
}

/** Watches a claim by the clock of this process: clocks of other nodes may be wrong. */
class ClaimWatch {
  readonly #path: string;
  readonly #staleMs: number;
  #seen = "";
  #sinceMs = 0;
  text = "";

  constructor(path: string, staleMs: number) {
    this.#path = path;
    this.#staleMs = staleMs;
  }

  look(): Waiting | "gone" | "stale" {
    const stat = statSync(this.#path, { throwIfNoEntry: false });
    if (stat === undefined) return "gone";
    this.text = readText(this.#path);
    const now = performance.now();
    const seen = `${stat.ino} ${stat.mtimeMs} ${this.text}`;
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#sinceMs = now;
    }
    const [token = "", host = "", done = "", total = ""] = this.text.split("\n");
    const [place = "", name = ""] = token.split("/");
    const pid = Number.parseInt(name, 10);
    if (isDead(place, pid) || now - this.#sinceMs > this.#staleMs) return "stale";
    return { host, pid, done: Number(done) || 0, total: Number(total) || 0 };
  }
}

function makeClaim(folder: string, path: string, token: string): "made" | "taken" | "impossible" {
  try {
    makeFolder(folder);
    const fd = openSync(path, "wx", 0o600);
    try {
      writeSync(fd, claimText(token, 0, 0));
    } catch {
      // A full disk takes the name and no text: a claim of nobody, which others would wait for.
      rmSync(path, { force: true });
      return "impossible";
    } finally {
      closeSync(fd);
    }
    return "made";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return "taken";
    return "impossible";
  }
}

/** Puts another text into a claim, in the room that it has: cut first, a full disk would leave it empty. */
function rewrite(path: string, text: string): void {
  const fd = openSync(path, "r+");
  try {
    ftruncateSync(fd, writeSync(fd, text, 0));
  } finally {
    closeSync(fd);
  }
}

function claimText(token: string, done: number, total: number): string {
  return `${token}\n${ownOwner().host}\n${done}\n${total}\n`;
}

/** Removes a claim, unless it turns out to be a newer one than that which was looked at. */
function takeAway(path: string, text: string): void {
  const aside = `${path}.${uniqueName()}`;
  try {
    renameSync(path, aside);
    const token = text.split("\n")[0] ?? "";
    // Caught a younger one: its owner works on, merely without being waited for.
    if (token !== "" && !readText(aside).includes(token)) renameSync(aside, path);
  } catch {
    // Another waiter was quicker.
  } finally {
    rmSync(aside, { force: true });
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
