import { type InstalledPackage, installedPackage } from "./installed-package.ts";

/** Packages of apk's `installed` file: paragraphs of lines `K:value`. */
export function apkPackages(text: string, source: string): readonly InstalledPackage[] {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const fields = new Map<string, string>();
    for (const line of paragraph.split("\n")) {
      if (line[1] === ":" && !fields.has(line.slice(0, 1)))
        fields.set(line.slice(0, 1), line.slice(2).trim());
    }
    const [name = "", version = ""] = [fields.get("P"), fields.get("V")];
    if (name === "" || version === "") return [];
    return installedPackage({
      kind: "apk",
      name,
      version,
      arch: fields.get("A") ?? "",
      license: fields.get("L") ?? "",
      supplier: fields.get("m") ?? "",
      homepage: fields.get("U") ?? "",
      source,
    });
  });
}
