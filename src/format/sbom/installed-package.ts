/** Where a package comes from; the names are those of package URLs. */
export type PackageKind = "deb" | "rpm" | "apk" | "pypi" | "npm" | "conda";

/** One package that an image holds. Texts that are not known are empty. */
export interface InstalledPackage {
  readonly kind: PackageKind;
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  /** As the package says it, which is seldom an SPDX expression. */
  readonly license: string;
  /** Person or organisation that gives it out. */
  readonly supplier: string;
  readonly homepage: string;
  /** File of the image that tells of it. */
  readonly source: string;
}

/** A package of which only a few things are said. */
export function installedPackage(
  facts: Pick<InstalledPackage, "kind" | "name" | "version" | "source"> & Partial<InstalledPackage>,
): InstalledPackage {
  return { arch: "", license: "", supplier: "", homepage: "", ...facts };
}
