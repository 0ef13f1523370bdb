/*
 * Container Device Interface specifications (CDI, v0.3 to v1.0), from parsed JSON or YAML:
 *
 *   cdiVersion, kind: "vendor.com/class",
 *   devices: [{ name, containerEdits }], containerEdits (added when any of the devices is used)
 *   containerEdits: env [K=V], deviceNodes, mounts, hooks, additionalGids
 *
 * Unknown members are passed over, as newer minor versions add some.
 */

export interface CdiEdits {
  /** `NAME=value`. */
  readonly env: readonly string[];
  readonly deviceNodes: readonly CdiDeviceNode[];
  readonly mounts: readonly CdiMount[];
  readonly hooks: readonly CdiHook[];
}

export interface CdiDeviceNode {
  /** Path in the container. */
  readonly path: string;
  /** Path on the host; the same as `path` when the specification does not say. */
  readonly hostPath: string;
  /** "r", "w", "m" in any order. */
  readonly permissions: string;
}

export interface CdiMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly options: readonly string[];
  /** File system type; "" and "bind" are bind mounts. */
  readonly type: string;
}

export interface CdiHook {
  readonly hookName: string;
  readonly path: string;
  readonly args: readonly string[];
}

export interface CdiSpec {
  /** "vendor.com/class". */
  readonly kind: string;
  readonly devices: ReadonlyMap<string, CdiEdits>;
  /** Edits that go with every device of the file. */
  readonly common: CdiEdits;
}

/** A specification, or why the data is none. */
export type CdiResult =
  | { readonly ok: true; readonly spec: CdiSpec }
  | { readonly ok: false; readonly reason: string };

/** Thrown and caught in this file only: the first thing that is wrong ends the reading. */
class Wrong extends Error {}

/** Checks every member that is used, once, so that nothing behind it can be of a wrong type. */
export function readCdiSpec(content: unknown): CdiResult {
  try {
    const top = record(content, "the document");
    const version = text(top["cdiVersion"], "cdiVersion");
    if (!/^[01]\.\d+\.\d+$/.test(version))
      throw new Wrong(`cdiVersion "${version}" is not supported`);
    const kind = text(top["kind"], "kind");
    if (!isCdiKind(kind)) throw new Wrong(`kind "${kind}" is not of the form vendor.example/class`);
    const devices = new Map<string, CdiEdits>();
    for (const entry of list(top["devices"], "devices")) {
      const device = record(entry, "a device");
      const name = text(device["name"], "the name of a device");
      if (!isCdiDeviceName(name)) throw new Wrong(`"${name}" is no device name`);
      if (devices.has(name)) throw new Wrong(`device "${name}" is there twice`);
      devices.set(name, edits(device["containerEdits"]));
    }
    return { ok: true, spec: { kind, devices, common: edits(top["containerEdits"]) } };
  } catch (error) {
    if (error instanceof Wrong) return { ok: false, reason: error.message };
    throw error;
  }
}

/** Whether a text is `vendor/class`: letters, digits, "_", "-", and in the vendor "."; starting and ending in a letter or digit. */
export function isCdiKind(kind: string): boolean {
  return /^[A-Za-z]([\w.-]*[A-Za-z0-9])?\/[A-Za-z]([\w-]*[A-Za-z0-9])?$/.test(kind);
}

/** Whether a text can name a device: letters, digits and `_-.:` inside. */
export function isCdiDeviceName(name: string): boolean {
  return /^[A-Za-z0-9]([\w.:-]*[A-Za-z0-9])?$/.test(name);
}

function edits(value: unknown): CdiEdits {
  const from = value === undefined || value === null ? {} : record(value, "containerEdits");
  return {
    env: list(from["env"], "env").map((entry) => {
      const pair = text(entry, "an env entry");
      if (pair.indexOf("=") < 1) throw new Wrong(`env entry "${pair}" is not NAME=value`);
      return pair;
    }),
    deviceNodes: list(from["deviceNodes"], "deviceNodes").map(deviceNode),
    mounts: list(from["mounts"], "mounts").map(mount),
    hooks: list(from["hooks"], "hooks").map((entry) => {
      const hook = record(entry, "a hook");
      return {
        hookName: text(hook["hookName"], "hookName"),
        path: text(hook["path"], "the path of a hook"),
        args: texts(hook["args"], "the args of a hook"),
      };
    }),
  };
}

function deviceNode(entry: unknown): CdiDeviceNode {
  const node = record(entry, "a device node");
  const path = absolute(node["path"], "the path of a device node");
  const hostPath = optional(node["hostPath"], "hostPath") || path;
  return { path, hostPath, permissions: optional(node["permissions"], "permissions") || "rwm" };
}

function mount(entry: unknown): CdiMount {
  const from = record(entry, "a mount");
  return {
    hostPath: text(from["hostPath"], "the hostPath of a mount"),
    containerPath: absolute(from["containerPath"], "the containerPath of a mount"),
    options: texts(from["options"], "the options of a mount"),
    type: optional(from["type"], "the type of a mount"),
  };
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    // Checked just now; members stay unknown.
    return value as Readonly<Record<string, unknown>>;
  }
  throw new Wrong(`${what} is not an object`);
}

function list(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new Wrong(`${what} is not a list`);
}

function texts(value: unknown, what: string): readonly string[] {
  return list(value, what).map((entry) => text(entry, what));
}

function text(value: unknown, what: string): string {
  if (typeof value === "string" && !value.includes("\0")) return value;
  throw new Wrong(`${what} is ${value === undefined ? "missing" : "not a text"}`);
}

function optional(value: unknown, what: string): string {
  return value === undefined || value === null ? "" : text(value, what);
}

function absolute(value: unknown, what: string): string {
  const path = text(value, what);
  if (path.startsWith("/")) return path;
  throw new Wrong(`${what} "${path}" is not absolute`);
}
