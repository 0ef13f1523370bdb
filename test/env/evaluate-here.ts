import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import type { FileEntry, FileKind, FileView } from "../../src/base/file-view.ts";
import { ExitSignal } from "../../src/plan/shell/exit-signal.ts";
import { Interpreter } from "../../src/plan/shell/interpreter.ts";
import { NeedsShell } from "../../src/plan/shell/needs-shell.ts";
import type { ScriptFiles } from "../../src/plan/shell/script-files.ts";

/** What a script did: exported variables, standard output, and the status it ended with. */
export interface Effect {
  readonly exported: Readonly<Record<string, string>>;
  readonly output: string;
  /** Absent after a syntax error: it tells nothing then. */
  readonly status: number | undefined;
}

export const ARGUMENTS: readonly string[] = ["one", "two words", ""];
export const HOME = "/home/u";

/** Evaluates a script without a shell; the reason when it refuses. */
export function evaluateHere(text: string, files?: ScriptFiles): Effect | string {
  const interpreter = new Interpreter(files);
  const origin = { path: "start", text: "", at: -1 };
  const { state } = interpreter;
  state.name = "/the/name";
  state.positional = ARGUMENTS;
  state.set("IFS", " \t\n", origin);
  state.set("OPTIND", "1", origin);
  for (const [name, value] of [
    ["HOME", HOME],
    ["PWD", "/"],
  ] as const) {
    state.set(name, value, origin);
    state.mark(name, { exported: true }, origin);
  }
  let status: number | undefined;
  try {
    const error = interpreter.runScript("/script", text);
    status = error === undefined ? state.status : undefined;
  } catch (error) {
    if (error instanceof NeedsShell) return error.reason;
    if (!(error instanceof ExitSignal)) throw error;
    status = error.status;
  }
  const exported: Record<string, string> = {};
  for (const [name, variable] of state.variables) {
    if (variable.exported && variable.value !== undefined) exported[name] = variable.value;
  }
  const output = interpreter.written
    .filter((w) => w.stream === 1)
    .map((w) => w.text)
    .join("");
  return { exported, output, status };
}

/** Whether what was found here is what bash did. */
export function sameEffect(here: Effect, bash: Effect | undefined): boolean {
  return Bun.deepEquals(here, here.status === undefined ? { ...bash, status: undefined } : bash);
}

/** The real tree below `root` as a container's files; nothing else is known. */
export function realFiles(root: string): ScriptFiles {
  const view: FileView = {
    lstat(path): FileEntry | undefined {
      let stats: Stats | undefined;
      try {
        stats = lstatSync(path, { throwIfNoEntry: false });
      } catch {
        // A part of the path is a file.
        return undefined;
      }
      if (stats === undefined) return undefined;
      const kind = kindOf(stats);
      const base = {
        kind,
        mode: stats.mode & 0o7777,
        uid: stats.uid,
        gid: stats.gid,
        sizeBytes: stats.size,
        id: `${stats.dev}:${stats.ino}`,
      };
      return kind === "symlink" ? { ...base, link: readlinkSync(path) } : base;
    },
    list: (path) => readdirSync(path).sort(),
    read: (path) => new Uint8Array(readFileSync(path)),
  };
  return {
    view,
    isKnown: (path) => path === root || path.startsWith(`${root}/`),
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    groups: [],
  };
}

function kindOf(stats: Stats): FileKind {
  if (stats.isDirectory()) return "dir";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isFIFO()) return "fifo";
  if (stats.isSocket()) return "socket";
  if (stats.isCharacterDevice()) return "char";
  return stats.isBlockDevice() ? "block" : "file";
}
