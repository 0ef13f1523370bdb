import { expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../../base/fault.ts";
import { DOCKER_LIST, OCI_INDEX, OCI_MANIFEST, parseManifest } from "./manifest.ts";
import { choosePlatform, wantedPlatform } from "./platform.ts";

const digest = (byte: string): string => `sha256:${byte.repeat(32)}`;
const descriptor = (byte: string, more: object = {}) => ({
  mediaType: "x",
  digest: digest(byte),
  size: 3,
  ...more,
});
const image = { schemaVersion: 2, config: descriptor("aa"), layers: [descriptor("bb")] };
const index = {
  schemaVersion: 2,
  manifests: [
    descriptor("00", { platform: { os: "unknown", architecture: "unknown" } }),
    descriptor("01", { platform: { os: "windows", architecture: "amd64" } }),
    descriptor("02", { platform: { os: "linux", architecture: "arm", variant: "v6" } }),
    descriptor("03", { platform: { os: "linux", architecture: "arm", variant: "v7" } }),
    descriptor("04", { platform: { os: "linux", architecture: "arm64", variant: "v8" } }),
    descriptor("05", { platform: { os: "linux", architecture: "amd64" } }),
    descriptor("06", { platform: { os: "linux", architecture: "amd64", variant: "v3" } }),
  ],
};
const parse = (value: unknown, type = "") => parseManifest(JSON.stringify(value), type, "manifest");

test("parseManifest() reads an image with its layers in order", () => {
  const read = parse({ ...image, layers: [descriptor("bb"), descriptor("cc")] });
  expect(read.kind === "image" && read.layers.map((layer) => layer.digest)).toEqual([
    digest("bb"),
    digest("cc"),
  ]);
  expect(read.kind === "image" && read.config).toMatchObject({ sizeBytes: 3, urls: [] });
});

test.each([
  [index, ""],
  [index, DOCKER_LIST],
  [{ ...index, mediaType: OCI_INDEX }, "text/plain"],
])("parseManifest() knows an index by its own word, the sender's or its members", (value, type) => {
  expect(parse(value, type).kind).toBe("index");
});

test.each([
  ["no JSON", "x"],
  ["HTML", "<!doctype html><p>hello"],
  ["a list", "[]"],
  ["null", "null"],
  ["schema 1", '{"schemaVersion":1,"fsLayers":[]}'],
  ["no layers", '{"schemaVersion":2}'],
  ["a path as digest", JSON.stringify({ ...image, config: { digest: "../../x", size: 1 } })],
  [
    "sha512",
    JSON.stringify({ ...image, config: { digest: `sha512:${"a".repeat(128)}`, size: 1 } }),
  ],
  ["upper case", JSON.stringify({ ...image, config: { digest: digest("AA"), size: 1 } })],
  ["a negative size", JSON.stringify({ ...image, layers: [{ ...descriptor("aa"), size: -1 }] })],
  ["a huge size", JSON.stringify({ ...image, layers: [{ ...descriptor("aa"), size: 1e300 }] })],
  ["a text as size", JSON.stringify({ ...image, layers: [{ ...descriptor("aa"), size: "3" }] })],
  ["5000 layers", JSON.stringify({ ...image, layers: Array(5000).fill(descriptor("aa")) })],
])("parseManifest() refuses %s", (_, text) => {
  expect(() => parseManifest(text, OCI_MANIFEST, "manifest")).toThrow(Fault);
});

test("parseManifest() fails only with Faults", () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), fc.string(), (text, type) => {
      try {
        parseManifest(text, type, "manifest");
      } catch (error) {
        expect(error).toBeInstanceOf(Fault);
      }
    }),
  );
});

const wish = { arch: "", variant: "", platform: "", hostArch: "amd64" };

test.each([
  [{}, "05"],
  [{ arch: "x86_64" }, "05"],
  [{ variant: "v3" }, "06"],
  [{ variant: "3" }, "06"],
  [{ arch: "arm64" }, "04"],
  [{ arch: "aarch64", variant: "8" }, "04"],
  [{ arch: "arm" }, "03"],
  [{ arch: "arm", variant: "6" }, "02"],
  [{ arch: "arm32v6" }, "02"],
  [{ platform: "linux/arm/v6" }, "02"],
  [{ platform: "linux/arm64", arch: "amd64" }, "04"],
  [{ hostArch: "arm64" }, "04"],
])("choosePlatform() with %j takes entry %s", (given, byte) => {
  const read = parse(index);
  if (read.kind !== "index") throw new Error("no index");
  const chosen = choosePlatform(read, wantedPlatform({ ...wish, ...given }), "x");
  expect(chosen.digest).toBe(digest(byte));
});

test("choosePlatform() lists what there is when nothing fits", () => {
  const read = parse(index);
  if (read.kind !== "index") throw new Error("no index");
  const choose = () =>
    choosePlatform(read, wantedPlatform({ ...wish, arch: "s390x" }), "docker://x");
  expect(choose).toThrow("no image found in image index for linux/s390x");
  try {
    choose();
  } catch (error) {
    const { hint = "" } = error as Fault;
    expect(hint).toContain("linux/arm/v7");
    expect(hint).not.toContain("unknown");
  }
});

test.each([[{ arch: "vax" }], [{ platform: "windows/amd64" }], [{ arch: "__proto__" }]])(
  "wantedPlatform() refuses %j",
  (given) => {
    expect(() => wantedPlatform({ ...wish, ...given })).toThrow(Fault);
  },
);
