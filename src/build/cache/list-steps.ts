import { closeSync, lstatSync, openSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { flock } from "../../host/syscall.ts";
import { removeTree } from "../remove-tree.ts";
import { openWorkspace } from "../workspace.ts";
import type { StepMeta } from "./step-store.ts";

/** A kept step or packed image of the build's cache. */
export interface KeptStep {
  /** Its key. */
  readonly name: string;
  readonly path: string;
  readonly title: string;
  /** Path of the definition that it was made for. */
  readonly definition: string;
  readonly sizeBytes: number;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
  readonly usedMs: number;
}

const LOCK_EX_NB = 2 | 4;

/** All that builds have kept below a folder, oldest use first. */
export function listSteps(folder: string): readonly KeptStep[] {
  const steps = ["steps", "images"].flatMap((kind) =>
    namesIn(`${folder}/${kind}`).flatMap((name) => {
      const path = `${folder}/${kind}/${name}`;
      const meta = readMeta(path);
      const stat = lstatSync(`${path}/meta.json`, { throwIfNoEntry: false });
      if (meta === undefined || stat === undefined) return [];
      return {
        name,
        path,
        title: String(meta.title ?? kind),
        definition: String(meta.definition ?? ""),
        sizeBytes: Number(meta.sizeBytes) || 0,
        createdMs: Number(meta.createdMs) || stat.mtimeMs,
        usedMs: stat.mtimeMs,
      };
    }),
  );
  return steps.sort((a, b) => a.usedMs - b.usedMs);
}

/** A step that no build has used for so long is removed by the next one. */
const UNUSED_LIFETIME_MS = 30 * 86_400_000;

/** Removes what has not been used for a month; by a process that may remove the files. */
export async function expireSteps(folder: string): Promise<void> {
  const before = Date.now() - UNUSED_LIFETIME_MS;
  const old = listSteps(folder).filter(({ usedMs }) => usedMs < before);
  await removeSteps(folder, old, (path) => Promise.resolve(removeTree(path)));
}

/**
 * Removes kept steps, but for those that a build uses right now. `remove` takes a tree away, whoever
 * owns what is in it.
 *
 * @returns those that are gone.
 */
export async function removeSteps(
  folder: string,
  steps: readonly KeptStep[],
  remove: (path: string) => Promise<boolean>,
): Promise<readonly KeptStep[]> {
  if (steps.length === 0) return [];
  // What a killed removal leaves here the next build or removal takes away.
  const space = openWorkspace(folder);
  const gone = steps.filter((step) => takeAside(step, `${space.path}/${step.name}`));
  await remove(space.path);
  space.remove();
  return gone;
}

function takeAside(step: KeptStep, aside: string): boolean {
  let fd: number;
  try {
    fd = openSync(`${step.path}/meta.json`, "r");
  } catch {
    return false;
  }
  try {
    if (flock(fd, LOCK_EX_NB) !== 0) return false;
    renameSync(step.path, aside);
    return true;
  } catch {
    return false;
  } finally {
    closeSync(fd);
  }
}

function readMeta(path: string): Partial<StepMeta> | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(`${path}/meta.json`, "utf8"));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}
