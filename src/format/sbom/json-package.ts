import { type InstalledPackage, installedPackage } from "./installed-package.ts";

/** The package that npm's package.json or a file of conda-meta describes; undefined when it names none. */
export function jsonPackage(
  kind: "npm" | "conda",
  text: string,
  source: string,
): InstalledPackage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const word = (name: string): string => {
    const found = fields[name];
    if (typeof found === "string") return found;
    // `"author": { "name": … }` and `"license": { "type": … }` of older files.
    if (typeof found !== "object" || found === null) return "";
    const inner = found as Readonly<Record<string, unknown>>;
    return [inner["name"], inner["type"]].find((one) => typeof one === "string") ?? "";
  };
  const [name, version] = [word("name"), word("version")];
  if (name === "" || version === "") return undefined;
  return installedPackage({
    kind,
    name,
    version: kind === "conda" && word("build") !== "" ? `${version}-${word("build")}` : version,
    arch: kind === "conda" ? word("subdir") : "",
    license: word("license"),
    supplier: kind === "npm" ? word("author") : "",
    homepage: kind === "npm" ? word("homepage") : "",
    source,
  });
}
