import { expect, test } from "bun:test";
import { Fault } from "../../base/fault.ts";
import { type StandIn, standInFacts, standInHost } from "./_stand-in.ts";
import { cdiBinds } from "./cdi-binds.ts";
import { selectCdiDevices } from "./cdi-devices.ts";
import type { CdiFile } from "./gpu-facts.ts";

function file(
  path: string,
  kind: string,
  devices: unknown,
  containerEdits: unknown = {},
  priority = 0,
): CdiFile {
  return { path, priority, content: { cdiVersion: "0.6.0", kind, devices, containerEdits } };
}

const gpu = (name: string, env = name) => ({ name, containerEdits: { env: [`GPU=${env}`] } });

function faultOf(run: () => unknown): Fault {
  try {
    run();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("no fault was thrown");
}

test("selectCdiDevices() finds devices by full name, each once, with their file's common edits once", () => {
  const files = [
    file("/a", "v.org/gpu", [gpu("0"), gpu("1")]),
    file("/b", "v.org/net", [gpu("0")]),
  ];
  const { devices, common } = selectCdiDevices(
    ["v.org/gpu=1", "v.org/gpu=0", "v.org/gpu=1"],
    files,
  );
  expect(devices.map((d) => `${d.name} ${d.file}`)).toEqual(["v.org/gpu=1 /a", "v.org/gpu=0 /a"]);
  expect(common.map((d) => d.file)).toEqual(["/a"]);
});

test("selectCdiDevices() takes =all as every device of the kind, unless one is called so", () => {
  const files = [
    file("/a", "v.org/gpu", [gpu("0"), gpu("1")]),
    file("/b", "v.org/gpu", [gpu("2")]),
  ];
  const all = (from: readonly CdiFile[]) =>
    selectCdiDevices(["v.org/gpu=all"], from).devices.map((d) => d.name);
  expect(all(files)).toEqual(["v.org/gpu=0", "v.org/gpu=1", "v.org/gpu=2"]);
  expect(all([...files, file("/c", "v.org/gpu", [gpu("all")])])).toEqual(["v.org/gpu=all"]);
});

test("selectCdiDevices() prefers the later directory and refuses two files of one", () => {
  const low = file("/low", "v.org/gpu", [gpu("0", "low")], {}, 0);
  const high = file("/high", "v.org/gpu", [gpu("0", "high")], {}, 1);
  expect(selectCdiDevices(["v.org/gpu=0"], [high, low]).devices[0]?.file).toBe("/high");
  const rival = { ...low, path: "/rival" };
  expect(selectCdiDevices(["v.org/gpu=0"], [low, rival, high]).devices[0]?.file).toBe("/high");
  expect(faultOf(() => selectCdiDevices(["v.org/gpu=0"], [low, rival])).message).toBe(
    'Cannot use the device "v.org/gpu=0": both /low and /rival describe it',
  );
});

test("selectCdiDevices() faults for malformed and unknown names and tells what there is", () => {
  for (const name of ["gpu0", "v.org/gpu", "v.org/gpu=", "=x", "a b/c=d"]) {
    expect(faultOf(() => selectCdiDevices([name], []))).toMatchObject({
      code: "usage",
      exitCode: 255,
    });
  }
  const files = [
    file("/a", "v.org/gpu", [gpu("0")]),
    { path: "/x.json", priority: 0, content: undefined },
  ];
  const fault = faultOf(() => selectCdiDevices(["v.org/gpu=9"], files));
  expect(fault.message).toBe(
    'Cannot use the device "v.org/gpu=9": no CDI specification describes it; not readable: /x.json (the document is not an object)',
  );
  expect(fault.hint).toBe("known devices: v.org/gpu=0");
});

function bind(edits: unknown, standIn: StandIn, common: unknown = {}) {
  const files = [
    file("/etc/cdi/v.json", "v.org/gpu", [{ name: "0", containerEdits: edits }], common),
  ];
  return cdiBinds(
    selectCdiDevices(["v.org/gpu=0"], files),
    standInHost(standIn),
    standInFacts(standIn),
  );
}

test("cdiBinds() gives mounts, nodes and variables, a device's value over its file's", () => {
  const paths = { "/h/lib": "x", "/dev/gpu0": "x", "/dev/ctl": "x", "/dev/odd": "x" };
  const { binds, notices } = bind(
    {
      env: ["A=device", "B=1"],
      mounts: [{ hostPath: "/h/lib", containerPath: "/c/./lib", options: ["ro", "nosuid"] }],
      deviceNodes: [{ path: "/dev/gpu0" }, { path: "/dev/x", hostPath: "/dev/odd" }],
    },
    { paths },
    { env: ["A=common"], deviceNodes: [{ path: "/dev/ctl" }, { path: "/dev/gpu0" }] },
  );
  const why = "--device v.org/gpu=0 (/etc/cdi/v.json)";
  expect(binds).toEqual({
    libraries: [],
    files: [
      { source: "/h/lib", target: "/c/lib", readOnly: true, why },
      { source: "/dev/odd", target: "/dev/x", readOnly: false, why },
    ],
    devices: ["/dev/ctl", "/dev/gpu0"],
    environment: [
      { name: "A", value: "device" },
      { name: "B", value: "1" },
    ],
  });
  expect(notices).toEqual([]);
});

test("cdiBinds() faults for a file or node that is not on the host", () => {
  for (const edits of [
    { mounts: [{ hostPath: "/gone", containerPath: "/c" }] },
    { deviceNodes: [{ path: "/dev/gone", hostPath: "/gone" }] },
  ]) {
    expect(faultOf(() => bind(edits, {}))).toMatchObject({
      code: "not-found",
      message: 'Cannot add the device "v.org/gpu=0": /gone is not on this host',
    });
  }
});

const HOOKS = [
  {
    hookName: "createContainer",
    path: "/usr/bin/nvidia-cdi-hook",
    args: ["nvidia-cdi-hook", "update-ldcache", "--folder", "/lib64", "--folder=/opt/l"],
  },
  {
    hookName: "createContainer",
    path: "/usr/bin/nvidia-cdi-hook",
    args: [
      "nvidia-cdi-hook",
      "create-symlinks",
      "--link",
      "libcuda.so.1::/lib64/libcuda.so",
      "--link=../liballoc.so.1::/lib64/gbm/nv_gbm.so",
    ],
  },
  {
    hookName: "createContainer",
    path: "/usr/bin/nvidia-cdi-hook",
    args: ["nvidia-cdi-hook", "chmod", "--mode", "755", "--path", "/dev/dri"],
  },
  { hookName: "startContainer", path: "/opt/hook", args: ["hook", "--go"] },
  { hookName: "startContainer", path: "/opt/hook", args: ["hook", "--go"] },
];

test("cdiBinds() gives libraries the names that the linker's cache and links would have given", () => {
  const mount = (name: string) => ({
    hostPath: `/h/${name}`,
    containerPath: `/lib64/${name}`,
    options: ["ro"],
  });
  const { binds, notices } = bind(
    {
      mounts: [mount("libcuda.so.550"), mount("liballoc.so.550"), mount("data.bin")],
      hooks: HOOKS,
    },
    {
      paths: { "/h/data.bin": "x" },
      elves: {
        "/h/libcuda.so.550": { soname: "libcuda.so.1" },
        "/h/liballoc.so.550": { soname: "liballoc.so.1" },
      },
    },
  );
  expect(binds.libraries.map((l) => `${l.name} ${l.source}`)).toEqual([
    "libcuda.so.1 /h/libcuda.so.550",
    "liballoc.so.1 /h/liballoc.so.550",
    "libcuda.so /h/libcuda.so.550",
  ]);
  expect(binds.files.map((f) => `${f.source} ${f.target}`)).toEqual([
    "/h/libcuda.so.550 /lib64/libcuda.so.550",
    "/h/liballoc.so.550 /lib64/liballoc.so.550",
    "/h/data.bin /lib64/data.bin",
    "/h/liballoc.so.550 /lib64/gbm/nv_gbm.so",
  ]);
  expect(notices.map((n) => n.text)).toEqual([
    "Not running the hooks of CDI devices: /opt/hook --go",
  ]);
});

test("cdiBinds() leaves out libraries that the image's glibc cannot load, and mounts that are no binds", () => {
  const { binds, notices } = bind(
    {
      mounts: [
        { hostPath: "/h/libcuda.so.550", containerPath: "/lib64/libcuda.so.550" },
        { hostPath: "tmpfs", containerPath: "/t", type: "tmpfs" },
      ],
      hooks: HOOKS.slice(0, 2),
    },
    {
      elves: { "/h/libcuda.so.550": { soname: "libcuda.so.1", needsGlibc: [2, 40] } },
      libc: { kind: "glibc", release: [2, 31] },
    },
  );
  expect(binds.libraries).toEqual([]);
  expect(binds.files).toEqual([]);
  expect(notices.map((n) => n.text)).toEqual([
    'Not mounting the tmpfs of "v.org/gpu=0" on /t: only binds are made',
    "Not binding libcuda.so.550 of this host: it needs glibc 2.40 and the image has 2.31",
  ]);
});
