import { expect, test } from "bun:test";
import { chooseArchived, parseDockerManifest } from "./docker-archive.ts";

const images = parseDockerManifest(
  JSON.stringify([
    { Config: "1.json", RepoTags: ["alpine:3", "example.org:5000/a/b:1"], Layers: ["1/layer.tar"] },
    { Config: "2.json", RepoTags: null, Layers: [] },
  ]),
  "x.tar",
);

for (const [wanted, config] of [
  ["alpine:3", "1.json"],
  ["docker.io/library/alpine:3", "1.json"],
  ["example.org:5000/a/b:1", "1.json"],
  ["@0", "1.json"],
  ["@1", "2.json"],
] as const) {
  test(`chooseArchived() finds "${wanted}"`, () => {
    expect(chooseArchived(images, wanted, "x.tar").config).toBe(config);
  });
}

for (const wanted of ["", "alpine", "other:1", "@2", "a/b:1"]) {
  test(`chooseArchived() refuses "${wanted}" and lists what there is`, () => {
    try {
      chooseArchived(images, wanted, "x.tar");
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ hint: "name one of alpine:3, @1 after a colon" });
    }
  });
}

test("parseDockerManifest() refuses what is no list of images", () => {
  for (const text of ["", "{}", '[{"Config":""}]', '[{"Config":"a","Layers":[1]}]']) {
    expect(() => parseDockerManifest(text, "x.tar")).toThrow('"manifest.json" of x.tar');
  }
});
