import type { StageRecipe } from "../format/deffile/recipe.ts";
import type { OciImage } from "../format/oci/oci-image.ts";
import type { BindSpec } from "../plan/bind-spec.ts";
import type { KeyChain } from "./cache/key-chain.ts";
import type { RunInContainer } from "./container.ts";
import type { RecordedStep } from "./record/build-record.ts";
import type { Talk } from "./talk.ts";

/** Choices of the caller that stages look at. */
export interface StageOptions {
  readonly force: boolean;
  /** Names of `--section`; `["all"]` or `["none"]` alone. */
  readonly sections: readonly string[];
  readonly runTests: boolean;
  readonly fixPermissions: boolean;
  /** The result is a directory. */
  readonly isSandbox: boolean;
  /** The result is an OCI-SIF: nothing is added to the root, the configuration says it all. */
  readonly isOciSif?: boolean;
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
  /** A shell is opened where a script of the root failed. */
  readonly shellOnFailure: boolean;
}

/** What happens to a step, for who watches. */
export type StepEvent =
  | {
      readonly kind: "hit";
      readonly title: string;
      /** Of a kept step, or the image that it comes from. */
      readonly ageMs?: number;
      readonly from?: string;
    }
  | { readonly kind: "miss" | "run" | "wait"; readonly title: string; readonly why: string }
  | {
      readonly kind: "done";
      readonly title: string;
      readonly elapsedMs: number;
      readonly sizeBytes?: number;
    };

/** Shows how far a long piece of work is. */
export interface StepProgress {
  update(done: number): void;
  finish(): void;
}

/** What a build reaches the world through; tests give their own. */
export interface BuildPorts {
  readonly talk: Talk;
  tellStep(event: StepEvent): void;
  /** Begins to show a piece of work of `total` bytes; absent where nobody looks. */
  progress?(title: string, total: number): StepProgress;
  /** What mksquashfs says goes to standard output (`--verbose`). */
  readonly showsTools?: boolean;
  /** Digests of files that have not changed since, by a name for their state. */
  readonly memo?: { get(name: string): string | undefined; set(name: string, value: string): void };
  readonly runInContainer: RunInContainer;
  /** Path of a host program, or undefined. */
  tool(name: string): string | undefined;
  /** Whether programs of an architecture (GOARCH name) run here, emulated or not. */
  canRun(arch: string): boolean;
  /** Opens an image of a registry, `docker://…`; absent where nothing may be fetched. */
  openRemoteImage?(address: string): Promise<OciImage>;
  /** Path of the file of an image elsewhere, `oras://…`, fetched first where needed. */
  fetchImage?(address: string): Promise<string>;
  /** Throws a Fault unless an image file is signed, as a whole, by each of these keys; absent where no keys are. */
  checkSigners?(path: string, fingerprints: readonly string[]): Promise<void>;
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
  /**
   * The image's own time, seconds since 1970: no file in it is later. Known from the base on, unless
   * the caller gave it.
   */
  readonly clock: { seconds: number | undefined };
  /** Owners that files of the base could not be given, `uid:gid` by path; a SIF gets them after all. */
  readonly owners?: Map<string, string>;
  /** The steps carried out or taken from the cache so far, of all stages; the roots add them. */
  readonly steps?: RecordedStep[];
  /** Key of the last step of an earlier stage; undefined where that is not known. */
  keyOf?(name: string): string | undefined;
  /** Keys of the steps that mean the same elsewhere; the roots add them. */
  readonly chain?: KeyChain;
  /** JSON texts that the image is to hold beside its root, by their names in it; agents add them. */
  readonly objects?: Map<string, string>;
}

/** Whether `--section` lets a section in. */
export function hasSection(options: StageOptions, name: string): boolean {
  if (options.sections.includes("none")) return false;
  return options.sections.includes("all") || options.sections.includes(name);
}
