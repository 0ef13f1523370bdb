import type { InstalledPackage } from "./installed-package.ts";

/** What os-release says of an image, as far as it names packages. */
export interface Distribution {
  /** `debian`, `fedora`; empty where the image does not say. */
  readonly id: string;
  readonly version: string;
  readonly prettyName: string;
}

/** The distribution that an os-release file names. */
export function parseOsRelease(text: string): Distribution {
  const find = (name: string): string => {
    const value = new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1]?.trim() ?? "";
    return value.replace(/^(["'])(.*)\1$/, "$2");
  };
  return { id: find("ID"), version: find("VERSION_ID"), prettyName: find("PRETTY_NAME") };
}

/** The package URL of a package (the purl specification). */
export function packageUrl(one: InstalledPackage, from: Distribution): string {
  const isOfSystem = one.kind === "deb" || one.kind === "rpm" || one.kind === "apk";
  const parts: string[] = [one.kind];
  let name = one.name;
  if (isOfSystem && from.id !== "") parts.push(escapePart(from.id));
  if (one.kind === "npm" && name.startsWith("@")) {
    const cut = name.indexOf("/");
    parts.push(escapePart(name.slice(0, cut)));
    name = name.slice(cut + 1);
  }
  if (one.kind === "pypi") name = name.toLowerCase().replace(/[-_.]+/g, "-");
  let version = one.version;
  const qualifiers: string[] = [];
  if (one.arch !== "")
    qualifiers.push(`${one.kind === "conda" ? "subdir" : "arch"}=${escapePart(one.arch)}`);
  if (isOfSystem && from.id !== "" && from.version !== "") {
    qualifiers.push(`distro=${escapePart(`${from.id}-${from.version}`)}`);
  }
  const epoch = one.kind === "rpm" ? /^([0-9]+):/.exec(version)?.[1] : undefined;
  if (epoch !== undefined) {
    version = version.slice(epoch.length + 1);
    qualifiers.push(`epoch=${epoch}`);
  }
  const end = qualifiers.length === 0 ? "" : `?${qualifiers.join("&")}`;
  return `pkg:${parts.join("/")}/${escapePart(name)}@${escapePart(version)}${end}`;
}

function escapePart(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/%3A/g, ":");
}
