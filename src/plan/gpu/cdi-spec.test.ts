import { expect, test } from "bun:test";
import fc from "fast-check";
import { isCdiDeviceName, isCdiKind, readCdiSpec } from "./cdi-spec.ts";

const MINIMAL = { cdiVersion: "0.5.0", kind: "vendor.example/gpu" };

test("readCdiSpec() reads every kind of edit and fills in what may be left out", () => {
  const result = readCdiSpec({
    ...MINIMAL,
    annotations: { any: "thing" },
    devices: [
      {
        name: "0",
        containerEdits: {
          deviceNodes: [
            { path: "/dev/gpu0" },
            { path: "/dev/a", hostPath: "/dev/b", permissions: "r", major: 1 },
          ],
          env: ["A=1=2"],
          mounts: [{ hostPath: "/h", containerPath: "/c", options: ["ro", "rbind"] }],
          hooks: [
            { hookName: "createContainer", path: "/usr/bin/hook", args: ["hook", "x"], timeout: 3 },
          ],
        },
      },
      { name: "1" },
    ],
    containerEdits: null,
  });
  expect(result.ok && [...result.spec.devices.keys()]).toEqual(["0", "1"]);
  expect(result.ok && result.spec.devices.get("0")).toEqual({
    deviceNodes: [
      { path: "/dev/gpu0", hostPath: "/dev/gpu0", permissions: "rwm" },
      { path: "/dev/a", hostPath: "/dev/b", permissions: "r" },
    ],
    env: ["A=1=2"],
    mounts: [{ hostPath: "/h", containerPath: "/c", options: ["ro", "rbind"], type: "" }],
    hooks: [{ hookName: "createContainer", path: "/usr/bin/hook", args: ["hook", "x"] }],
  });
  expect(result.ok && result.spec.common.env).toEqual([]);
});

test("readCdiSpec() says what is wrong with data that is no specification", () => {
  const device = (containerEdits: unknown) => ({
    ...MINIMAL,
    devices: [{ name: "0", containerEdits }],
  });
  const table: readonly [unknown, string][] = [
    [undefined, "the document is not an object"],
    [[], "the document is not an object"],
    [{}, "cdiVersion is missing"],
    [{ ...MINIMAL, cdiVersion: 1 }, "cdiVersion is not a text"],
    [{ ...MINIMAL, cdiVersion: "2.0.0" }, 'cdiVersion "2.0.0" is not supported'],
    [{ ...MINIMAL, kind: "gpu" }, 'kind "gpu" is not of the form vendor.example/class'],
    [{ ...MINIMAL, devices: {} }, "devices is not a list"],
    [{ ...MINIMAL, devices: [{ name: "a b" }] }, '"a b" is no device name'],
    [{ ...MINIMAL, devices: [{ name: "a" }, { name: "a" }] }, 'device "a" is there twice'],
    [device({ env: ["=x"] }), 'env entry "=x" is not NAME=value'],
    [device({ env: ["A=\0"] }), "an env entry is not a text"],
    [
      device({ mounts: [{ hostPath: "/h", containerPath: "c" }] }),
      'the containerPath of a mount "c" is not absolute',
    ],
    [device({ deviceNodes: [{}] }), "the path of a device node is missing"],
    [
      device({ hooks: [{ hookName: "x", path: "/h", args: [1] }] }),
      "the args of a hook is not a text",
    ],
    [device("x"), "containerEdits is not an object"],
  ];
  for (const [content, reason] of table)
    expect(readCdiSpec(content)).toEqual({ ok: false, reason });
});

test("readCdiSpec() never throws", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(typeof readCdiSpec({ ...MINIMAL, devices: value, containerEdits: value }).ok).toBe(
        "boolean",
      );
    }),
  );
});

test("isCdiKind() and isCdiDeviceName() hold the names' grammar", () => {
  for (const kind of ["a/b", "vendor.example/gpu", "v-1.x/net_dev-2"])
    expect(isCdiKind(kind)).toBe(true);
  for (const kind of ["", "a", "a/", "/b", "1a/b", "a./b", "a/b.c", "a/b/c", "a/b="])
    expect(isCdiKind(kind)).toBe(false);
  for (const name of ["0", "all", "gpu0", "0:1", "GPU-1a.b_c"])
    expect(isCdiDeviceName(name)).toBe(true);
  for (const name of ["", "-a", "a-", "a b", "a/b", "a="])
    expect(isCdiDeviceName(name)).toBe(false);
});
