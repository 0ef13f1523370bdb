import { requireSpace } from "../../image/cache/space.ts";
import type { RemoteAccess } from "./access.ts";

/**
 * Throws a Fault when there is no room for an image: `cacheBytes` in the cache, and `imageBytes` where it
 * is copied to afterwards. Called before anything of it is fetched.
 */
export function requireRoom(
  access: Pick<RemoteAccess, "places" | "placeVariable" | "copiedTo">,
  cacheBytes: number,
  imageBytes: number,
  text: string,
): void {
  const { copiedTo, places, placeVariable } = access;
  const cache = { folder: places.root, needBytes: cacheBytes, variable: placeVariable };
  const copy = { folder: copiedTo ?? "", needBytes: imageBytes, variable: "--dir" };
  requireSpace(copiedTo === undefined ? [cache] : [cache, copy], `the image ${text}`);
}
