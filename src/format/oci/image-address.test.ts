import { expect, test } from "bun:test";
import { Fault } from "../../base/fault.ts";
import { defaultFileName, parseImageAddress } from "./image-address.ts";

const DIGEST = `sha256:${"ab".repeat(32)}`;

test.each([
  ["docker://alpine:3", "docker", "alpine_3.sif"],
  ["docker://registry.example.org:5000/tools/gcc", "docker", "gcc_latest.sif"],
  [`docker://alpine@${DIGEST}`, "docker", `alpine@sha256_${"ab".repeat(32)}.sif`],
  ["oras://registry.example.org/tools:1.0", "oras", "tools_1.0.sif"],
  ["library://user/collection/tool:1,2", "library", "tool_1.sif"],
  ["library://host:8080/user/collection/tool", "library", "tool_latest.sif"],
  ["http://www.example.org/dir/file.sif", "http", "file.sif"],
  ["https://www.example.org/dir/file.sif?key=1", "http", "file.sif?key=1"],
  ["docker-archive:/d/x.tar", "docker-archive", "x.tar_latest.sif"],
  ["oci:/d/layout:1.2", "oci", "layout_1.2.sif"],
  ["oci-archive:x.tar", "oci-archive", "x.tar_latest.sif"],
  [`oci:/d/layout@${DIGEST}`, "oci", `layout@sha256_${"ab".repeat(32)}.sif`],
  [`oci:/d/layout:1@${DIGEST}`, "oci", "layout_1.sif"],
  ["oci:layout/:1", "oci", "layout_1.sif"],
  ["docker-archive:d/x.tar:@1", "docker-archive", "x.tar_@1.sif"],
  ["docker-archive:d/x.tar:some/name:1", "docker-archive", "name_1.sif"],
  ["docker-daemon:name:tag", "docker-daemon", "name_tag.sif"],
  ["ipfs://bafyid/dir/image.sif", "ipfs", "image.sif_latest.sif"],
  ["shub://user/name", "shub", "name_latest.sif"],
  [
    "shub://hub.example.org:8080/user/name:2@0123456789abcdef0123456789abcdef",
    "shub",
    "name_2.sif",
  ],
])("%s is an address by %s and its file is %s", (text, kind, file) => {
  const address = parseImageAddress(text);
  expect(address?.kind).toBe(kind as never);
  expect(address && defaultFileName(address)).toBe(file);
  const asOciSif = kind === "http" ? file : file.replace(/\.sif$/, ".oci.sif");
  expect(address && defaultFileName(address, true)).toBe(asOciSif);
});

test.each(["image.sif", "/a/b", "./docker", "a:b", "C:\\x", ""])(
  "%j can only be a path",
  (text) => {
    expect(parseImageAddress(text)).toBeUndefined();
  },
);

test.each([
  "foo://x",
  "DOCKER://alpine",
  "docker://",
  "docker:alpine",
  "http://",
  "oci:",
  "library://a/b/c/d/e",
  "library://A/b/c",
  "library://a/b/c:t ag",
  "shub://name",
  "shub://user/name@sha256:00",
])("%j is refused", (text) => {
  expect(() => parseImageAddress(text)).toThrow(Fault);
});

test("library references keep host, short names and hashes", () => {
  const of = (text: string) => {
    const address = parseImageAddress(text);
    return address?.kind === "library" ? address.image : undefined;
  };
  expect(of("library://host.example.org/u/c/n:1,2")).toEqual({
    host: "host.example.org",
    path: "u/c/n",
    tags: ["1", "2"],
  });
  expect(of("library://n")).toEqual({ host: undefined, path: "n", tags: ["latest"] });
  expect(of(`library://u/c/n:sha256.${"ab".repeat(32)}`)?.tags).toEqual([
    `sha256.${"ab".repeat(32)}`,
  ]);
});
