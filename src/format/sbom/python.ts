import { parseFields } from "./field-text.ts";
import { type InstalledPackage, installedPackage } from "./installed-package.ts";

/** The package that a METADATA or PKG-INFO file describes; undefined when it names none. */
export function pythonPackage(text: string, source: string): InstalledPackage | undefined {
  const fields = parseFields(text);
  const name = fields.get("name") ?? "";
  const version = fields.get("version") ?? "";
  if (name === "" || version === "") return undefined;
  const license = fields.get("license-expression") ?? fields.get("license") ?? "";
  return installedPackage({
    kind: "pypi",
    name,
    version,
    // Some put the whole text there.
    license: license.includes("\n") ? "" : license,
    supplier: fields.get("author") ?? fields.get("author-email") ?? "",
    homepage: fields.get("home-page") ?? "",
    source,
  });
}
