import { readFileSync } from "node:fs";
import { type FileView, resolveIn } from "../../base/file-view.ts";
import { decodeOsText } from "../../base/os-text.ts";
import { cleanPath, isWithin } from "../../base/path.ts";
import {
  type IgnorePattern,
  isIgnored,
  mayHoldExceptions,
  parseIgnore,
  patternSource,
} from "../../format/dockerfile/ignore.ts";
import { hostFiles } from "../../host/host-files.ts";

/** A tree that COPY takes from: the context, an earlier stage or an image. */
export interface CopySource {
  /** Host path of its root. */
  readonly root: string;
  /** What is left out of it; none for a stage. */
  readonly patterns: readonly IgnorePattern[];
  /** Whether owners come along: not those of the context, which are the caller's. */
  readonly keepsOwners: boolean;
}

/**
 * The context of a Dockerfile: `FILE.dockerignore` beside it counts before `.dockerignore`. What the
 * build itself makes there is left out.
 *
 * @param target of the build, absolute.
 */
export function openContext(folder: string, dockerfile: string, target: string): CopySource {
  const text =
    readIgnoreFile(`${dockerfile}.dockerignore`) ?? readIgnoreFile(`${folder}/.dockerignore`);
  const own = ["**/skiff-build-??????"];
  if (isWithin(folder, target)) own.push(target.slice(folder.length).replace(/[*?[\\]/g, "\\$&"));
  const patterns = [...parseIgnore(text ?? ""), ...parseIgnore(own.join("\n"))];
  return { root: folder, patterns, keepsOwners: false };
}

function readIgnoreFile(path: string): string | undefined {
  try {
    return decodeOsText(new Uint8Array(readFileSync(path)));
  } catch {
    return undefined;
  }
}

/** Whether a path of a source, clean and without slash in front, is left out. */
export function isLeftOut(source: CopySource, path: string): boolean {
  return path !== "" && source.patterns.length > 0 && isIgnored(source.patterns, path);
}

/** Whether a left out directory must still be looked into. */
export function mayHoldKept(source: CopySource): boolean {
  return mayHoldExceptions(source.patterns);
}

/**
 * Paths of a source that a word of COPY names, clean and without slash in front; "" is the root
 * itself. Wildcards stay within a name. Symbolic links in front of the last part are followed inside
 * the source. A word without wildcards names itself, whether it is there or not.
 */
export function matchPaths(source: CopySource, word: string): readonly string[] {
  const view = hostFiles(source.root);
  const clean = cleanPath(`/${word}`).slice(1);
  if (!/[*?[\\]/.test(clean)) return [clean];
  let found: readonly string[] = [""];
  for (const part of clean.split("/")) {
    found = found.flatMap((path) => matchPart(view, path, part));
  }
  return found.filter((path) => !isLeftOut(source, path));
}

function matchPart(view: FileView, path: string, part: string): readonly string[] {
  const join = (name: string): string => (path === "" ? name : `${path}/${name}`);
  if (!/[*?[\\]/.test(part)) {
    return resolveIn(view, `/${join(part)}`).entry === undefined ? [] : [join(part)];
  }
  const pattern = patternSource(part.replace(/\*+/g, "*"));
  if (pattern === undefined) return [];
  const expression = new RegExp(`^${pattern}$`, "s");
  const names = view.list(resolveIn(view, `/${path}`).path) ?? [];
  return names.filter((name) => expression.test(name)).map(join);
}
