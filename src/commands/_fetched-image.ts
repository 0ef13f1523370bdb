import { rmSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import type { FoundImage } from "../build/remote/access.ts";
import { localImage } from "../build/remote/local-image.ts";
import type { Invocation } from "../cli/invocation.ts";
import { parseImageAddress } from "../format/oci/image-address.ts";
import { hostFiles } from "../host/host-files.ts";
import type { Context } from "../terminal/context.ts";
import { openAccess } from "./_remote-access.ts";

/** An image that was fetched. */
export interface FetchedImage {
  readonly path: string;
  /** Directory to be removed when the image is no longer used; absent when it lies in the cache. */
  readonly temporary: string | undefined;
  /** How it was found in the cache, where that can be had again without all this. */
  readonly found: FoundImage | undefined;
  /** Removes that directory now. */
  drop(): void;
}

/**
 * The file of the image that an address names, fetched and converted where needed; undefined when the
 * word is a path: what exists is never taken for an address.
 */
export async function fetchedImage(
  word: string,
  inv: Invocation,
  ctx: Context,
): Promise<FetchedImage | undefined> {
  if (hostFiles().lstat(resolvePath(process.cwd(), word)) !== undefined) return undefined;
  if (word.startsWith("instance://")) return undefined;
  const address = parseImageAddress(word);
  if (address === undefined) return undefined;
  if (inv.has("keep-layers") && inv.bool("keep-layers") && !inv.bool("oci")) {
    throw new Fault("usage", "--keep-layers is only supported when creating OCI-SIF images", {
      exitCode: 255,
      hint: "add --oci",
    });
  }
  const opened = openAccess(inv, ctx);
  let isFetched = false;
  let found: FoundImage | undefined;
  const onFound = (how: FoundImage): void => {
    found = how;
  };
  try {
    const path = await localImage(address, { ...opened.access, onFound });
    isFetched = true;
    const temporary = opened.isTemporary ? opened.access.places.root : undefined;
    const drop = (): void => {
      if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
    };
    return { path, temporary, found, drop };
  } finally {
    opened.close(isFetched);
  }
}
