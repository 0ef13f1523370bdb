import { parseFields } from "./field-text.ts";
import { type InstalledPackage, installedPackage } from "./installed-package.ts";

/** Packages of dpkg's status file, or of one file of status.d; those that are not installed are left out. */
export function dpkgPackages(text: string, source: string): readonly InstalledPackage[] {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const fields = parseFields(paragraph.replace(/^\n+/, ""));
    const name = fields.get("package") ?? "";
    const version = fields.get("version") ?? "";
    const status = fields.get("status") ?? "install ok installed";
    if (name === "" || version === "" || !/\binstalled$/.test(status)) return [];
    return installedPackage({
      kind: "deb",
      name,
      version,
      arch: fields.get("architecture") ?? "",
      supplier: fields.get("maintainer") ?? "",
      homepage: fields.get("homepage") ?? "",
      source,
    });
  });
}
