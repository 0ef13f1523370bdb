import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { memoryView } from "../../../test/support/memory-view.ts";
import type { FileView } from "../../base/file-view.ts";
import { collectPackages } from "./collect-packages.ts";

/** A header with a name and a version (format/sbom/rpm-header.ts). */
function header(name: string): Uint8Array {
  const data = new TextEncoder().encode(`${name}\x001\x00`);
  const bytes = new Uint8Array(8 + 32 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 2);
  view.setUint32(4, data.length);
  const numbers = [1000, 6, 0, 1, 1001, 6, name.length + 1, 1];
  for (const [i, value] of numbers.entries()) view.setUint32(8 + i * 4, value);
  bytes.set(data, 40);
  return bytes;
}

function rpmDatabase(): Uint8Array {
  const database = new Database(":memory:");
  database.run("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)");
  for (const name of ["zlib", "bash"])
    database.run("INSERT INTO Packages (blob) VALUES (?)", [header(name)]);
  const bytes = database.serialize();
  database.close();
  return Uint8Array.from(bytes);
}

const DATABASE = "/usr/lib/sysimage/rpm/rpmdb.sqlite";

/** A tree whose database holds bytes that are no text. */
function withDatabase(view: FileView): FileView {
  return {
    lstat: (path) => view.lstat(path),
    list: (path) => view.list(path),
    read: (path) => (path === DATABASE ? rpmDatabase() : view.read(path)),
  };
}

const text = (content: string) => ({ file: content });

test("collectPackages() finds packages of all managers, wherever they lie, and follows links", async () => {
  const site = "/opt/conda/envs/e/lib/python3.11/site-packages";
  const { packages, notRead, distribution } = await collectPackages(
    withDatabase(
      memoryView({
        "/usr/lib/os-release": text("ID=debian\nVERSION_ID=12\n"),
        "/etc/os-release": { link: "../usr/lib/os-release" },
        "/var/lib/dpkg/status": text("Package: d\nStatus: install ok installed\nVersion: 1\n"),
        "/var/lib/dpkg/status.d/one": text("Package: one\nVersion: 1\n"),
        "/var/lib/dpkg/status.d/one.md5sums": text("Package: not\nVersion: 1\n"),
        "/lib/apk/db/installed": text("P:k\nV:1\n"),
        "/var/lib/rpm": { link: "../../usr/lib/sysimage/rpm" },
        [DATABASE]: text(""),
        [`${site}/numpy-1.0.dist-info/METADATA`]: text("Name: numpy\nVersion: 1.0\n"),
        [`${site}/old-2.egg-info`]: text("Name: old\nVersion: 2\n"),
        [`${site}/egg-3.egg-info/PKG-INFO`]: text("Name: egg\nVersion: 3\n"),
        "/opt/conda/conda-meta/python-3.json": text('{"name":"python","version":"3"}'),
        "/opt/conda/conda-meta/history": text("x"),
        "/app/node_modules/chart.js/package.json": text('{"name":"chart.js","version":"4"}'),
        "/app/node_modules/@s/n/package.json": text('{"name":"@s/n","version":"5"}'),
        "/app/node_modules/@s/n/node_modules/deep/package.json": text(
          '{"name":"deep","version":"6"}',
        ),
        "/tmp/node_modules/no/package.json": text('{"name":"no","version":"1"}'),
        "/loop": { link: "/loop" },
      }),
    ),
  );
  expect(packages.map(({ kind, name, version }) => `${kind} ${name} ${version}`).sort()).toEqual([
    "apk k 1",
    "conda python 3",
    "deb d 1",
    "deb one 1",
    "npm @s/n 5",
    "npm chart.js 4",
    "npm deep 6",
    "pypi egg 3",
    "pypi numpy 1.0",
    "pypi old 2",
    "rpm bash 1",
    "rpm zlib 1",
  ]);
  expect(notRead).toEqual([]);
  expect(distribution.id).toBe("debian");
});

test("collectPackages() says what it does not read", async () => {
  const old = await collectPackages(memoryView({ "/var/lib/rpm/Packages": text("x") }));
  expect(old.notRead).toEqual(["/var/lib/rpm/Packages, in the Berkeley format of older rpm"]);
  const broken = await collectPackages(
    memoryView({ "/var/lib/rpm/rpmdb.sqlite": text("SQLite but not") }),
  );
  expect(broken.notRead).toEqual(["/var/lib/rpm/rpmdb.sqlite, which is damaged or too large"]);
});
