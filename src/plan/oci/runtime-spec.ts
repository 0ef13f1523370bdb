/** What of the OCI runtime specification (1.0) is written here: `config.json` of a bundle. */
export interface RuntimeSpec {
  readonly ociVersion: string;
  readonly process: SpecProcess;
  readonly root: { readonly path: string; readonly readonly?: boolean };
  readonly hostname?: string;
  readonly mounts: readonly SpecMount[];
  readonly linux: SpecLinux;
}

export interface SpecProcess {
  readonly terminal: boolean;
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly umask?: number;
    readonly additionalGids?: readonly number[];
  };
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities: Readonly<Record<CapabilitySet, readonly string[]>>;
  readonly rlimits?: readonly {
    readonly type: string;
    readonly hard: number;
    readonly soft: number;
  }[];
  readonly noNewPrivileges?: boolean;
  readonly apparmorProfile?: string;
  readonly selinuxLabel?: string;
}

export type CapabilitySet = "bounding" | "effective" | "inheritable" | "permitted" | "ambient";

export interface SpecMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface SpecIdMap {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface SpecLinux {
  readonly namespaces: readonly { readonly type: string; readonly path?: string }[];
  readonly uidMappings?: readonly SpecIdMap[];
  readonly gidMappings?: readonly SpecIdMap[];
  readonly resources?: unknown;
  readonly seccomp?: unknown;
  readonly rootfsPropagation?: string;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
}

/** The version that is written; every runtime of 1.0 reads it. */
export const SPEC_VERSION = "1.0.2";

/** One list for all five sets. */
export function allSets(names: readonly string[]): SpecProcess["capabilities"] {
  return {
    bounding: names,
    effective: names,
    inheritable: names,
    permitted: names,
    ambient: names,
  };
}
