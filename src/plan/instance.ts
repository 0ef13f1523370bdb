import type { FileEntry, FileView } from "../base/file-view.ts";
import { resolveIn } from "../base/file-view.ts";
import { decodeOsText, encodeOsText } from "../base/os-text.ts";
import { GLIBC_DIRECTORIES } from "./environment-of.ts";
import type { IdentityPlan, NamespacePlan, SecurityPlan } from "./plan.ts";

/** What makes a container an instance, and what a later launch into it is planned from. */
export interface InstancePlan {
  readonly name: string;
  /** The program is process 1 itself. */
  readonly boot: boolean;
  /** Home in the container. */
  readonly home: string;
  /** Host libraries stand in /.singularity.d/libs. */
  readonly librariesBound: boolean;
  /** Content of the files that say what an image does, by path; "" where only their being there counts. */
  readonly files: Readonly<Record<string, string>>;
  readonly directories: readonly string[];
}

/** What stays of the plan of a running instance: its record holds it. */
export interface RunningInstance {
  readonly name: string;
  /** Absolute path of the image. */
  readonly image: string;
  /** Process 1 as the host knows it, and its start in clock ticks since boot. */
  readonly pid: number;
  readonly started: number;
  readonly namespaces: Pick<NamespacePlan, "user" | "pid" | "ipc" | "uts" | "net">;
  readonly identity: Pick<IdentityPlan, "uid" | "gid" | "become">;
  readonly security: SecurityPlan;
  readonly plan: InstancePlan;
}

const META = "/.singularity.d";
const SCRIPTS = `${META}/env`;
const LONGEST = 1 << 16;

/** The part of a plan that an instance is remembered by; `files` is the container as it will be. */
export function planInstance(
  name: string,
  boot: boolean,
  home: string,
  files: FileView,
  librariesBound: boolean,
): InstancePlan {
  const kept: Record<string, string> = {};
  const keep = (path: string, withContent: boolean): void => {
    const found = resolveIn(files, path);
    if (found.entry?.kind !== "file") return;
    const bytes = withContent ? files.read(found.path, LONGEST) : undefined;
    kept[path] = bytes === undefined ? "" : decodeOsText(bytes);
  };
  for (const script of files.list(resolveIn(files, SCRIPTS).path) ?? []) {
    if (script.endsWith(".sh")) keep(`${SCRIPTS}/${script}`, true);
  }
  for (const path of [`${META}/runscript`, "/environment"]) keep(path, true);
  for (const path of [`${META}/test`, "/apptainer", "/singularity", "/bin/bash", "/bin/sh"]) {
    keep(path, false);
  }
  const directories: string[] = [];
  for (const app of files.list("/scif/apps") ?? []) {
    directories.push(`/scif/apps/${app}`);
    for (const script of ["runscript", "test"]) keep(`/scif/apps/${app}/scif/${script}`, false);
  }
  if (librariesBound) {
    for (const path of GLIBC_DIRECTORIES) {
      if (resolveIn(files, path).entry?.kind === "dir") directories.push(path);
    }
  }
  if (resolveIn(files, SCRIPTS).entry?.kind === "dir") directories.push(SCRIPTS);
  return { name, boot, home, librariesBound, files: kept, directories };
}

const FILE: FileEntry = { kind: "file", mode: 0o755, uid: 0, gid: 0, sizeBytes: 0, id: "" };
const DIRECTORY: FileEntry = { ...FILE, kind: "dir" };

/** The remembered files as a view; of the rest of the container it knows nothing. */
export function rememberedFiles(plan: InstancePlan, more: readonly string[]): FileView {
  const files = new Map(Object.entries(plan.files));
  for (const path of more) if (!files.has(path)) files.set(path, "");
  const paths = [...files.keys(), ...plan.directories.map((path) => `${path}/`)];
  return {
    lstat: (path) =>
      files.has(path)
        ? FILE
        : path === "/" || paths.some((known) => known.startsWith(`${path}/`))
          ? DIRECTORY
          : undefined,
    list: (path) => {
      const start = path === "/" ? "/" : `${path}/`;
      const names = paths
        .filter((known) => known.startsWith(start) && known !== start)
        .map((known) => known.slice(start.length).split("/", 1)[0] ?? "");
      return [...new Set(names)].sort();
    },
    read: (path) => {
      const text = files.get(path);
      return text === undefined ? undefined : encodeOsText(text);
    },
  };
}
