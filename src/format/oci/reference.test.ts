import { expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../../base/fault.ts";
import { formatRegistryReference, parseRegistryReference, requestedVersion } from "./reference.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

test.each([
  ["//alpine", "docker.io", "library/alpine", "latest", undefined],
  ["alpine:3.20", "docker.io", "library/alpine", "3.20", undefined],
  ["//user/tool", "docker.io", "user/tool", "latest", undefined],
  ["//docker.io/alpine", "docker.io", "library/alpine", "latest", undefined],
  ["//index.docker.io/user/a/b:1", "docker.io", "user/a/b", "1", undefined],
  ["//registry.example.org/tool", "registry.example.org", "tool", "latest", undefined],
  ["//host:5000/a/b:tag", "host:5000", "a/b", "tag", undefined],
  ["//localhost/a", "localhost", "a", "latest", undefined],
  ["//127.0.0.1:5000/a", "127.0.0.1:5000", "a", "latest", undefined],
  ["//[::1]:5000/a:1", "[::1]:5000", "a", "1", undefined],
  [`//alpine@${DIGEST}`, "docker.io", "library/alpine", undefined, DIGEST],
  [`//h.example.org/a:1@${DIGEST}`, "h.example.org", "a", "1", DIGEST],
  ["//a__b/c--d.e_f", "docker.io", "a__b/c--d.e_f", "latest", undefined],
])("parseRegistryReference(%j)", (text, registry, repository, tag, digest) => {
  expect(parseRegistryReference(text)).toMatchObject({ registry, repository, tag, digest });
});

test.each([
  "",
  "//",
  "//Alpine",
  "//a:b:c",
  "//a:",
  "//a@sha256:12",
  "//a@md5:0123",
  "//a//b",
  "//a/",
  "//../etc/passwd",
  "//host:5000/../x",
  "//host:5000/a/%2e%2e",
  "//ho st.example.org/a",
  "//host:999999/a",
  "//user:pw@host.example.org/a",
  `//a:${"x".repeat(129)}`,
  `//${"a/".repeat(130)}b`,
])("parseRegistryReference(%j) is refused", (text) => {
  expect(() => parseRegistryReference(text)).toThrow(Fault);
});

test("parseRegistryReference() knows architectures in the first part of the name", () => {
  const { platform } = parseRegistryReference("//arm64v8/alpine");
  expect(platform).toEqual({ arch: "arm64", variant: "v8" });
  expect(parseRegistryReference("//host:1/arm32v7/x").platform).toEqual({
    arch: "arm",
    variant: "v7",
  });
  expect(parseRegistryReference("//amd64").platform).toBeUndefined();
});

test("requestedVersion() prefers the digest", () => {
  expect(requestedVersion(parseRegistryReference(`a:1@${DIGEST}`))).toBe(DIGEST);
  expect(requestedVersion(parseRegistryReference("a:1"))).toBe("1");
});

test("formatRegistryReference() reads back as the same image, and no text makes the parser fail otherwise", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9.:/@_-]{0,40}$/)), (text) => {
      let ref: ReturnType<typeof parseRegistryReference>;
      try {
        ref = parseRegistryReference(text);
      } catch (error) {
        expect(error).toBeInstanceOf(Fault);
        return;
      }
      expect(ref.repository).not.toContain("..");
      expect(parseRegistryReference(formatRegistryReference(ref))).toEqual(ref);
    }),
  );
});
