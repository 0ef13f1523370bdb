import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { flock } from "../../host/syscall.ts";
import { makeFolder } from "../../image/cache/places.ts";

/*
 * Finished steps on disk, below the user's cache:
 *
 *   build/steps/KEY/meta.json   what the step was; locked, shared, by builds that use it
 *   build/steps/KEY/root/       what it changed, as an overlay layer, or the whole tree ("tree")
 *   build/images/KEY/…          packed images: meta.json and `image`
 *   build/slots/NAME.json       the inputs with which a step of a definition was last carried out
 *   build/memo/NAME             digests of files that have not changed since
 *   build/skiff-build-RANDOM/   what a build is making right now (workspace.ts)
 *
 * An entry appears by one rename when all of it is there. KEY is the SHA-256 of all that the result
 * depends on, the key of the step before it among it.
 */

/** What is known about a kept step. */
export interface StepMeta {
  readonly format: number;
  readonly key: string;
  /** What steps on top of this one depend on; the key, or a digest of the content. */
  readonly id: string;
  readonly title: string;
  /** Path of the definition that it was first made for. */
  readonly definition: string;
  readonly layer: "overlay" | "tree";
  /** Milliseconds since 1970. */
  readonly createdMs: number;
  readonly elapsedMs: number;
  readonly sizeBytes: number;
  /** Newest time among the files of a base that were not made by the build; seconds since 1970. */
  readonly newestSeconds: number;
  /** JSON objects for the image, by name. */
  readonly objects: Readonly<Record<string, string>>;
  /** Owners that files of a base could not be given, `uid:gid` by path. */
  readonly owners: Readonly<Record<string, string>>;
}

export interface StepEntry {
  readonly meta: StepMeta;
  /** Directory of the layer. */
  readonly root: string;
}

/** A packed image that is kept. */
export interface KeptImage {
  readonly path: string;
  /** SHA-256 of the file. */
  readonly digest: string;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
}

/** Entries of other formats are not looked at. */
export const STEP_FORMAT = 1;

const LOCK_SH_NB = 1 | 4;

/** The finished steps of one user. */
export class StepStore {
  readonly folder: string;
  readonly #locks: number[] = [];
  /** Entries in use that may still be in memory only. */
  readonly #unsynced: Set<string> = new Set();
  readonly #boot: string = bootId();

  /** Makes the folders; throws the error of the system where that is not possible. */
  constructor(folder: string) {
    this.folder = folder;
    for (const name of ["steps", "images", "slots", "memo"]) {
      makeFolder(`${folder}/${name}`);
    }
  }

  /** A kept step, from now on safe from `cache clean`; undefined when there is none. */
  find(key: string): StepEntry | undefined {
    const path = `${this.folder}/steps/${key}`;
    const meta = this.#open(path) as StepMeta | undefined;
    return meta === undefined ? undefined : { meta, root: `${path}/root` };
  }

