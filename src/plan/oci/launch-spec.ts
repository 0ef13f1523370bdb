import { Fault } from "../../base/fault.ts";
import { CAPABILITIES, hasBit } from "../capabilities.ts";
import { dataDir, HOST, ROOT, stagedFile } from "../lower/layout.ts";
import type { IdentityPlan, MountFlag, Plan, PlannedMount } from "../plan.ts";
import { defaultMounts } from "./bundle-spec.ts";
import {
  type CapabilitySet,
  type RuntimeSpec,
  SPEC_VERSION,
  type SpecIdMap,
  type SpecLinux,
  type SpecMount,
} from "./runtime-spec.ts";

/** What the machine adds to a plan that an OCI runtime carries out. */
export interface LaunchBundle {
  /** Ids of the namespace that the runtime itself runs in; absent: the caller's. */
  readonly outer: IdentityPlan | undefined;
  /** Where the session (lower/layout.ts) is seen by the runtime. */
  readonly base: string;
  readonly terminal: boolean;
  /** Capabilities that can be had: a mask. */
  readonly permitted: number;
  /** The plan's filter of system calls, as the specification writes it. */
  readonly seccomp?: unknown;
  /** Flags of the mount that a path of the host lies on: a nested user namespace may take none of them away. */
  readonly flagsOf: (path: string) => readonly MountFlag[];
}

/** Of the session's memory. */
const SESSION_FLAGS: readonly MountFlag[] = ["nosuid", "nodev"];

/** Device nodes that every OCI runtime makes. */
const USUAL_NODES = [
  ...["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"],
  ...["/dev/console", "/dev/ptmx"],
];

/**
 * The plan as `config.json` for an OCI runtime: a second way to carry out what `lower()` makes
 * operations of. The root file system is put together before, by operations (lower-oci.ts).
 *
 * @throws Fault `unsupported` for what cannot be said there.
 */
export function launchSpec(plan: Plan, bundle: LaunchBundle): RuntimeSpec {
  const { environment, cwd, security, namespaces, identity } = plan;
  if (environment.kind === "shell") throw cannot(`the image's environment: ${environment.reason}`);
  if (plan.limits !== undefined && bundle.outer !== undefined) {
    throw cannot("resource limits of an ordinary user");
  }
  if (plan.network !== undefined) throw cannot("networks other than none");
  const label = security.label;
  return {
    ociVersion: SPEC_VERSION,
    process: {
      terminal: bundle.terminal,
      user: {
        uid: identity.become?.uid ?? identity.uid,
        gid: identity.become?.gid ?? identity.gid,
        umask: plan.umask.mask,
        ...(identity.become === undefined ? {} : { additionalGids: identity.become.groups }),
      },
      args: plan.process.candidates[0]?.argv ?? [],
      env: environment.variables.map(({ name, value }) => `${name}=${value}`),
      cwd: cwd.candidates[0] ?? "/",
      capabilities: capabilities(plan, bundle.permitted),
      noNewPrivileges: security.noNewPrivs,
      ...(label?.module === "apparmor" ? { apparmorProfile: label.label } : {}),
      ...(label?.module === "selinux" ? { selinuxLabel: label.label } : {}),
    },
    root: { path: `${bundle.base}${ROOT}`, ...(plan.root.readOnly ? { readonly: true } : {}) },
    ...(plan.hostname === undefined ? {} : { hostname: plan.hostname }),
    mounts: plan.mounts.flatMap((mount, index) =>
      mountsOf(mount, index, { ...bundle, owner: identity }),
    ),
    linux: {
      namespaces: [
        { type: "mount" },
        ...(["pid", "ipc", "uts"] as const)
          .filter((name) => namespaces[name] || (name === "uts" && plan.hostname !== undefined))
          .map((type) => ({ type })),
        ...(namespaces.net ? [{ type: "network" }] : []),
        ...(isNested(identity, bundle.outer) ? [{ type: "user" }] : []),
      ],
      ...idMaps(identity, bundle.outer),
      ...(bundle.seccomp === undefined ? {} : { seccomp: bundle.seccomp }),
      ...(plan.limits === undefined ? {} : { resources: plan.limits.resources }),
      rootfsPropagation: plan.propagation === "slave" ? "rslave" : "rprivate",
    },
  };
}

function cannot(what: string): Fault {
  return new Fault("unsupported", `Cannot use --oci: ${what} cannot be given to an OCI runtime`, {
    hint: "leave --oci out",
  });
}

function capabilities(
  plan: Plan,
  permitted: number,
): Readonly<Record<CapabilitySet, readonly string[]>> {
  const { effective, bounding, ambient } = plan.security;
  const names = (mask: number): readonly string[] =>
    CAPABILITIES.filter((_, bit) => hasBit(mask, bit) && hasBit(permitted, bit));
  return {
    bounding: names(bounding),
    effective: names(effective),
    permitted: names(effective),
    inheritable: names(effective),
    ambient: names(ambient),
  };
}

