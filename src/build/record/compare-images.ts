import type { FileEntry, FileView } from "../../base/file-view.ts";
import type { BuildRecord } from "./build-record.ts";

/** A path that differs between two trees, and how. */
export interface Difference {
  readonly path: string;
  readonly how: string;
}

/** All paths that differ between two trees, in order; times are not looked at. */
export function compareTrees(one: FileView, two: FileView): readonly Difference[] {
  const found: Difference[] = [];
  const compare = (path: string): void => {
    const [a, b] = [one.lstat(path), two.lstat(path)];
    const how = differenceOf(path, a, b, one, two);
    if (how !== undefined) found.push({ path, how });
    if (a?.kind !== "dir" || b?.kind !== "dir") return;
    const names = new Set([...(one.list(path) ?? []), ...(two.list(path) ?? [])]);
    for (const name of [...names].sort()) compare(path === "/" ? `/${name}` : `${path}/${name}`);
  };
  compare("/");
  return found;
}

function differenceOf(
  path: string,
  a: FileEntry | undefined,
  b: FileEntry | undefined,
  one: FileView,
  two: FileView,
): string | undefined {
  if (a === undefined || b === undefined)
    return a === undefined ? "only built now" : "only in the image";
  if (a.kind !== b.kind) return `${a.kind} in the image, ${b.kind} built now`;
  const octal = (mode: number): string => mode.toString(8).padStart(4, "0");
  const changes: string[] = [];
  if (a.mode !== b.mode) changes.push(`mode ${octal(a.mode)}, now ${octal(b.mode)}`);
  if (a.uid !== b.uid || a.gid !== b.gid) {
    changes.push(`owner ${a.uid}:${a.gid}, now ${b.uid}:${b.gid}`);
  }
  if (a.link !== b.link) changes.push(`link to ${a.link}, now to ${b.link}`);
  if (a.kind === "file") {
    if (a.sizeBytes !== b.sizeBytes) changes.push(`${a.sizeBytes} bytes, now ${b.sizeBytes}`);
    else if (!isSame(one.read(path, a.sizeBytes), two.read(path, b.sizeBytes))) {
      changes.push("content");
    }
  }
  return changes.length === 0 ? undefined : changes.join("; ");
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}

/** Inputs that differ between two builds, in words. */
export function compareRecords(before: BuildRecord, now: BuildRecord): readonly string[] {
  const found: string[] = [];
  if (before.program !== now.program) found.push(`built by ${before.program}, now ${now.program}`);
  for (const [name, version] of Object.entries(before.tools)) {
    const other = now.tools[name];
    if (other !== version) found.push(`${name} ${version}, now ${other ?? "none"}`);
  }
  for (const [index, step] of before.steps.entries()) {
    const other = now.steps[index]?.inputs ?? {};
    for (const [name, value] of Object.entries(step.inputs ?? {})) {
      if (other[name] !== value) found.push(`${step.title}: ${name} changed`);
    }
  }
  return found;
}