  /** Keeps `root` (on this file system) under its key. When another build was quicker, that one's counts; what cannot be kept serves this build only. */
  keep(root: string, meta: StepMeta): StepEntry {
    const made = `${root}.entry`;
    mkdirSync(made, { mode: 0o700 });
    renameSync(root, `${made}/root`);
    writeFileSync(`${made}/meta.json`, JSON.stringify({ ...meta, boot: this.#boot }), {
      mode: 0o600,
    });
    const path = `${this.folder}/steps/${meta.key}`;
    try {
      renameSync(made, path);
    } catch {
      const found = this.find(meta.key);
      if (found !== undefined) return found;
      // One that is not trusted, or that is being removed.
      try {
        renameSync(path, `${made}.old`);
        renameSync(made, path);
      } catch {
        return { meta, root: `${made}/root` };
      }
    }
    return this.find(meta.key) ?? { meta, root: `${path}/root` };
  }

  /** A packed image; undefined when it is not there. */
  findImage(key: string): KeptImage | undefined {
    const path = `${this.folder}/images/${key}`;
    const meta = this.#open(path) as Omit<KeptImage, "path"> | undefined;
    return meta === undefined ? undefined : { ...meta, path: `${path}/image` };
  }

  /** Keeps a packed image; `copy` puts it under the name it is given. What fails is left out. */
  keepImage(
    key: string,
    scratch: string,
    meta: {
      readonly digest: string;
      readonly title: string;
      readonly definition: string;
      readonly sizeBytes: number;
    },
    copy: (path: string) => void,
  ): void {
    try {
      mkdirSync(scratch, { mode: 0o700 });
      copy(`${scratch}/image`);
      const facts = { format: STEP_FORMAT, createdMs: Date.now(), boot: this.#boot };
      const text = JSON.stringify({ ...facts, ...meta });
      writeFileSync(`${scratch}/meta.json`, text, { mode: 0o600 });
      renameSync(scratch, `${this.folder}/images/${key}`);
    } catch {
      // It only saves work: a full disk, or another build that was quicker.
      rmSync(scratch, { recursive: true, force: true });
    }
  }

  /** The inputs of a step of a definition when it was last carried out. */
  lastInputs(slot: string): Readonly<Record<string, string>> | undefined {
    return this.#json(`slots/${slot}.json`) as Record<string, string> | undefined;
  }

  noteInputs(slot: string, inputs: Readonly<Record<string, string>>): void {
    this.#write(`slots/${slot}.json`, JSON.stringify(inputs));
  }

  remembered(name: string): string | undefined {
    const value = this.#json(`memo/${name}`);
    return typeof value === "string" ? value : undefined;
  }

  remember(name: string, value: string): void {
    this.#write(`memo/${name}`, JSON.stringify(value));
  }

  /**
   * Begins to write what is in use to the disk, beside other work. An entry that was not written
   * when the machine went down is not trusted afterwards.
   *
   * @returns notes what is written by then; does not wait.
   */
  startSync(): () => void {
    if (this.#unsynced.size === 0) return () => {};
    const paths = [...this.#unsynced];
    let child: Bun.Subprocess;
    try {
      child = Bun.spawn(["sync", "-f", this.folder], {
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
      });
    } catch {
      return () => {};
    }
    child.unref();
    return () => {
      if (child.exitCode !== 0) return;
      for (const path of paths) this.#note(`${path}/synced`, "");
    };
  }

  /** Gives the entries in use back. */
  close(): void {
    for (const fd of this.#locks.splice(0)) closeSync(fd);
  }

  #open(path: string): unknown {
    let fd: number;
    try {
      fd = openSync(`${path}/meta.json`, "r");
    } catch {
      return undefined;
    }
    // Locked by who removes it: as good as gone.
    const isFree = flock(fd, LOCK_SH_NB) === 0 && existsSync(`${path}/meta.json`);
    const meta = isFree ? parse(readText(fd)) : undefined;
    const isSynced = existsSync(`${path}/synced`);
    if (meta === undefined || (!isSynced && meta.boot !== this.#boot)) {
      closeSync(fd);
      return undefined;
    }
    this.#locks.push(fd);
    if (!isSynced) this.#unsynced.add(path);
    try {
      const now = new Date();
      utimesSync(`${path}/meta.json`, now, now);
    } catch {
      // Then it is removed earlier.
    }
    return meta;
  }

  #json(name: string): unknown {
    try {
      return JSON.parse(readFileSync(`${this.folder}/${name}`, "utf8"));
    } catch {
      return undefined;
    }
  }

  #write(name: string, text: string): void {
    this.#note(`${this.folder}/${name}`, text);
  }

  #note(path: string, text: string): void {
    try {
      writeFileSync(`${path}.${process.pid}`, text, { mode: 0o600 });
      renameSync(`${path}.${process.pid}`, path);
    } catch {
      // Missing notes only cost work.
      rmSync(`${path}.${process.pid}`, { force: true });
    }
  }
}

function readText(fd: number): string {
  try {
    return readFileSync(fd, "utf8");
  } catch {
    return "";
  }
}

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

function parse(text: string): { readonly format: unknown; readonly boot?: unknown } | undefined {
  try {
    const meta: unknown = JSON.parse(text);
    const isMeta =
      typeof meta === "object" && meta !== null && "format" in meta && meta.format === STEP_FORMAT;
    return isMeta ? meta : undefined;
  } catch {
    return undefined;
  }
}
