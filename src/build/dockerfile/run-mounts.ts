import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { Fault } from "../../base/fault.ts";
import { resolveIn } from "../../base/file-view.ts";
import { cleanPath, dirName } from "../../base/path.ts";
import type { RunAction } from "../../format/dockerfile/evaluate.ts";
import type { RunMount } from "../../format/dockerfile/run-mount.ts";
import { hostFiles } from "../../host/host-files.ts";
import { flock } from "../../host/syscall.ts";
import { digestOf } from "../cache/digest.ts";
import { mountWord } from "../mount-word.ts";
import type { Stage } from "../stage.ts";
import { requireStage, stageInput } from "../stage-root.ts";
import { copyDirectory } from "../unpack/unpack-image.ts";
import type { CopySource } from "./context.ts";
import { giveTo } from "./copy-item.ts";
import { digestItem, listItem } from "./copy-list.ts";

const LOCK_EX_NB = 2 | 4;

/** A secret of the command line: `--secret id=…,src=…` or `env=…`. */
export interface Secret {
  readonly id: string;
  readonly content: Uint8Array;
}

/** What mounts of RUN may draw on. */
export interface MountSources {
  readonly context: CopySource;
  /** Name of the stage that a `from=` means. */
  stageName(word: string): string | undefined;
  readonly secrets: ReadonlyMap<string, Secret>;
  /** Directory in which caches live from build to build. */
  readonly cacheFolder: string;
}

/** Mounts made ready: words of `--mount`, variables of secrets, and what to do afterwards. */
export interface ReadyMounts {
  readonly words: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  finish(): void;
}

/** Makes the mounts of a RUN ready, mount points included. */
export async function prepareMounts(
  action: RunAction,
  stage: Stage,
  sources: MountSources,
): Promise<ReadyMounts> {
  const words: string[] = [];
  const env = new Map<string, string>();
  const made: string[] = [];
  const locks: number[] = [];
  for (const mount of action.mounts) {
    const folder = mkdtempSync(`${stage.folder}/mount-`);
    if (mount.kind === "secret") {
      const secret = sources.secrets.get(mount.id === "" ? mount.source : mount.id);
      if (secret === undefined) {
        if (!mount.required) continue;
        throw new Fault("not-found", `the secret "${mount.id}" is required and was not given`, {
          hint: `give it with --secret id=${mount.id},src=FILE`,
        });
      }
      if (mount.env !== "") env.set(mount.env, new TextDecoder().decode(secret.content));
      if (mount.env !== "" && mount.target === "") continue;
      const path = `${folder}/secret`;
      writeFileSync(path, secret.content, { mode: mount.mode ?? 0o400 });
      giveTo(path, mount.uid ?? 0, mount.gid ?? 0);
      const target = targetOf(mount, action, `/run/secrets/${secret.id}`);
      makePoint(stage.root, target, false, made);
      words.push(mountWord({ source: path, target, readOnly: true }));
      continue;
    }
    const target = targetOf(mount, action, action.workingDir);
    const source = await sourcePath(mount, folder, stage, sources);
    if (mount.kind === "cache" && mount.sharing === "locked") {
      locks.push(await lockCache(`${source}.lock`, stage));
    }
    makePoint(stage.root, target, statSync(source).isDirectory(), made);
    words.push(mountWord({ source, target, readOnly: mount.readOnly }));
  }
  const finish = (): void => {
    removePoints(made);
    for (const lock of locks) closeSync(lock);
  };
  return { words, env, finish };
}

/**
 * What the mounts of a RUN add to what its result depends on: caches and secrets nothing.
 *
 * @param isPortable an earlier stage is named by its key; undefined where that is not known.
 */
export async function mountInputs(
  action: RunAction,
  stage: Stage,
  sources: MountSources,
  isPortable: boolean,
): Promise<readonly (readonly [string, string])[] | undefined> {
  const out: (readonly [string, string])[] = [];
  for (const mount of action.mounts) {
    const { kind, target, source, from, readOnly } = mount;
    out.push([`mount ${kind} ${target}`, `${source} ${from} ${readOnly}`]);
    if (kind !== "bind") continue;
    if (isPortable && from !== "") {
      const input = stageInput(stage, sources.stageName(from) ?? "");
      if (input === undefined) return undefined;
      out.push(input);
      continue;
    }
    const tree = await treeOf(mount, stage, sources);
    const item = listItem(tree, cleanPath(`/${source}`).slice(1), []);
    out.push([
      `content of ${target}`,
      item === undefined ? "nothing" : digestItem(item, tree.keepsOwners),
    ]);
  }
  return out;
}