/** Whether the program's ids are others than the runtime's: then a user namespace in that namespace shows them. */
function isNested(inner: IdentityPlan, outer: IdentityPlan | undefined): outer is IdentityPlan {
  return outer !== undefined && inner.uid !== outer.uid;
}

/**
 * The caller, who is 0 outside, keeps the number; the ids around it come from the sub-ids. Throws a Fault where
 * the image's user is none of them.
 */
function idMaps(
  inner: IdentityPlan,
  outer: IdentityPlan | undefined,
): Pick<SpecLinux, "uidMappings" | "gidMappings"> {
  if (!isNested(inner, outer)) return {};
  const uidMappings = aroundOwn(inner.uid, countOf(outer.uidMap));
  const gidMappings = aroundOwn(inner.gid, countOf(outer.gidMap));
  const has = (maps: readonly SpecIdMap[], id: number): boolean =>
    maps.some(({ containerID, size }) => id >= containerID && id < containerID + size);
  const { become, why } = inner;
  if (become !== undefined && !(has(uidMappings, become.uid) && has(gidMappings, become.gid))) {
    const ids = `${become.uid}:${become.gid}`;
    throw new Fault(
      "denied",
      `Cannot start the image as ${ids} (${why}): your sub-ids do not reach so far`,
      {
        hint: "start it with --fakeroot, or without --oci; more ids come from /etc/subuid and /etc/subgid",
      },
    );
  }
  return { uidMappings, gidMappings };
}

function countOf(map: string): number {
  const lines = map.trim().split("\n");
  return lines.reduce((sum, line) => sum + Number(line.split(" ")[2] ?? 0), 0);
}

function aroundOwn(own: number, count: number): readonly SpecIdMap[] {
  const rest = count - 1;
  const below = Math.min(own, rest);
  const maps = [
    { containerID: 0, hostID: 1, size: below },
    { containerID: own, hostID: 0, size: 1 },
    { containerID: own + 1, hostID: below + 1, size: rest - below },
  ];
  return maps.filter(({ size }) => size > 0);
}

function mountsOf(
  mount: PlannedMount,
  index: number,
  bundle: LaunchBundle & { readonly owner: Pick<IdentityPlan, "uid" | "gid"> },
): readonly SpecMount[] {
  const { base } = bundle;
  // The session covers a directory of the host: there the host is seen whole.
  const host = `${base}${HOST}`;
  const destination = mount.target;
  const bind = (source: string, options: readonly string[]): SpecMount => ({
    ...{ destination, type: "none", source },
    options,
  });
  switch (mount.kind) {
    case "bind":
      return [
        bind(`${host}${mount.source}`, [
          mount.recursive ? "rbind" : "bind",
          ...new Set([...mount.flags, ...bundle.flagsOf(mount.source)]),
        ]),
      ];
    case "kernel": {
      const data = mount.data === "" ? [] : mount.data.split(",");
      const { fstype } = mount;
      return [{ destination, type: fstype, source: fstype, options: [...mount.flags, ...data] }];
    }
    case "session-dir": {
      const mode = `mode=${mount.mode.toString(8)}`;
      const owner = [`uid=${bundle.owner.uid}`, `gid=${bundle.owner.gid}`];
      const options = [...mount.flags, mode, ...owner];
      return [{ destination, type: "tmpfs", source: "tmpfs", options }];
    }
    case "staged-file":
      return [bind(`${base}${stagedFile(index)}`, ["bind", ...SESSION_FLAGS, ...mount.flags])];
    case "libraries":
      return mount.files.map((file) => ({
        ...{
          destination: `${destination}/${file.name}`,
          type: "none",
          source: `${host}${file.source}`,
        },
        options: [...new Set(["bind", "ro", ...SESSION_FLAGS, ...bundle.flagsOf(file.source)])],
      }));
    case "image-bind":
      return [bind(`${base}${dataDir(index)}${mount.dir}`, ["bind", ...mount.flags])];
    case "minimal-dev": {
      const dev = defaultMounts(bundle.outer !== undefined).filter(
        (one) =>
          one.destination.startsWith("/dev") &&
          (mount.mqueue || one.type !== "mqueue") &&
          (mount.devpts || one.type !== "devpts"),
      );
      const more = mount.nodes.filter(({ path }) => !USUAL_NODES.includes(path));
      return [
        ...dev,
        ...more.map(({ path }) => ({
          ...{ destination: path, type: "none", source: `${host}${path}` },
          options: ["bind", ...bundle.flagsOf(path)],
        })),
      ];
    }
    case "fuse":
      throw cannot("--fusemount");
  }
}
