import type { InstalledPackage } from "./installed-package.ts";
import { type Distribution, packageUrl } from "./package-url.ts";

/** What an SPDX document is made of. */
export interface SpdxInput {
  readonly packages: readonly InstalledPackage[];
  readonly distribution: Distribution;
  /** Databases that are there and were not read, with the reason. */
  readonly notRead: readonly string[];
  /** Seconds since 1970, of the content. */
  readonly seconds: number;
  /** `skiff-0.1.0`. */
  readonly tool: string;
  /** SHA-256 of a text, hexadecimal. */
  digest(text: string): string;
}

/** Licences that are written in SPDX's own words often enough to be taken over as they are. */
const LICENSES: ReadonlySet<string> = new Set(
  (
    "0BSD AFL-2.1 AGPL-3.0-only AGPL-3.0-or-later Apache-2.0 Artistic-1.0 Artistic-2.0 BSD-2-Clause BSD-3-Clause BSL-1.0 " +
    "CC0-1.0 CC-BY-3.0 CC-BY-4.0 GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later ISC " +
    "LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later MIT MPL-1.1 MPL-2.0 OpenSSL PSF-2.0 " +
    "Python-2.0 Unlicense Zlib ZPL-2.1 curl bzip2-1.0.6 OFL-1.1 W3C WTFPL BlueOak-1.0.0"
  ).split(" "),
);

/** An SPDX 2.3 document as JSON; the same packages give the same bytes. */
export function spdxDocument(input: SpdxInput): string {
  const packages = sorted(input.packages);
  const described = packages.map((one) => spdxPackage(one, input));
  const created = new Date(Math.max(0, input.seconds) * 1000)
    .toISOString()
    .replace(/\.[0-9]+Z$/, "Z");
  const { prettyName } = input.distribution;
  const image = {
    SPDXID: "SPDXRef-Image",
    name: "image",
    ...(prettyName === "" ? {} : { summary: prettyName }),
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    licenseDeclared: "NOASSERTION",
    copyrightText: "NOASSERTION",
    primaryPackagePurpose: "CONTAINER",
  };
  const namespace = input.digest(JSON.stringify([described, created, prettyName]));
  const comment = [
    "Read from the databases of package managers in the root file system; files were not analyzed.",
    ...input.notRead.map((text) => `Not read: ${text}.`),
  ].join(" ");
  const document = {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: "image",
    documentNamespace: `urn:sha256:${namespace}`,
    creationInfo: { created, creators: [`Tool: ${input.tool}`] },
    comment,
    packages: [image, ...described],
    relationships: [
      relationship("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image"),
      ...described.map(({ SPDXID }) => relationship("SPDXRef-Image", "CONTAINS", SPDXID)),
    ],
  };
  return `${JSON.stringify(document, undefined, 1)}\n`;
}

/** By kind, name, version and source; one of each. */
function sorted(packages: readonly InstalledPackage[]): readonly InstalledPackage[] {
  const keyed = new Map(
    packages.map((one) => [
      [one.kind, one.name, one.version, one.arch, one.source].join("\0"),
      one,
    ]),
  );
  return [...keyed].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

function spdxPackage(one: InstalledPackage, input: SpdxInput) {
  const unique = input
    .digest([one.kind, one.name, one.version, one.arch, one.source].join("\0"))
    .slice(0, 12);
  const label = `${one.kind}-${one.name}`.replace(/[^A-Za-z0-9.-]+/g, "-");
  const isExpression = isLicenseExpression(one.license);
  const isAddress = /^(?:https?|ftp):\/\/\S+$/.test(one.homepage);
  return {
    SPDXID: `SPDXRef-${label}-${unique}`,
    name: one.name.toWellFormed(),
    versionInfo: one.version.toWellFormed(),
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    ...(isAddress ? { homepage: one.homepage } : {}),
    ...(one.supplier === "" ? {} : { supplier: supplierText(one) }),
    sourceInfo: `from ${one.source.toWellFormed()}`,
    licenseConcluded: "NOASSERTION",
    licenseDeclared: isExpression ? one.license : "NOASSERTION",
    ...(isExpression || one.license === ""
      ? {}
      : { licenseComments: `declared as: ${one.license.toWellFormed()}` }),
    copyrightText: "NOASSERTION",
    externalRefs: [
      {
        referenceCategory: "PACKAGE-MANAGER",
        referenceType: "purl",
        referenceLocator: packageUrl(one, input.distribution),
      },
    ],
  };
}

/** `Person: name (mail)` or `Organization: name`. */
function supplierText(one: InstalledPackage): string {
  const text = one.supplier.toWellFormed().split("\n")[0] ?? "";
  if (one.kind === "rpm") return `Organization: ${text}`;
  const match = /^(.*?)\s*<([^<>\s]+)>/.exec(text);
  return match === null
    ? `Person: ${text}`
    : `Person: ${match[1]?.replace(/^"|"$/g, "")} (${match[2]})`;
}

/** Whether a text is an expression of licences that are known here. */
function isLicenseExpression(text: string): boolean {
  const words = text
    .replace(/[()]/g, " ")
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length % 2 === 0 || /[()]/.test(text)) return false;
  return words.every((word, at) =>
    at % 2 === 0 ? LICENSES.has(word) : word === "AND" || word === "OR",
  );
}

function relationship(spdxElementId: string, relationshipType: string, relatedSpdxElement: string) {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}
