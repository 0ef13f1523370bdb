import { expect, test } from "bun:test";
import { parseRegistryReference } from "../../format/oci/reference.ts";
import { mirrorsOf, parseRules } from "./mirrors.ts";

const rules =
  parseRules(`
unqualified-search-registries = ["docker.io"]
[[registry]]
location = "docker.io"
[[registry.mirror]]
location = "mirror.example.org:5000/hub/"
insecure = true
[[registry.mirror]]
location = "second.example.org"
[[registry]]
prefix = "docker.io/team"
location = "docker.io/team"
[[registry.mirror]]
location = "team.example.org"
[[registry]]
prefix = "*.example.net"
location = "x"
[[registry.mirror]]
location = "net.example.org"
[[registry]]
location = "none.example.org"
[[registry]]
prefix = "old.example.org/sub"
location = "new.example.org/other/place"
insecure = true
[[registry.mirror]]
location = "near.example.org"
`) ?? [];

test.each([
  ["alpine:3", ["mirror.example.org:5000/hub/library/alpine", "second.example.org/library/alpine"]],
  ["docker.io/team/tool", ["team.example.org/tool"]],
  [
    "docker.io/teams/tool",
    ["mirror.example.org:5000/hub/teams/tool", "second.example.org/teams/tool"],
  ],
  ["r.example.net/a/b", ["net.example.org/a/b"]],
  ["none.example.org/a", []],
  ["other.example.org/a", []],
  ["old.example.org/sub/a", ["near.example.org/a", "new.example.org/other/place/a"]],
  ["old.example.org/a", []],
])("mirrorsOf(%s) is %j", (text, expected) => {
  const found = mirrorsOf(parseRegistryReference(text), rules);
  expect(found.map(({ image }) => `${image.registry}/${image.repository}`)).toEqual(expected);
});

test("mirrorsOf() keeps the version and says where plain http is allowed", () => {
  const [first, second] = mirrorsOf(parseRegistryReference("alpine:3"), rules);
  expect(first?.image.tag).toBe("3");
  expect([first?.isInsecure, second?.isInsecure]).toEqual([true, false]);
});

test("mirrorsOf() says where images were moved to, without a way back", () => {
  const found = mirrorsOf(parseRegistryReference("old.example.org/sub/a"), rules);
  expect(found.map(({ isLast, isInsecure }) => [isLast, isInsecure])).toEqual([
    [false, false],
    [true, true],
  ]);
});

test("parseRules() takes broken files for empty ones", () => {
  expect(parseRules("registry = [1")).toEqual([]);
  expect(parseRules('registry = "x"')).toEqual([]);
  expect(parseRules(undefined)).toBeUndefined();
});
