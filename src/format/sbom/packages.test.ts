import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { apkPackages } from "./apk.ts";
import { dpkgPackages } from "./dpkg.ts";
import { type InstalledPackage, installedPackage } from "./installed-package.ts";
import { jsonPackage } from "./json-package.ts";
import { ndbHeaders } from "./ndb.ts";
import { packageUrl, parseOsRelease } from "./package-url.ts";
import { pythonPackage } from "./python.ts";
import { rpmPackage } from "./rpm-header.ts";
import { spdxDocument } from "./spdx.ts";

const brief = (one: InstalledPackage | undefined): unknown =>
  one === undefined ? undefined : [one.name, one.version, one.arch, one.license, one.supplier];

test("dpkgPackages() takes what is installed", () => {
  const text = `Package: a
Status: install ok installed
Maintainer: M <m@example.org>
Architecture: amd64
Version: 1:2-3
Description: x
 Package: not

Package: gone
Status: deinstall ok config-files
Version: 1

Package: distroless
Version: 2
`;
  expect(dpkgPackages(text, "s").map(brief)).toEqual([
    ["a", "1:2-3", "amd64", "", "M <m@example.org>"],
    ["distroless", "2", "", "", ""],
  ]);
});

test("apkPackages() reads paragraphs of one-letter keys", () => {
  const text =
    "C:Q1x\nP:musl\nV:1.2-r3\nA:x86_64\nL:MIT\nm:M\nU:https://musl.example\nF:lib\nR:x\n\nP:half\n";
  expect(apkPackages(text, "s").map(brief)).toEqual([["musl", "1.2-r3", "x86_64", "MIT", "M"]]);
});

test("pythonPackage() and jsonPackage() read names, versions and licences", () => {
  const metadata =
    "Metadata-Version: 2.1\r\nName: A.b_C\r\nVersion: 1.0\r\nLicense: BSD\r\nAuthor: X\r\n\r\nName: body\n";
  expect(brief(pythonPackage(metadata, "s"))).toEqual(["A.b_C", "1.0", "", "BSD", "X"]);
  expect(pythonPackage("Name: x\n", "s")).toBeUndefined();
  const npm = '{"name":"@s/n","version":"1.0.0","license":{"type":"MIT"},"author":{"name":"Y"}}';
  expect(brief(jsonPackage("npm", npm, "s"))).toEqual(["@s/n", "1.0.0", "", "MIT", "Y"]);
  const conda =
    '{"name":"numpy","version":"1.26","build":"py_0","subdir":"linux-64","license":"BSD-3-Clause"}';
  expect(brief(jsonPackage("conda", conda, "s"))).toEqual([
    "numpy",
    "1.26-py_0",
    "linux-64",
    "BSD-3-Clause",
    "",
  ]);
  for (const bad of ["", "[]", "null", '{"name":1,"version":"x"}'])
    expect(jsonPackage("npm", bad, "s")).toBeUndefined();
});

function putNumbers(
  view: DataView,
  at: number,
  values: readonly number[],
  isLittle: boolean,
): void {
  for (const [i, value] of values.entries()) view.setUint32(at + i * 4, value, isLittle);
}

/** An rpm header of texts and one number, as the drawing in rpm-header.ts has it. */
function rpmHeader(texts: Readonly<Record<number, string>>, epoch?: number): Uint8Array {
  const entries: [tag: number, type: number, offset: number][] = [];
  const data: number[] = [];
  if (epoch !== undefined) {
    entries.push([1003, 4, 0]);
    data.push(0, 0, 0, epoch);
  }
  for (const [tag, text] of Object.entries(texts)) {
    entries.push([Number(tag), 6, data.length]);
    data.push(...new TextEncoder().encode(text), 0);
  }
  const bytes = new Uint8Array(8 + entries.length * 16 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, entries.length);
  view.setUint32(4, data.length);
  for (const [i, [tag, type, offset]] of entries.entries()) {
    putNumbers(view, 8 + i * 16, [tag, type, offset, 1], false);
  }
  bytes.set(data, 8 + entries.length * 16);
  return bytes;
}

const BASH = {
  1000: "bash",
  1001: "5.2",
  1002: "1.el9",
  1014: "GPLv3+",
  1011: "V",
  1022: "x86_64",
};

test("rpmPackage() reads a header, with its epoch", () => {
  expect(brief(rpmPackage(rpmHeader(BASH, 2), "s"))).toEqual([
    "bash",
    "2:5.2-1.el9",
    "x86_64",
    "GPLv3+",
    "V",
  ]);
  expect(rpmPackage(rpmHeader({ 1000: "gpg-pubkey", 1001: "1" }), "s")).toBeUndefined();
});

