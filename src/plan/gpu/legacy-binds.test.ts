import { expect, test } from "bun:test";
import { type StandIn, standInFacts, standInHost } from "./_stand-in.ts";
import { parseGpuList } from "./gpu-list.ts";
import { type LegacyRequest, legacyBinds } from "./legacy-binds.ts";

const LIST =
  "nvidia-smi\nlibcuda.so\nlibnvidia-ml.so\n/opt/nv/libextra.so.1.2\n/usr/share/nv.json\n";

function bind(standIn: StandIn, options: Partial<LegacyRequest> & { text?: string } = {}) {
  const { text = LIST, ...rest } = options;
  const request = {
    platform: "nv" as const,
    list: parseGpuList(text),
    why: "--nv",
    writable: false,
    ...rest,
  };
  return legacyBinds(request, standInHost(standIn), standInFacts(standIn));
}

const names = (outcome: ReturnType<typeof bind>) =>
  outcome.binds.libraries.map((library) => `${library.name} ${library.source}`);

test("parseGpuList() sorts words into libraries, files and programs", () => {
  expect(parseGpuList("# c\n\n nvidia-smi \nlibcuda.so\n/a/libx.so.1\n/etc/x.json\n")).toEqual({
    libraries: ["libcuda.so", "/a/libx.so.1"],
    files: ["/etc/x.json"],
    binaries: ["nvidia-smi"],
  });
});

test("legacyBinds() takes libraries by prefix, the first of a name that fits the machine", () => {
  const outcome = bind({
    libraries: [
      ["libz.so.1", "/lib/libz.so.1"],
      ["libcuda.so.1", "/v3/libcuda.so.1", true],
      ["libcuda.so.1", "/lib32/libcuda.so.1"],
      ["libcuda.so.1", "/lib64/libcuda.so.1"],
      ["libcuda.so.1", "/other/libcuda.so.1"],
      ["libcuda.so", "/lib64/libcuda.so"],
      ["libnvidia-ml.so.1", "/lib64/libnvidia-ml.so.1"],
      ["libnvidia-ml.so.2", "/lib64/no-elf.so"],
    ],
    elves: {
      "/lib/libz.so.1": {},
      "/v3/libcuda.so.1": {},
      "/lib32/libcuda.so.1": { machine: 3 },
      "/lib64/libcuda.so.1": {},
      "/other/libcuda.so.1": {},
      "/lib64/libcuda.so": {},
      "/lib64/libnvidia-ml.so.1": {},
    },
  });
  expect(names(outcome)).toEqual([
    "libcuda.so.1 /lib64/libcuda.so.1",
    "libcuda.so /lib64/libcuda.so",
    "libnvidia-ml.so.1 /lib64/libnvidia-ml.so.1",
  ]);
  expect(outcome.binds.libraries[0]?.why).toBe("--nv");
  expect(outcome.notices).toEqual([]);
});

test("legacyBinds() takes an absolute library with the links that lead to it", () => {
  const outcome = bind({
    elves: {
      "/opt/nv/libextra.so.1.2": {},
      "/opt/nv/libextra.so.1": {},
      "/opt/nv/libextra.so": {},
    },
    paths: {
      "/opt/nv/libextra.so.1": "-> /opt/nv/libextra.so.1.2",
      "/opt/nv/libextra.so": "-> /elsewhere",
      "/elsewhere": "file",
    },
  });
  expect(names(outcome)).toEqual([
    "libextra.so.1.2 /opt/nv/libextra.so.1.2",
    "libextra.so.1 /opt/nv/libextra.so.1",
  ]);
});

test("legacyBinds() binds programs to /usr/bin, plain files in place, and the daemon's socket writable", () => {
  const { binds } = bind({
    tools: { "nvidia-smi": "/opt/driver/bin/nvidia-smi" },
    paths: { "/usr/share/nv.json": "file", "/var/run/nvidia-persistenced/socket": "socket" },
  });
  expect(binds.files.map((f) => [f.source, f.target, f.readOnly])).toEqual([
    ["/opt/driver/bin/nvidia-smi", "/usr/bin/nvidia-smi", true],
    ["/usr/share/nv.json", "/usr/share/nv.json", true],
    ["/var/run/nvidia-persistenced/socket", "/var/run/nvidia-persistenced/socket", false],
  ]);
});

