import { Fault } from "../base/fault.ts";
import { type FileView, resolveIn } from "../base/file-view.ts";
import { type ConfEntry, parseConf, splitConfList } from "../format/conf/parse.ts";
import type { Config, ConfigValues } from "../plan/config.ts";
import { DIRECTIVES, type Directive, describeAuthorised } from "./directives.ts";

/** Where the configuration comes from. */
export interface LoadOptions {
  /** Files of this host (`HostFacts.files`). */
  readonly files: FileView;
  /** `--config` or its environment variable, as given: this file and no other; a missing one is a fault. */
  readonly file?: string;
  /** Install prefix: the directory above the one that holds the binary. Adds PREFIX/etc/skiff/skiff.conf. */
  readonly prefix?: string;
  /** `--build-config`: the defaults without configured binds, resolv.conf, home and devpts; reads nothing. */
  readonly forBuild?: boolean;
}

/**
 * The configuration in force. Without `file`, the first of these that exists:
 * PREFIX/etc/skiff/skiff.conf, /etc/skiff/skiff.conf, then the peers' own
 * /etc/apptainer/apptainer.conf and /etc/singularity/singularity.conf, so that a site's policy
 * holds from the first run; with none of them, the built-in defaults.
 * Throws a Fault that names file and line for a value that its directive does not accept.
 */
export function loadConfig(options: LoadOptions): Config {
  if (options.forBuild === true) return buildConfig();
  for (const file of configFiles(options)) {
    const text = readConfig(options.files, file);
    if (text !== undefined) return parseConfig(text, file);
    if (options.file === undefined) continue;
    throw new Fault("not-found", `Cannot read the configuration file "${file}": no such file`);
  }
  return { values: defaultValues(), file: undefined, sources: {} };
}

/** Text of a configuration file; undefined when there is none. One that cannot be read is a fault: it may hold a policy. */
function readConfig(files: FileView, file: string): string | undefined {
  // A relative name is the caller's: the view has the whole machine, so it goes by way of /proc.
  const name = file.startsWith("/") ? file : `/proc/self/cwd/${file}`;
  // One look at a file that is not there: on most machines all but one of the candidates.
  if (files.lstat(name) === undefined) return undefined;
  const { path, entry } = resolveIn(files, name);
  if (entry === undefined) return undefined;
  const bytes = files.read(path);
  if (bytes !== undefined) return new TextDecoder().decode(bytes);
  const why = entry.kind === "file" ? "it is not readable" : "it is not a regular file";
  throw new Fault("denied", `Cannot read the configuration file "${file}": ${why}`);
}

/** Candidates in the order they are tried. */
export function configFiles(options: Pick<LoadOptions, "file" | "prefix">): readonly string[] {
  if (options.file !== undefined) return [options.file];
  const prefix = options.prefix ?? "";
  return [
    ...(prefix === "" || prefix === "/" ? [] : [`${prefix}/etc/skiff/skiff.conf`]),
    "/etc/skiff/skiff.conf",
    "/etc/apptainer/apptainer.conf",
    "/etc/singularity/singularity.conf",
  ];
}

/**
 * Configuration from a file's text. A directive that the text leaves out (or leaves empty) has its
 * default; a list then is empty. `sources` has `FILE:LINE` by directive, for a list of its first
 * line, and `DIRECTIVE[INDEX]` for each member. Unknown directives are ignored.
 */
export function parseConfig(text: string, file: string): Config {
  const entries = new Map<string, ConfEntry[]>();
  for (const entry of parseConf(text)) {
    if (entry.value === "") continue;
    const earlier = entries.get(entry.directive);
    if (earlier === undefined) entries.set(entry.directive, [entry]);
    else earlier.push(entry);
  }
  const sources: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  for (const key in DIRECTIVES) {
    const row: Directive = DIRECTIVES[key as keyof ConfigValues];
    const found = entries.get(row.name) ?? [];
    const [first] = found;
    if (first !== undefined) sources[row.name] = `${file}:${first.line}`;
    if (row.kind === "list") {
      const members: string[] = [];
      for (const entry of found) {
        for (const member of splitConfList(entry.value)) {
          sources[`${row.name}[${members.length}]`] = `${file}:${entry.line}`;
          members.push(member);
        }
      }
      values[key] = members;
    } else {
      values[key] = first === undefined ? row.fallback : acceptValue(row, first, found, file);
    }
  }
  // Every key of DIRECTIVES, whose type has every key of ConfigValues, was filled by its own row.
  return { values: values as unknown as ConfigValues, file, sources };
}

/** Of several lines the first counts, but a wrong word on any of them is said. */
function acceptValue(
  row: Directive,
  first: ConfEntry,
  all: readonly ConfEntry[],
  file: string,
): Directive["fallback"] {
  for (const entry of all) {
    if (row.parse(entry.value) !== undefined) continue;
    throw new Fault(
      "invalid",
      `Cannot use the configuration file "${file}", line ${entry.line}: "${row.name}" is "${entry.value}" and ${describeAuthorised(row)}`,
    );
  }
  return row.parse(first.value) ?? row.fallback;
}

function defaultValues(): ConfigValues {
  const values: Record<string, unknown> = {};
  for (const key in DIRECTIVES) values[key] = DIRECTIVES[key as keyof ConfigValues].fallback;
  // As above: every key, each from its own row.
  return values as unknown as ConfigValues;
}

function buildConfig(): Config {
  const values: ConfigValues = {
    ...defaultValues(),
    bindPath: [],
    configResolvConf: false,
    mountHome: false,
    mountDevpts: false,
  };
  const sources = ["bind path", "config resolv_conf", "mount home", "mount devpts"];
  return {
    values,
    file: undefined,
    sources: Object.fromEntries(sources.map((name) => [name, "--build-config"])),
  };
}
