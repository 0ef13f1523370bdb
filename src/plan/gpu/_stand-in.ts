import type { FileEntry } from "../../base/file-view.ts";
import type { HostFacts } from "../facts.ts";
import type { GpuFacts, HostElf, HostLibrary, ImageLibc } from "./gpu-facts.ts";

/** A machine for tests: paths with what they are, "-> path" for a link. */
export interface StandIn {
  readonly paths?: Readonly<Record<string, string>>;
  readonly tools?: Readonly<Record<string, string>>;
  readonly elves?: Readonly<Record<string, Partial<HostElf>>>;
  readonly libraries?: readonly (readonly [name: string, path: string, special?: boolean])[];
  readonly libc?: ImageLibc;
}

/** The part of HostFacts that GPU rules use; anything else is missing and would throw. */
export function standInHost({ paths = {}, tools = {}, elves = {} }: StandIn): HostFacts {
  const all: Readonly<Record<string, string>> = { ...fromKeys(elves), ...paths };
  const lstat = (path: string): FileEntry | undefined => {
    const text = all[path];
    if (text === undefined) return undefined;
    const facts = { mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, id: path };
    return text.startsWith("-> ")
      ? { kind: "symlink", link: text.slice(3), ...facts }
      : { kind: "file", ...facts };
  };
  const realPath = (path: string): string | undefined => {
    const entry = lstat(path);
    return entry?.link === undefined
      ? entry === undefined
        ? undefined
        : path
      : realPath(entry.link);
  };
  const list = (directory: string) => {
    const names = Object.keys(all)
      .filter((path) => path.slice(0, path.lastIndexOf("/")) === directory)
      .map((path) => path.slice(directory.length + 1));
    return names.length === 0 ? undefined : names.sort();
  };
  const host = {
    files: { lstat, list, read: () => undefined },
    realPath,
    tool: (name: string) => tools[name],
  };
  return host as unknown as HostFacts;
}

/** Facts with x86_64 (62) as the machine of files that do not say otherwise. */
export function standInFacts(standIn: StandIn): Pick<GpuFacts, "gpu" | "libc"> {
  const libraries: readonly HostLibrary[] = (standIn.libraries ?? []).map(
    ([name, path, special]) => ({
      name,
      path,
      special: special === true,
    }),
  );
  const elf = (path: string): HostElf | undefined => {
    const found = standIn.elves?.[path];
    if (found === undefined) return undefined;
    return { machine: 62, soname: undefined, needsGlibc: undefined, ...found };
  };
  return { gpu: { libraries, machine: 62, elf }, libc: standIn.libc };
}

function fromKeys(elves: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys(elves).map((path) => [path, "elf"]));
}
