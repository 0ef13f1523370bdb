/** A glibc release as numbers: [2, 34]. */
export type GlibcRelease = readonly [major: number, minor: number];

/** The C library of an image; absent where it has none that is known (static images, Nix and Guix layouts). */
export type ImageLibc =
  | { readonly kind: "glibc"; readonly release: GlibcRelease }
  | { readonly kind: "musl" };

/** One entry of the dynamic linker's cache. */
export interface HostLibrary {
  /** Name that programs ask for: "libcuda.so.1". */
  readonly name: string;
  readonly path: string;
  /** Only for processors with certain features: taken when nothing else has the name. */
  readonly special: boolean;
}

/** What an ELF file of the host says about where it can run. */
export interface HostElf {
  /** e_machine. */
  readonly machine: number;
  readonly soname: string | undefined;
  /** Oldest glibc it runs with; absent when it needs none. */
  readonly needsGlibc: GlibcRelease | undefined;
}

/** What GPU discovery asks of this machine, besides `HostFacts`. Read when asked for. */
export interface GpuHost {
  /** Entries of the linker's cache in its order. */
  readonly libraries: readonly HostLibrary[];
  /** e_machine of programs of this machine. */
  readonly machine: number;
  /** Facts about a file, symbolic links followed; undefined when it is missing or no ELF file. */
  elf(path: string): HostElf | undefined;
}

/** A CDI specification as read from disk, before anything about it is believed. */
export interface CdiFile {
  readonly path: string;
  /** Position of its directory in the search list; a higher one wins. */
  readonly priority: number;
  /** Parsed JSON or YAML; undefined when it could not be parsed. */
  readonly content: unknown;
}

/** What a GPU plan is made from; members are asked for only when the request needs them. */
export interface GpuFacts {
  readonly gpu: GpuHost;
  /** Texts of the site's lists; undefined: the built-in ones. */
  readonly nvList: string | undefined;
  readonly rocmList: string | undefined;
  readonly cdiFiles: readonly CdiFile[];
  readonly libc: ImageLibc | undefined;
}
