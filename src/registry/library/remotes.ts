import { readFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { replaceFile } from "../../config/replace-file.ts";

/** A library service and what goes with it (reference: library-api.md section 9). */
export interface Remote {
  /** Host and path, without scheme. */
  readonly uri: string;
  /** "" when not logged in. */
  readonly token: string;
  /** From the list for all users. */
  readonly isSystem: boolean;
  /** No other service may be used. */
  readonly isExclusive: boolean;
  /** Reached by plain http. */
  readonly isInsecure: boolean;
  /** Key servers and whatever else the file says about it, kept as it is. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** A remote.yaml, the peer's format. */
export interface RemoteList {
  /** Name of the service in use; "" for none. */
  readonly active: string;
  readonly remotes: ReadonlyMap<string, Remote>;
  /** Other members of the file, kept as they are. */
  readonly rest: Readonly<Record<string, unknown>>;
}

type Table = Readonly<Record<string, unknown>>;

const DEFAULT: RemoteList = {
  active: "DefaultRemote",
  remotes: new Map([["DefaultRemote", systemRemote("cloud.apptainer.org")]]),
  rest: {},
};

function systemRemote(uri: string): Remote {
  return { uri, token: "", isSystem: true, isExclusive: false, isInsecure: false, rest: {} };
}

/** Files of the list for all users, the first that exists counts. */
export const SYSTEM_FILES: readonly string[] = [
  "/etc/skiff/remote.yaml",
  "/etc/apptainer/remote.yaml",
  "/etc/singularity/remote.yaml",
];

/** The list for all users; with no file of it, the service that the peer comes with. */
export function readSystemRemotes(files: readonly string[] = SYSTEM_FILES): RemoteList {
  for (const file of files) {
    const list = readRemotes(file);
    if (list === undefined) continue;
    const remotes = [...list.remotes].map(
      ([name, one]) => [name, { ...one, isSystem: true }] as const,
    );
    return { ...list, remotes: new Map(remotes) };
  }
  return DEFAULT;
}

/** A file's list; undefined when there is no such file. Throws a Fault for one that is broken. */
export function readRemotes(path: string): RemoteList | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Fault("denied", `Cannot read the list of services "${path}"`, { cause: error });
  }
  return parseRemotes(text, path);
}

/** Reads the text of a remote.yaml; `path` names it in faults. */
export function parseRemotes(text: string, path: string): RemoteList {
  const refuse = (): never => {
    throw new Fault("invalid", `Cannot read the list of services "${path}": its format is broken`);
  };
  let document: unknown;
  try {
    document = Bun.YAML.parse(text);
  } catch {
    return refuse();
  }
  const { Active: active, Remotes: remotes, ...rest } = tableOf(document ?? {}) ?? refuse();
  const found = new Map<string, Remote>();
  for (const [name, value] of Object.entries(tableOf(remotes ?? {}) ?? refuse())) {
    const { URI, Token, System, Exclusive, Insecure, ...more } = tableOf(value) ?? refuse();
    if (typeof URI !== "string") refuse();
    found.set(name, {
      uri: String(URI),
      token: typeof Token === "string" ? Token : "",
      isSystem: System === true,
      isExclusive: Exclusive === true,
      isInsecure: Insecure === true,
      rest: more,
    });
  }
  return { active: typeof active === "string" ? active : "", remotes: found, rest };
}

/** A user's list together with that for all users; an exclusive service of the latter is the one in use. */
export function mergeRemotes(system: RemoteList, own: RemoteList | undefined): RemoteList {
  const remotes = new Map(system.remotes);
  for (const [name, remote] of own?.remotes ?? []) {
    const known = remotes.get(name);
    // What root says counts, but for the log-in.
    if (known === undefined) {
      if (!remote.isSystem) remotes.set(name, remote);
    } else remotes.set(name, { ...known, token: remote.token });
  }
  const exclusive = [...remotes].find(([, one]) => one.isExclusive)?.[0];
  const chosen = own !== undefined && remotes.has(own.active) ? own.active : system.active;
  return { active: exclusive ?? chosen, remotes, rest: own?.rest ?? {} };
}

/** Replaces a list, with mode `mode`: the user's own holds tokens. */
export function writeRemotes(path: string, list: RemoteList, mode: 0o600 | 0o644): void {
  const remotes = [...list.remotes].map(([name, one]) => [
    name,
    {
      URI: one.uri,
      ...(one.token === "" ? {} : { Token: one.token }),
      System: one.isSystem,
      Exclusive: one.isExclusive,
      ...(one.isInsecure ? { Insecure: true } : {}),
      ...one.rest,
    },
  ]);
  const document = { Active: list.active, Remotes: Object.fromEntries(remotes), ...list.rest };
  replaceFile(path, `${Bun.YAML.stringify(document, null, 4)}\n`, mode);
}

function tableOf(value: unknown): Table | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Table)
    : undefined;
}
