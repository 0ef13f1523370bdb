/** A host file to make visible for a device: library, binary, socket, node. */
export interface DeviceFile {
  readonly source: string;
  /** Path in the container. */
  readonly target: string;
  readonly readOnly: boolean;
  readonly why: string;
}

/** What --nv, --rocm, --device and --containlibs ask of the container. */
export interface GpuBinds {
  /** Bound by base name below /.singularity.d/libs. */
  readonly libraries: readonly {
    readonly name: string;
    readonly source: string;
    readonly why: string;
  }[];
  readonly files: readonly DeviceFile[];
  /** Device nodes, below /dev; only needed with a minimal /dev. */
  readonly devices: readonly string[];
  readonly environment: readonly { readonly name: string; readonly value: string }[];
  /** A tool that works on the finished root. */
  readonly setup?: GpuSetup;
}

/** A program of the host that puts a driver into the root, whose path is its last word. */
export interface GpuSetup {
  readonly argv: readonly string[];
  /** Capabilities that it needs; bits. */
  readonly ambient: number;
  readonly why: string;
}

export const NO_GPU: GpuBinds = { libraries: [], files: [], devices: [], environment: [] };
