import { readFileSync, realpathSync } from "node:fs";
import { baseName } from "../base/path.ts";
import {
  type CarriedFile,
  type CarriedProgram,
  encodeCarried,
} from "../format/self-run/carried.ts";
import { BLOCK_BYTES } from "../format/self-run/mark.ts";
import { hostFacts } from "../host/facts.ts";

/** Bytes of a self-running image between program and image. */
export interface CarriedParts {
  /** Where the image begins. */
  readonly start: number;
  readonly pieces: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
}

const align = (offset: number): number => Math.ceil(offset / BLOCK_BYTES) * BLOCK_BYTES;

/**
 * The named programs of this machine with their libraries, laid out behind a program of `size` bytes.
 * A program that is not installed is left out: then the machine that runs the image must have it.
 */
export function gatherCarried(names: readonly string[], size: number): CarriedParts {
  const host = hostFacts({
    binaryPath: "$PATH:/usr/local/bin:/usr/bin:/bin",
    env: process.env as Record<string, string>,
  });
  const pieces: { offset: number; bytes: Uint8Array }[] = [];
  const programs: CarriedProgram[] = [];
  let at = align(size);
  for (const name of names) {
    const path = host.tool(name);
    if (path === undefined) continue;
    const { loader, libraries } = needs(path);
    const files: CarriedFile[] = [];
    for (const file of [path, ...libraries, ...(loader === undefined ? [] : [loader])]) {
      const bytes = readFileSync(realpathSync(file));
      files.push({ name: file === path ? name : baseName(file), offset: at, size: bytes.length });
      pieces.push({ offset: at, bytes });
      at = align(at + bytes.length);
    }
    programs.push({ name, loader: loader === undefined ? "" : baseName(loader), files });
  }
  const block = programs.length === 0 ? undefined : encodeCarried(programs);
  if (block === undefined) return { start: align(size), pieces: [] };
  pieces.push({ offset: at, bytes: block });
  return { start: at + BLOCK_BYTES, pieces };
}

/** What the dynamic linker would load, by its own word; nothing for a static program. */
function needs(path: string): { loader: string | undefined; libraries: readonly string[] } {
  const done = Bun.spawnSync([path], {
    env: { LD_TRACE_LOADED_OBJECTS: "1" },
    ...{ stdin: "ignore", stdout: "pipe", stderr: "ignore" },
  });
  const lines = done.stdout.toString().split("\n");
  const libraries = lines.flatMap((line) => /=> (\/\S+) \(0x/.exec(line)?.[1] ?? []);
  const loader = lines.flatMap((line) => /^\s*(\/\S+) \(0x/.exec(line)?.[1] ?? [])[0];
  return { loader, libraries: loader === undefined ? [] : libraries };
}