test("legacyBinds() names the devices for a minimal /dev, by platform", () => {
  const paths = Object.fromEntries(
    ["nvidia0", "nvidiactl", "nvidia-caps", "kfd", "dri", "sda"].map((name) => [
      `/dev/${name}`,
      "x",
    ]),
  );
  expect(bind({ paths }).binds.devices).toEqual([
    "/dev/nvidia-caps",
    "/dev/nvidia0",
    "/dev/nvidiactl",
  ]);
  expect(bind({ paths }, { platform: "rocm" }).binds.devices).toEqual(["/dev/dri", "/dev/kfd"]);
});

test("legacyBinds() hands on the libraries of an outer container, before its own", () => {
  const outcome = bind({
    libraries: [["libcuda.so.1", "/lib64/libcuda.so.1"]],
    elves: { "/.singularity.d/libs/libcuda.so.1": {}, "/lib64/libcuda.so.1": {} },
  });
  expect(names(outcome)).toEqual(["libcuda.so.1 /.singularity.d/libs/libcuda.so.1"]);
});

test("legacyBinds() is silent without a GPU and warns with one but no driver files", () => {
  expect(bind({}).notices).toEqual([]);
  const texts = (outcome: ReturnType<typeof bind>) => outcome.notices.map((notice) => notice.text);
  const paths = { "/dev/nvidia0": "x" };
  expect(texts(bind({ paths }))).toEqual([
    "Could not find any nv files on this host!",
    "Could not find any nv libraries on this host!",
  ]);
  expect(texts(bind({ paths }, { text: "" }))).toEqual([]);
  expect(
    texts(bind({ paths: { "/dev/kfd": "x" } }, { platform: "rocm", text: "libhsa.so" })),
  ).toEqual(["Could not find any rocm libraries on this host!"]);
});

test("legacyBinds() warns that files may not be bound into a writable image", () => {
  const standIn = { tools: { "nvidia-smi": "/bin/nvidia-smi" } };
  expect(bind(standIn, { writable: true }).notices).toEqual([
    { level: "warning", text: "nv files may not be bound with --writable" },
  ]);
});

const DRIVER: StandIn = {
  libraries: [
    ["libcuda.so.1", "/l/libcuda.so.1"],
    ["libnvidia-ml.so.1", "/l/libnvidia-ml.so.1"],
  ],
  elves: {
    "/l/libcuda.so.1": { soname: "libcuda.so.1", needsGlibc: [2, 34] },
    "/l/libnvidia-ml.so.1": { soname: "libnvidia-ml.so.1", needsGlibc: [2, 17] },
    "/b/nvidia-smi": { needsGlibc: [2, 38] },
  },
  tools: { "nvidia-smi": "/b/nvidia-smi" },
};

test("legacyBinds() leaves out what needs a newer glibc than the image has, and says so once", () => {
  const outcome = bind({ ...DRIVER, libc: { kind: "glibc", release: [2, 31] } });
  expect(names(outcome)).toEqual(["libnvidia-ml.so.1 /l/libnvidia-ml.so.1"]);
  expect(outcome.binds.files).toEqual([]);
  expect(outcome.notices.map((notice) => notice.text)).toEqual([
    "Not binding libcuda.so.1, nvidia-smi of this host: they need up to glibc 2.38 and the image has 2.31",
  ]);
  const one = bind({ ...DRIVER, libc: { kind: "glibc", release: [2, 34] } });
  expect(names(one).length).toBe(2);
  expect(one.notices.map((notice) => notice.text)).toEqual([
    "Not binding nvidia-smi of this host: it needs glibc 2.38 and the image has 2.34",
  ]);
});

test("legacyBinds() binds everything where the image's glibc is new enough or not known", () => {
  for (const libc of [{ kind: "glibc", release: [2, 38] } as const, undefined]) {
    const outcome = bind(libc === undefined ? DRIVER : { ...DRIVER, libc });
    expect(names(outcome).length).toBe(2);
    expect(outcome.binds.files.length).toBe(1);
    expect(outcome.notices).toEqual([]);
  }
});

test("legacyBinds() binds nothing of glibc into a musl image, with one message", () => {
  const outcome = bind({ ...DRIVER, libc: { kind: "musl" } });
  expect(outcome.binds.libraries).toEqual([]);
  expect(outcome.binds.files).toEqual([]);
  expect(outcome.notices.map((notice) => notice.text)).toEqual([
    "Not binding the nv files of this host: they need glibc and the image has musl",
  ]);
});
