import { type FileEntry, resolveIn } from "../../base/file-view.ts";
import { decodeOsText } from "../../base/os-text.ts";
import { NeedsShell } from "./needs-shell.ts";
import { isPattern, matchPattern, type StepCounter, unescapePattern } from "./pattern.ts";
import type { ScriptFiles } from "./script-files.ts";

/** Answers what scripts ask about files, or says that only the running container can. */
export class ContainerFiles {
  private readonly files: ScriptFiles | undefined;
  private readonly counter: StepCounter;

  constructor(files: ScriptFiles | undefined, counter: StepCounter) {
    this.files = files;
    this.counter = counter;
  }

  /** The entry with links followed, undefined when there is none. */
  stat(path: string, why: string): FileEntry | undefined {
    const files = this.need(why);
    if (!files.isKnown(path)) throw new NeedsShell(why);
    const resolved = resolveIn(files.view, path);
    if (!files.isKnown(resolved.path)) throw new NeedsShell(why);
    return resolved.entry;
  }

  /** The entry itself. */
  lstat(path: string, why: string): FileEntry | undefined {
    const at = path.lastIndexOf("/");
    const files = this.need(why);
    if (!files.isKnown(path)) throw new NeedsShell(why);
    const parent = resolveIn(files.view, at <= 0 ? "/" : path.slice(0, at));
    if (!files.isKnown(parent.path)) throw new NeedsShell(why);
    if (parent.entry?.kind !== "dir") return undefined;
    return files.view.lstat(`${parent.path === "/" ? "" : parent.path}/${path.slice(at + 1)}`);
  }

  /** Whether access(2) would grant the permission bit (4, 2, 1). */
  mayAccess(entry: FileEntry, bit: 1 | 2 | 4, why: string): boolean {
    const files = this.need(why);
    // Ownership behind id maps, read-only mounts and capabilities are matters of the running container.
    if (bit === 2 || files.uid === 0) {
      if (bit === 2) throw new NeedsShell(why);
      if (bit === 4) return true;
      return entry.kind === "dir" || (entry.mode & 0o111) !== 0;
    }
    if (
      ((entry.mode >> 6) & bit) !== 0 &&
      ((entry.mode >> 3) & bit) !== 0 &&
      (entry.mode & bit) !== 0
    ) {
      return true;
    }
    if ((entry.mode & ((bit << 6) | (bit << 3) | bit)) === 0) return false;
    throw new NeedsShell(why);
  }

  /** Text of a regular file that anybody may read. */
  read(path: string, why: string): string {
    const entry = this.stat(path, why);
    const files = this.need(why);
    if (entry?.kind !== "file" || !this.mayAccess(entry, 4, why)) throw new NeedsShell(why);
    const bytes = files.view.read(resolveIn(files.view, path).path, 1_048_576);
    if (bytes === undefined) throw new NeedsShell(why);
    return decodeOsText(bytes);
  }

  /** Full path of a program looked up in PATH, undefined when there is none. */
  lookPath(name: string, path: string, why: string): string | undefined {
    for (const directory of path.split(":")) {
      if (!directory.startsWith("/")) throw new NeedsShell(why);
      const candidate = `${directory === "/" ? "" : directory}/${name}`;
      const entry = this.stat(candidate, why);
      if (entry?.kind === "file" && this.mayAccess(entry, 1, why)) return candidate;
    }
    return undefined;
  }

  /** Paths that a pattern matches, sorted; empty when none does. The pattern is absolute. */
  glob(pattern: string, why: string): string[] {
    let found = [""];
    const parts = pattern.split("/").slice(1);
    for (const [position, part] of parts.entries()) {
      const last = position === parts.length - 1;
      if (part === "") {
        if (last)
          found = found
            .filter((path) => this.stat(path || "/", why)?.kind === "dir")
            .map((path) => `${path}/`);
        continue;
      }
      const next: string[] = [];
      for (const path of found) this.globPart(path, part, last, next, why);
      found = next;
      if (found.length > 10_000) throw new NeedsShell(why);
    }
    return found.sort();
  }

  private globPart(path: string, part: string, last: boolean, found: string[], why: string): void {
    if (!isPattern(part)) {
      const child = `${path}/${unescapePattern(part)}`;
      // Whether a directory on the way exists shows where it is listed.
      if (!last || this.lstat(child, why) !== undefined) found.push(child);
      return;
    }
    const files = this.need(why);
    const directory = resolveIn(files.view, path || "/");
    if (!files.isKnown(directory.path)) throw new NeedsShell(why);
    if (directory.entry?.kind !== "dir") return;
    if (!this.mayAccess(directory.entry, 4, why)) return;
    const hidden = part.startsWith(".") || part.startsWith("\\.");
    for (const name of files.view.list(directory.path) ?? []) {
      if (name.startsWith(".") && !hidden) continue;
      if (!matchPattern(part, name, this.counter)) continue;
      const child = `${path}/${name}`;
      if (!files.isKnown(`${directory.path === "/" ? "" : directory.path}/${name}`))
        throw new NeedsShell(why);
      if (last || this.stat(child, why)?.kind === "dir") found.push(child);
    }
  }

  private need(why: string): ScriptFiles {
    if (this.files === undefined) throw new NeedsShell(why);
    return this.files;
  }
}