test("ndbHeaders() finds the headers of a database, and nothing in other bytes", () => {
  const header = rpmHeader(BASH);
  const bytes = new Uint8Array(4096 + 16 + header.length + 32);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x506d7052, true);
  view.setUint32(12, 1, true);
  putNumbers(view, 32, [0x746f6c53, 1, 256, 10], true);
  putNumbers(view, 4096, [0x53626c42, 1, 0, header.length], true);
  bytes.set(header, 4112);
  expect(ndbHeaders(bytes).map((one) => rpmPackage(one, "s")?.name)).toEqual(["bash"]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
      rpmPackage(noise, "s");
      bytes.set(noise, 32);
      ndbHeaders(bytes);
      ndbHeaders(noise);
    }),
  );
});

test("no text makes a reader fail", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      dpkgPackages(text, "s");
      apkPackages(text, "s");
      pythonPackage(text, "s");
      jsonPackage("npm", text, "s");
      parseOsRelease(text);
    }),
  );
});

describe("packageUrl()", () => {
  const debian = { id: "debian", version: "12", prettyName: "" };
  const cases: readonly (readonly [
    Partial<InstalledPackage> & Pick<InstalledPackage, "kind">,
    string,
  ])[] = [
    [{ kind: "deb", arch: "amd64" }, "pkg:deb/debian/a@1%2Bb?arch=amd64&distro=debian-12"],
    [
      { kind: "rpm", version: "3:1-2", arch: "noarch" },
      "pkg:rpm/debian/a@1-2?arch=noarch&distro=debian-12&epoch=3",
    ],
    [{ kind: "pypi", name: "A.b_C" }, "pkg:pypi/a-b-c@1%2Bb"],
    [{ kind: "npm", name: "@s/n" }, "pkg:npm/%40s/n@1%2Bb"],
    [{ kind: "conda", arch: "linux-64" }, "pkg:conda/a@1%2Bb?subdir=linux-64"],
  ];
  for (const [facts, expected] of cases) {
    test(`gives ${expected}`, () => {
      const one = installedPackage({ name: "a", version: "1+b", source: "s", ...facts });
      expect(packageUrl(one, debian)).toBe(expected);
    });
  }

  test("os-release tells the distribution", () => {
    expect(
      parseOsRelease('NAME=x\nID="rocky"\nVERSION_ID=\'9.4\'\nPRETTY_NAME="Rocky 9"\n'),
    ).toEqual({
      id: "rocky",
      version: "9.4",
      prettyName: "Rocky 9",
    });
  });
});

describe("spdxDocument()", () => {
  const digest = (text: string): string =>
    new Bun.CryptoHasher("sha256").update(text).digest("hex");
  const input = {
    distribution: { id: "", version: "", prettyName: "P" },
    notRead: ["/var/lib/rpm/Packages, in an old format"],
    seconds: 1_000_000_000,
    tool: "skiff-1",
    digest,
  };
  const a = installedPackage({
    kind: "deb",
    name: "a",
    version: "1",
    source: "s",
    supplier: "M <m@x>",
    license: "MIT",
  });
  const b = installedPackage({
    kind: "rpm",
    name: "b",
    version: "1",
    source: "s",
    supplier: "V",
    license: "GPLv2+",
  });

  test("is the same whatever the order, and once for what was found twice", () => {
    const text = spdxDocument({ ...input, packages: [a, b] });
    expect(spdxDocument({ ...input, packages: [b, a, a] })).toBe(text);
  });

  test("holds what SPDX 2.3 asks for", () => {
    const document = JSON.parse(spdxDocument({ ...input, packages: [a, b] }));
    expect(document).toMatchObject({
      spdxVersion: "SPDX-2.3",
      dataLicense: "CC0-1.0",
      SPDXID: "SPDXRef-DOCUMENT",
      creationInfo: { created: "2001-09-09T01:46:40Z", creators: ["Tool: skiff-1"] },
    });
    expect(document.comment).toContain("Not read: /var/lib/rpm/Packages, in an old format.");
    const [image, first, second] = document.packages;
    expect(image.SPDXID).toBe("SPDXRef-Image");
    expect([first.supplier, first.licenseDeclared, first.licenseComments]).toEqual([
      "Person: M (m@x)",
      "MIT",
      undefined,
    ]);
    expect([second.supplier, second.licenseDeclared, second.licenseComments]).toEqual([
      "Organization: V",
      "NOASSERTION",
      "declared as: GPLv2+",
    ]);
    const ids = document.packages.map((one: { SPDXID: string }) => one.SPDXID);
    expect(ids.every((id: string) => /^SPDXRef-[A-Za-z0-9.-]+$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(3);
    expect(
      document.relationships.map((one: { relatedSpdxElement: string }) => one.relatedSpdxElement),
    ).toEqual(ids);
  });
});
