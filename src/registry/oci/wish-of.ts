import type { PlatformWish } from "../../format/oci/platform.ts";
import type { RegistryReference } from "../../format/oci/reference.ts";

/** What the caller asked for; a name such as `arm64v8/alpine` asks too. */
export function wishOf(options: {
  readonly image: RegistryReference;
  readonly wish: PlatformWish;
}): PlatformWish {
  const { platform } = options.image;
  if (platform === undefined) return options.wish;
  return { ...options.wish, arch: platform.arch, variant: platform.variant, platform: "" };
}
