import { expect, test } from "bun:test";
import { parseDeb822Sources, parseSourcesList, sourcesFor, sourcesLines } from "./apt-sources.ts";

test("parseSourcesList() takes binary lines with their options", () => {
  expect(
    parseSourcesList(
      "# deb http://no.example.org a b\ndeb-src http://no.example.org a b\n" +
        "deb [arch=amd64 signed-by=/k.gpg] http://example.org/debian bookworm main contrib # c\n" +
        "deb http://example.org/flat ./\n",
    ),
  ).toEqual([
    {
      uri: "http://example.org/debian",
      suites: ["bookworm"],
      components: ["main", "contrib"],
      signedBy: "/k.gpg",
    },
    { uri: "http://example.org/flat", suites: ["./"], components: [], signedBy: undefined },
  ]);
});

test("parseDeb822Sources() reads paragraphs, folded fields and comments", () => {
  expect(
    parseDeb822Sources(
      "Types: deb deb-src\n# c\nURIs: http://a.example.org/d\n http://b.example.org/d\nSuites: s s-updates\n" +
        "Components: main\nSigned-By: /k.gpg\n\nTypes: deb\nEnabled: no\nURIs: http://c.example.org\nSuites: s\n\n" +
        "Types: deb-src\nURIs: http://d.example.org\nSuites: s\n\n",
    ),
  ).toEqual([
    {
      uri: "http://a.example.org/d",
      suites: ["s", "s-updates"],
      components: ["main"],
      signedBy: "/k.gpg",
    },
    {
      uri: "http://b.example.org/d",
      suites: ["s", "s-updates"],
      components: ["main"],
      signedBy: "/k.gpg",
    },
  ]);
});

const HOST = [
  ...parseSourcesList(
    "deb http://example.org/debian s main contrib\ndeb http://example.org/debian s-updates main\n",
  ),
  ...parseSourcesList(
    "deb http://example.org/security s-security main\ndeb http://example.org/other x main\n",
  ),
];

test("sourcesFor() takes the release and its parts", () => {
  expect(sourcesLines(sourcesFor(HOST, "s"))).toEqual([
    "deb http://example.org/debian s main contrib",
    "deb http://example.org/debian s-updates main",
    "deb http://example.org/security s-security main",
  ]);
});

test("sourcesFor() takes the first mirror for a release that the host does not have", () => {
  expect(sourcesLines(sourcesFor(HOST, "t"))).toEqual(["deb http://example.org/debian t main"]);
  expect(sourcesFor([], "t")).toEqual([]);
});
