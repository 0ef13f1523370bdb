import { chmodSync, mkdirSync } from "node:fs";
import { cleanPath, resolvePath } from "../../base/path.ts";

/*
 * The cache on disk. What the peer knows lies where the peer has it, so that both can share one
 * directory; everything else lies below skiff/.
 *
 *   ROOT/blob/oci-layout, blobs/sha256/HEX     layers and configurations, as they lie in registries
 *   ROOT/oci-tmp/KEY                           SIFs made from OCI images
 *   ROOT/oras/sha256:HEX  net/HEX  library/sha256.HEX  shub/HEX     SIFs as they were fetched
 *   ROOT/skiff/partial/HEX.OWNER               downloads under way or broken off
 *   ROOT/skiff/claims/NAME                     who makes an entry right now
 *   ROOT/skiff/records/KIND/NAME               what is known about entries, as JSON
 */

/** Kinds of whole images in the cache, by the names of their folders. */
export const IMAGE_FOLDERS = {
  library: "library",
  oci: "oci-tmp",
  shub: "shub",
  net: "net",
  oras: "oras",
} as const;

export type ImageKind = keyof typeof IMAGE_FOLDERS;

/** Where the levels of the cache are. */
export interface CachePlaces {
  /** The user's own; written to. */
  readonly root: string;
  /** The site's: only looked at. */
  readonly shared: string | undefined;
}

export interface CachePlacesInput {
  readonly env: Readonly<Record<string, string>>;
  /** skiff's directory in the user's home (config/user-directory.ts). */
  readonly userDirectory: string;
  /** Where relative values start. */
  readonly cwd: string;
  /** Directive `shared image cache`; "" for none. */
  readonly sharedCache: string;
}

/**
 * The cache's places: `cache` in SKIFF_CACHEDIR, APPTAINER_CACHEDIR or SINGULARITY_CACHEDIR, else in
 * the user's directory; SKIFF_SHARED_CACHE, or else the configuration, names the shared level itself.
 */
export function cachePlaces(input: CachePlacesInput): CachePlaces {
  const { env, cwd } = input;
  const names = ["SKIFF_CACHEDIR", "APPTAINER_CACHEDIR", "SINGULARITY_CACHEDIR"];
  const given = names.map((name) => env[name]?.trim() ?? "").find((value) => value !== "");
  const parent = given === undefined ? input.userDirectory : resolvePath(cwd, given);
  const shared = env["SKIFF_SHARED_CACHE"]?.trim() || input.sharedCache;
  return {
    root: cleanPath(`${parent}/cache`),
    shared: shared === "" ? undefined : resolvePath(cwd, shared),
  };
}

/** Path of a blob below a level of the cache; `digest` as `sha256:HEX`. */
export function blobPath(level: string, digest: string): string {
  return `${level}/blob/blobs/sha256/${hexOf(digest)}`;
}

/** Path of a whole image below a level of the cache. */
export function imagePath(level: string, kind: ImageKind, name: string): string {
  return `${level}/${IMAGE_FOLDERS[kind]}/${name}`;
}

/** The 64 hexadecimal digits of `sha256:…`; throws for anything else, as it becomes part of paths. */
export function hexOf(digest: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex === undefined) throw new TypeError(`"${digest}" is no digest`);
  return hex;
}

/** Makes a folder of the cache with its parents, for the user alone. */
export function makeFolder(path: string): void {
  if (mkdirSync(path, { recursive: true, mode: 0o700 }) !== undefined) chmodSync(path, 0o700);
}
