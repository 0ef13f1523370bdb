import { Fault } from "../../base/fault.ts";
import {
  type CdiEdits,
  type CdiSpec,
  isCdiDeviceName,
  isCdiKind,
  readCdiSpec,
} from "./cdi-spec.ts";
import type { CdiFile } from "./gpu-facts.ts";

/** Edits of one device, and the file it is from. */
export interface CdiDevice {
  /** "vendor.com/class=name". */
  readonly name: string;
  readonly file: string;
  readonly edits: CdiEdits;
}

/** Devices asked for, and once per file the edits that go with them. */
export interface CdiSelection {
  readonly devices: readonly CdiDevice[];
  readonly common: readonly CdiDevice[];
}

interface Known {
  readonly file: CdiFile;
  readonly spec: CdiSpec;
}

/**
 * Looks devices up by their full names, `vendor.com/class=name`. Of a device that is in several
 * directories the one of the later directory counts; twice in one directory is a conflict. `=all`
 * means every device of the kind, unless one has that name. Names may repeat: each counts once.
 *
 * @throws Fault for a name of another form, an unknown device or a conflict; it lists what there is.
 */
export function selectCdiDevices(
  names: readonly string[],
  files: readonly CdiFile[],
): CdiSelection {
  const known: Known[] = [];
  const broken: string[] = [];
  for (const file of files) {
    const result = readCdiSpec(file.content);
    if (result.ok) known.push({ file, spec: result.spec });
    else broken.push(`${file.path} (${result.reason})`);
  }
  const devices = new Map<string, CdiDevice>();
  const used = new Set<Known>();
  for (const wanted of names) {
    const [kind, device] = splitName(wanted);
    for (const name of expand(kind, device, known)) {
      const owner = ownerOf(kind, name, known);
      const edits = owner?.spec.devices.get(name);
      if (owner === undefined || edits === undefined) throw unknownDevice(wanted, known, broken);
      used.add(owner);
      devices.set(`${kind}=${name}`, { name: `${kind}=${name}`, file: owner.file.path, edits });
    }
  }
  const common = [...used].map(({ file, spec }) => ({
    name: spec.kind,
    file: file.path,
    edits: spec.common,
  }));
  return { devices: [...devices.values()], common };
}

function splitName(name: string): readonly [kind: string, device: string] {
  const cut = name.indexOf("=");
  const [kind, device] = [name.slice(0, Math.max(cut, 0)), name.slice(cut + 1)];
  if (isCdiKind(kind) && isCdiDeviceName(device)) return [kind, device];
  throw new Fault(
    "usage",
    `Cannot use the device "${name}": not of the form vendor.example/class=name`,
    {
      exitCode: 255,
    },
  );
}

function expand(kind: string, device: string, known: readonly Known[]): readonly string[] {
  const names = known
    .filter(({ spec }) => spec.kind === kind)
    .flatMap(({ spec }) => [...spec.devices.keys()]);
  return device === "all" && names.length > 0 && !names.includes("all")
    ? [...new Set(names)]
    : [device];
}

function ownerOf(kind: string, device: string, known: readonly Known[]): Known | undefined {
  const having = known.filter(({ spec }) => spec.kind === kind && spec.devices.has(device));
  const highest = Math.max(...having.map(({ file }) => file.priority));
  const [owner, rival] = having.filter(({ file }) => file.priority === highest);
  if (owner === undefined || rival === undefined) return owner;
  throw new Fault(
    "invalid",
    `Cannot use the device "${kind}=${device}": both ${owner.file.path} and ${rival.file.path} describe it`,
  );
}

function unknownDevice(name: string, known: readonly Known[], broken: readonly string[]): Fault {
  const names = known.flatMap(({ spec }) =>
    [...spec.devices.keys()].map((device) => `${spec.kind}=${device}`),
  );
  const why = broken.length === 0 ? "" : `; not readable: ${broken.join(", ")}`;
  return new Fault(
    "not-found",
    `Cannot use the device "${name}": no CDI specification describes it${why}`,
    {
      hint:
        names.length === 0
          ? "put a specification into /etc/cdi or name its directory with --cdi-dirs"
          : `known devices: ${[...new Set(names)].join(", ")}`,
    },
  );
}
