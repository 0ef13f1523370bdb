import type { StageRecipe } from "../format/deffile/recipe.ts";
import type { OciImage } from "../format/oci/oci-image.ts";
import type { BindSpec } from "../plan/bind-spec.ts";
import type { RunInContainer } from "./container.ts";
import type { Talk } from "./talk.ts";

/** Choices of the caller that stages look at. */
export interface StageOptions {
  readonly force: boolean;
  /** Names of `--section`; `["all"]` or `["none"]` alone. */
  readonly sections: readonly string[];
  readonly runTests: boolean;
  readonly fixPermissions: boolean;
  /** The caller's binds, and the same in the words of `--mount`. */
  readonly binds: readonly BindSpec[];
  readonly mounts: readonly string[];
  /** Flags of the build that change what its containers see: `nv`, `rocm`, `nvccli`. */
  readonly containerFlags: readonly string[];
  /** GOARCH name to build for. */
  readonly arch: string;
  /** This program's version, and that of the peer whose behaviour it has. */
  readonly version: string;
  readonly peerVersion: string;
  readonly time: Date;
}

/** What a build reaches the world through; tests give their own. */
export interface BuildPorts {
  readonly talk: Talk;
  readonly runInContainer: RunInContainer;
  /** Path of a host program, or undefined. */
  tool(name: string): string | undefined;
  /** Opens an image of a registry, `docker://…`; absent where nothing may be fetched. */
  openRemoteImage?(address: string): Promise<OciImage>;
  /** Path of the file of an image elsewhere, `oras://…`, fetched first where needed. */
  fetchImage?(address: string): Promise<string>;
  readonly env: Readonly<Record<string, string>>;
  /** Where relative paths start. */
  readonly cwd: string;
  /** Fires when the build is to stop. */
  readonly signal: AbortSignal;
}

/** A stage being built. */
export interface Stage {
  readonly recipe: StageRecipe;
  /** Its root file system. */
  readonly root: string;
  /** A directory for small files. */
  readonly folder: string;
  readonly options: StageOptions;
  readonly ports: BuildPorts;
  /** Root of a stage before it, by name. */
  rootOf(name: string): Promise<string | undefined>;
  /** JSON texts that the image is to hold beside its root, by their names in it; agents add them. */
  readonly objects?: Map<string, string>;
}

/** Whether `--section` lets a section in. */
export function hasSection(options: StageOptions, name: string): boolean {
  if (options.sections.includes("none")) return false;
  return options.sections.includes("all") || options.sections.includes(name);
}
