import { type FileView, resolveIn } from "../../base/file-view.ts";
import { decodeOsText } from "../../base/os-text.ts";
import { apkPackages } from "../../format/sbom/apk.ts";
import { dpkgPackages } from "../../format/sbom/dpkg.ts";
import type { InstalledPackage } from "../../format/sbom/installed-package.ts";
import { jsonPackage } from "../../format/sbom/json-package.ts";
import { type Distribution, parseOsRelease } from "../../format/sbom/package-url.ts";
import { pythonPackage } from "../../format/sbom/python.ts";
import { rpmPackages } from "./rpm-packages.ts";

/** The packages of a root, and what could not be read. */
export interface CollectedPackages {
  readonly packages: readonly InstalledPackage[];
  readonly distribution: Distribution;
  readonly notRead: readonly string[];
}

const MOST_BYTES = 256 * 2 ** 20;

/** Directories in which no packages are looked for: much content, or none of the image's. */
const SKIPPED: ReadonlySet<string> = new Set([
  ...[
    "/proc",
    "/sys",
    "/dev",
    "/tmp",
    "/run",
    "/var/tmp",
    "/var/cache",
    "/usr/include",
    "/.singularity.d",
  ],
  ...["doc", "man", "locale", "zoneinfo", "info", "icons", "i18n", "perl", "fonts", "mime"].map(
    (name) => `/usr/share/${name}`,
  ),
]);

/** Names that are hardly ever directories, and need not be looked at. */
const FILE_NAME =
  /\.(?:pyc?|pyi|so|[aohc]|hpp|cpp|gz|xz|png|svg|jpg|txt|md|html|css|map|mjs|d\.ts|json|xml|pm|pl|rb|mo|po|conf|list|md5sums)$/;

/** Directories hold packages of languages this deep, as in /opt/x/envs/y/lib/python3/site-packages/z. */
const MOST_DEPTH = 24;
const MOST_DIRECTORIES = 400_000;

/**
 * Finds what package managers say of themselves in a root: dpkg, apk, rpm, Python, npm and conda. Only
 * files are read; no program of the image is run.
 */
export async function collectPackages(view: FileView): Promise<CollectedPackages> {
  const packages: InstalledPackage[] = [];
  const notRead: string[] = [];
  const text = (path: string): string | undefined => {
    const found = resolveIn(view, path);
    if (found.entry?.kind !== "file") return undefined;
    const bytes = view.read(found.path, MOST_BYTES);
    if (bytes === undefined) notRead.push(`${path} cannot be read`);
    return bytes === undefined ? undefined : decodeOsText(bytes);
  };
  const status = "/var/lib/dpkg/status";
  packages.push(...dpkgPackages(text(status) ?? "", status));
  // Images without dpkg itself have one file a package.
  for (const name of view.list(resolveIn(view, `${status}.d`).path) ?? []) {
    if (name.endsWith(".md5sums")) continue;
    packages.push(...dpkgPackages(text(`${status}.d/${name}`) ?? "", `${status}.d/${name}`));
  }
  for (const path of ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"]) {
    const installed = text(path);
    if (installed === undefined) continue;
    packages.push(...apkPackages(installed, path));
    break;
  }
  const rpm = await rpmPackages(view);
  packages.push(...rpm.packages);
  notRead.push(...rpm.notRead);
  walk(
    view,
    (path, name) => {
      const one = languagePackage(path, name, text);
      if (one !== undefined) packages.push(one);
    },
    notRead,
  );
  const release = text("/etc/os-release") ?? text("/usr/lib/os-release") ?? "";
  return { packages, distribution: parseOsRelease(release), notRead };
}

/** The package that a directory, or a file of conda-meta, stands for. */
function languagePackage(
  path: string,
  name: string,
  text: (path: string) => string | undefined,
): InstalledPackage | undefined {
  if (name.endsWith(".dist-info")) return read(pythonPackage, `${path}/METADATA`, text);
  if (name.endsWith(".egg-info")) {
    return read(pythonPackage, `${path}/PKG-INFO`, text) ?? read(pythonPackage, path, text);
  }
  if (name.endsWith(".json") && path.endsWith(`/conda-meta/${name}`)) {
    return read((content, source) => jsonPackage("conda", content, source), path, text);
  }
  if (/\/(?:node_modules|nodejs)\/(?:@[^/]+\/)?[^/]+$/.test(path)) {
    return read(
      (content, source) => jsonPackage("npm", content, source),
      `${path}/package.json`,
      text,
    );
  }
  return undefined;
}

function read(
  parse: (content: string, source: string) => InstalledPackage | undefined,
  path: string,
  text: (path: string) => string | undefined,
): InstalledPackage | undefined {
  const content = text(path);
  return content === undefined ? undefined : parse(content, path);
}

/** Calls `visit` for every directory, and for the files that may be packages by their name. */
function walk(
  view: FileView,
  visit: (path: string, name: string) => void,
  notRead: string[],
): void {
  const todo: { readonly path: string; readonly depth: number }[] = [{ path: "", depth: 0 }];
  let count = 0;
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (++count > MOST_DIRECTORIES || next.depth > MOST_DEPTH) {
      notRead.push(`directories below ${next.path === "" ? "/" : next.path}: there are too many`);
      if (count > MOST_DIRECTORIES) return;
      continue;
    }
    for (const name of view.list(next.path === "" ? "/" : next.path) ?? []) {
      const path = `${next.path}/${name}`;
      if (SKIPPED.has(path)) continue;
      const isFile = name.endsWith(".egg-info") || next.path.endsWith("/conda-meta");
      if (FILE_NAME.test(name) && !isFile) continue;
      const kind = view.lstat(path)?.kind;
      if (kind !== "dir" && !(kind === "file" && isFile)) continue;
      visit(path, name);
      if (kind === "dir" && name !== "__pycache__" && !/\.(?:dist|egg)-info$/.test(name)) {
        todo.push({ path, depth: next.depth + 1 });
      }
    }
  }
}
