import { type FileView, resolveIn } from "../../base/file-view.ts";
import type { InstalledPackage } from "../../format/sbom/installed-package.ts";
import { ndbHeaders } from "../../format/sbom/ndb.ts";
import { rpmPackage } from "../../format/sbom/rpm-header.ts";

const FOLDERS = ["/usr/lib/sysimage/rpm", "/var/lib/rpm"];
const MOST_BYTES = 512 * 2 ** 20;

/** The packages of rpm's database: SQLite or ndb; the Berkeley format of older ones is not read. */
export async function rpmPackages(view: FileView): Promise<{
  readonly packages: readonly InstalledPackage[];
  readonly notRead: readonly string[];
}> {
  for (const folder of FOLDERS) {
    for (const name of ["rpmdb.sqlite", "Packages.db", "Packages"]) {
      const path = `${folder}/${name}`;
      const found = resolveIn(view, path);
      if (found.entry?.kind !== "file") continue;
      if (name === "Packages") {
        return { packages: [], notRead: [`${path}, in the Berkeley format of older rpm`] };
      }
      const bytes = view.read(found.path, MOST_BYTES);
      const headers = bytes === undefined ? undefined : await headersOf(name, bytes);
      if (headers === undefined)
        return { packages: [], notRead: [`${path}, which is damaged or too large`] };
      return { packages: headers.flatMap((header) => rpmPackage(header, path) ?? []), notRead: [] };
    }
  }
  return { packages: [], notRead: [] };
}

async function headersOf(
  name: string,
  bytes: Uint8Array,
): Promise<readonly Uint8Array[] | undefined> {
  if (name === "Packages.db") return ndbHeaders(bytes);
  const { Database } = await import("bun:sqlite");
  const copy = Uint8Array.from(bytes);
  // A database in memory has no write-ahead log: bytes 18 and 19 say that it has none.
  copy.fill(1, 18, 20);
  try {
    const database = Database.deserialize(copy, { readonly: true });
    try {
      const rows = database.query("SELECT blob FROM Packages ORDER BY hnum").all();
      return rows.flatMap((row) =>
        typeof row === "object" && row !== null && "blob" in row && row.blob instanceof Uint8Array
          ? [row.blob]
          : [],
      );
    } finally {
      database.close();
    }
  } catch {
    return undefined;
  }
}