function targetOf(mount: RunMount, action: RunAction, fallback: string): string {
  if (mount.target === "") return fallback;
  return cleanPath(
    mount.target.startsWith("/") ? mount.target : `${action.workingDir}/${mount.target}`,
  );
}

async function treeOf(
  { from }: RunMount,
  stage: Stage,
  sources: MountSources,
): Promise<CopySource> {
  if (from === "") return sources.context;
  const name = sources.stageName(from);
  if (name === undefined)
    throw new Fault("not-found", `--mount: there is no stage or image "${from}"`);
  return { root: await requireStage(stage, name), patterns: [], keepsOwners: true };
}

/** A host path with the content of a mount. */
async function sourcePath(
  mount: RunMount,
  folder: string,
  stage: Stage,
  sources: MountSources,
): Promise<string> {
  if (mount.kind === "tmpfs") return folder;
  if (mount.kind === "cache") return await cachePath(mount, folder, stage, sources);
  const { root } = await treeOf(mount, stage, sources);
  const found = resolveIn(hostFiles(root), cleanPath(`/${mount.source}`));
  if (found.entry === undefined) {
    throw new Fault(
      "not-found",
      `--mount: there is no "${mount.source}" in "${mount.from === "" ? "the context" : mount.from}"`,
    );
  }
  const path = root + (found.path === "/" ? "" : found.path);
  if (mount.readOnly || found.entry.kind !== "dir") return path;
  // What RUN writes there is thrown away, so it writes to a copy.
  const copy = `${folder}/copy`;
  await copyDirectory(path, copy, stage.ports);
  return copy;
}

async function cachePath(
  mount: RunMount,
  folder: string,
  stage: Stage,
  sources: MountSources,
): Promise<string> {
  const id = mount.id === "" ? mount.target : mount.id;
  const path =
    mount.sharing === "private"
      ? `${folder}/cache`
      : `${sources.cacheFolder}/${digestOf(id).slice(0, 32)}`;
  try {
    const isNew = mkdirSync(path, { recursive: true, mode: 0o755 }) !== undefined;
    if (isNew && mount.from !== "") {
      const { root } = await treeOf(mount, stage, sources);
      await copyDirectory(
        root + resolveIn(hostFiles(root), cleanPath(`/${mount.source}`)).path,
        path,
        stage.ports,
      );
    }
    if (isNew) {
      giveTo(path, mount.uid ?? 0, mount.gid ?? 0);
      chmodSync(path, mount.mode ?? 0o755);
    }
    return path;
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("io", `Cannot use "${path}" for --mount=type=cache: ${reason}`, { cause });
  }
}

/** Waits until no other build uses a cache; the lock ends when its descriptor is closed. */
async function lockCache(path: string, stage: Stage): Promise<number> {
  const lock = openSync(path, "w", 0o600);
  let isTold = false;
  while (flock(lock, LOCK_EX_NB) < 0) {
    if (!isTold) stage.ports.talk.info("Waiting for another build that uses the same cache mount");
    isTold = true;
    await Bun.sleep(200);
    stage.ports.signal.throwIfAborted();
  }
  return lock;
}

/** Makes a mount point in a root; what had to be made is noted, deepest last. */
export function makePoint(
  root: string,
  target: string,
  isDirectory: boolean,
  made: string[],
): void {
  const view = hostFiles(root);
  const { path, entry, missing } = resolveIn(view, target);
  if (entry !== undefined || missing === undefined) return;
  const parents: string[] = [];
  for (let at = isDirectory ? path : dirName(path); at.length >= missing.length; at = dirName(at)) {
    parents.unshift(at);
    if (at === missing || at === "/") break;
  }
  for (const at of parents) {
    mkdirSync(root + at, { mode: 0o755 });
    made.push(root + at);
  }
  if (isDirectory) return;
  writeFileSync(root + path, "", { mode: 0o644 });
  made.push(root + path);
}

/** Removes mount points again, as far as nothing was put there. */
export function removePoints(made: readonly string[]): void {
  for (const path of [...made].reverse()) {
    try {
      if (statSync(path).isDirectory()) rmdirSync(path);
      else if (readFileSync(path).length === 0) rmSync(path);
    } catch {
      // Something is in it now: then it belongs to the image.
    }
  }
}
