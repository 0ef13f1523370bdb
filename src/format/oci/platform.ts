import { Fault } from "../../base/fault.ts";
import type { OciManifest, OciPlatform } from "./manifest.ts";

/** Architectures that `--arch` takes, with the platform of each (reference: oci.md sections 1 and 5). */
const ARCHITECTURES: Readonly<Record<string, readonly [arch: string, variant: string]>> = {
  amd64: ["amd64", ""],
  x86_64: ["amd64", ""],
  arm64: ["arm64", ""],
  arm64v8: ["arm64", ""],
  aarch64: ["arm64", ""],
  arm: ["arm", "v7"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
  arm32v5: ["arm", "v5"],
  arm32v6: ["arm", "v6"],
  arm32v7: ["arm", "v7"],
  "386": ["386", ""],
  i386: ["386", ""],
  ppc64le: ["ppc64le", ""],
  s390x: ["s390x", ""],
  riscv64: ["riscv64", ""],
  loong64: ["loong64", ""],
};

/** What the caller asked for; empty texts: not asked for. */
export interface PlatformWish {
  /** `--arch`. */
  readonly arch: string;
  /** `--arch-variant`: `7` and `v7` are the same. */
  readonly variant: string;
  /** `--platform`: `os/arch[/variant]`. */
  readonly platform: string;
  /** GOARCH name of this machine. */
  readonly hostArch: string;
}

/** The platform to look for. Throws a Fault for unknown names and for other systems than Linux. */
export function wantedPlatform(wish: PlatformWish): OciPlatform {
  const [os = "linux", platformArch = "", platformVariant = ""] =
    wish.platform === "" ? [] : wish.platform.split("/");
  if (os !== "linux") {
    throw new Fault("usage", `Cannot use images for "${os}": only linux runs here`, {
      exitCode: 255,
    });
  }
  const name = platformArch || wish.arch || wish.hostArch;
  const known = Object.hasOwn(ARCHITECTURES, name) ? ARCHITECTURES[name] : undefined;
  if (known === undefined && name !== wish.hostArch) {
    throw new Fault("usage", `Unknown architecture "${name}"`, {
      exitCode: 255,
      hint: `known are ${Object.keys(ARCHITECTURES).join(", ")}`,
    });
  }
  const [arch, ownVariant] = known ?? [name, ""];
  const given = (platformVariant || wish.variant).replace(/^(?=[0-9])/, "v");
  // The 64-bit ARM images all have the one variant, named or not.
  const variant = arch === "arm64" && given === "v8" ? "" : given || ownVariant;
  return { os, arch, variant };
}

/**
 * The entry of an index for a platform: the first with that system and architecture, and with that
 * variant where one is wanted. Throws a Fault that lists what there is.
 */
export function choosePlatform(
  index: Extract<OciManifest, { readonly kind: "index" }>,
  wanted: OciPlatform,
  reference: string,
): (typeof index.manifests)[number] {
  const found = index.manifests.find(({ platform }) => {
    if (platform === undefined) return index.manifests.length === 1;
    const variant = platform.arch === "arm64" && platform.variant === "v8" ? "" : platform.variant;
    return (
      platform.os === wanted.os &&
      platform.arch === wanted.arch &&
      (wanted.variant === "" || variant === wanted.variant)
    );
  });
  if (found !== undefined) return found;
  const there = index.manifests
    .map(({ platform }) => (platform === undefined ? "" : formatPlatform(platform)))
    // Attestations stand in an index as images for nothing.
    .filter((text) => text !== "" && !text.startsWith("unknown/"));
  throw new Fault(
    "not-found",
    `Cannot use ${reference}: no image found in image index for ${formatPlatform(wanted)}`,
    {
      hint:
        there.length === 0
          ? "it names no platform at all"
          : `it is there for ${[...new Set(there)].join(", ")}: see --arch and --arch-variant`,
    },
  );
}

/** `linux/arm/v7`. */
export function formatPlatform({ os, arch, variant }: OciPlatform): string {
  return variant === "" ? `${os}/${arch}` : `${os}/${arch}/${variant}`;
}
