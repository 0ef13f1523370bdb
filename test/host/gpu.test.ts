import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { hostFacts } from "../../src/host/facts.ts";
import { gpuFacts } from "../../src/host/gpu-facts.ts";
import { hostFiles } from "../../src/host/host-files.ts";
import { imageLibc } from "../../src/host/image-libc.ts";
import { planGpu } from "../../src/plan/gpu/plan-gpu.ts";
import { noTool } from "../support/host-lacks.ts";
import { firstReason, testUnless } from "../support/skip.ts";

/*
 * Stand-ins for a driver, real ELF files made by the compiler: libcuda needs symbols of a glibc 2.77
 * that does not exist, libnvidia-ml only of 2.17, and the linker's own tool writes the cache.
 */
const lacks = firstReason(noTool("gcc"), noTool("ldconfig"));
let top = "";
/** Without the GL libraries of the full list, which this machine may have. */
const LIST = "nvidia-smi\nlibcuda.so\nlibnvidia-ml.so\n";

function run(...argv: readonly string[]): void {
  const child = Bun.spawnSync([...argv], { env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin" } });
  if (child.exitCode !== 0) throw new Error(`${argv.join(" ")}: ${child.stderr.toString()}`);
}

function library(path: string, soname: string, source: string, ...flags: readonly string[]): void {
  const code = `${top}/code.c`;
  writeFileSync(code, source);
  run("gcc", "-shared", "-nostdlib", "-fPIC", `-Wl,-soname,${soname}`, "-o", path, code, ...flags);
}

/** A libc.so.6 that defines the given versions, each with one symbol v_MINOR. */
function libc(path: string, minors: readonly number[]): void {
  const map = `${top}/libc.map`;
  writeFileSync(map, minors.map((minor) => `GLIBC_2.${minor} { v_${minor}; };`).join("\n"));
  const source = minors.map((minor) => `int v_${minor};`).join("\n");
  library(path, "libc.so.6", source, `-Wl,--version-script=${map}`);
}

beforeAll(() => {
  top = mkdtempSync(`${tmpdir()}/skiff-gpu-`);
  if (lacks !== undefined) return;
  for (const directory of ["lib", "bin", "old/lib64", "new/usr/lib64", "musl/lib", "cdi"]) {
    mkdirSync(`${top}/${directory}`, { recursive: true });
  }
  libc(`${top}/libc-host.so`, [17, 31, 77]);
  const use = (...minors: readonly number[]) =>
    minors.map((m) => `extern int v_${m}; int use_${m}(void) { return v_${m}; }`).join("\n");
  library(`${top}/lib/libcuda.so.550.1`, "libcuda.so.1", use(17, 77), `${top}/libc-host.so`);
  library(`${top}/lib/libnvidia-ml.so.550.1`, "libnvidia-ml.so.1", use(17), `${top}/libc-host.so`);
  writeFileSync(`${top}/ld.so.conf`, `${top}/lib\n`);
  // Makes the links libcuda.so.1 and libnvidia-ml.so.1 as well.
  run("ldconfig", "-C", `${top}/cache`, "-f", `${top}/ld.so.conf`);
  writeFileSync(`${top}/nvliblist.conf`, LIST);
  writeFileSync(`${top}/bin/nvidia-smi`, "#!/bin/sh\necho no driver\n", { mode: 0o755 });
  libc(`${top}/old/lib64/libc.so.6`, [17, 31]);
  libc(`${top}/new/usr/lib64/libc.so.6`, [17, 31, 77]);
  symlinkSync("usr/lib64", `${top}/new/lib64`);
  writeFileSync(`${top}/musl/lib/ld-musl-x86_64.so.1`, "");
});
afterAll(() => rmSync(top, { recursive: true }));

function facts(image: string, cdiDirectories: readonly string[] = []) {
  const host = hostFacts({ binaryPath: "$PATH", env: { PATH: `${top}/bin` } });
  const files = gpuFacts({
    host,
    tree: hostFiles(`${top}/${image}`),
    configFile: `${top}/skiff.conf`,
    prefix: undefined,
    cdiDirectories,
    ldCache: `${top}/cache`,
  });
  return { host, files };
}

const NV = { nv: "--nv", rocm: undefined, devices: [], writable: false };

testUnless(lacks)("--nv binds what an image with a new glibc can load, by soname", () => {
  const { host, files } = facts("new");
  const { binds, notices } = planGpu(NV, host, files);
  expect(binds.libraries.map((library) => [library.name, library.source])).toEqual([
    ["libcuda.so.1", `${top}/lib/libcuda.so.1`],
    ["libnvidia-ml.so.1", `${top}/lib/libnvidia-ml.so.1`],
  ]);
  expect(binds.files[0]).toEqual({
    source: `${top}/bin/nvidia-smi`,
    target: "/usr/bin/nvidia-smi",
    readOnly: true,
    why: "--nv",
  });
  expect(notices).toEqual([]);
});

testUnless(lacks)("--nv leaves out the library that an image with an old glibc cannot load", () => {
  const { host, files } = facts("old");
  const { binds, notices } = planGpu(NV, host, files);
  expect(binds.libraries.map((library) => library.name)).toEqual(["libnvidia-ml.so.1"]);
  expect(notices.map((notice) => notice.text)).toEqual([
    "Not binding libcuda.so.1 of this host: it needs glibc 2.77 and the image has 2.31",
  ]);
});

testUnless(lacks)("--nv binds scripts but no glibc library into a musl image", () => {
  const { host, files } = facts("musl");
  const { binds, notices } = planGpu(NV, host, files);
  expect(binds.libraries).toEqual([]);
  expect(binds.files.map((file) => file.target)).toContain("/usr/bin/nvidia-smi");
  expect(notices.length).toBe(1);
});

testUnless(lacks)("--nv follows the list beside the configuration file", () => {
  writeFileSync(`${top}/nvliblist.conf`, `# ours\n${top}/lib/libcuda.so.550.1\n`);
  try {
    const { host, files } = facts("new");
    const { binds } = planGpu(NV, host, files);
    expect(binds.libraries.map((library) => library.name)).toEqual([
      "libcuda.so.550.1",
      "libcuda.so.1",
    ]);
    expect(binds.files).toEqual([]);
  } finally {
    writeFileSync(`${top}/nvliblist.conf`, LIST);
  }
});

testUnless(lacks)("--device reads specifications in JSON and YAML", () => {
  const spec = {
    cdiVersion: "0.5.0",
    kind: "example.org/gpu",
    devices: [
      { name: "0", containerEdits: { env: ["GPU=0"], deviceNodes: [{ path: "/dev/null" }] } },
    ],
  };
  writeFileSync(`${top}/cdi/a.json`, JSON.stringify(spec));
  writeFileSync(
    `${top}/cdi/b.yaml`,
    `cdiVersion: "0.6.0"\nkind: example.org/net\ndevices:\n- name: eth0\n  containerEdits:\n    mounts:\n    - hostPath: ${top}/bin\n      containerPath: /opt/net\n      options: [ro, rbind]\n`,
  );
  writeFileSync(`${top}/cdi/broken.json`, "{");
  writeFileSync(`${top}/cdi/note.txt`, "nothing");
  const { host, files } = facts("new", [`${top}/cdi`, `${top}/nosuch`]);
  const devices = ["example.org/gpu=all", "example.org/net=eth0"];
  const { binds } = planGpu({ ...NV, nv: undefined, devices }, host, files);
  expect(binds.devices).toEqual(["/dev/null"]);
  expect(binds.environment).toEqual([{ name: "GPU", value: "0" }]);
  expect(binds.files.map((file) => [file.source, file.target, file.readOnly])).toEqual([
    [`${top}/bin`, "/opt/net", true],
  ]);
  expect(() => planGpu({ ...NV, devices: ["example.org/gpu=1"] }, host, files)).toThrow(
    "broken.json",
  );
});

testUnless(lacks)(
  "imageLibc() knows glibc by the name behind its link, by its versions, and musl",
  () => {
    expect(imageLibc(hostFiles(`${top}/old`), "amd64")).toEqual({
      kind: "glibc",
      release: [2, 31],
    });
    expect(imageLibc(hostFiles(`${top}/new`), "amd64")).toEqual({
      kind: "glibc",
      release: [2, 77],
    });
    expect(imageLibc(hostFiles(`${top}/musl`), "amd64")).toEqual({ kind: "musl" });
    expect(imageLibc(hostFiles(`${top}/cdi`), "amd64")).toBeUndefined();
    mkdirSync(`${top}/named/lib/x86_64-linux-gnu`, { recursive: true });
    writeFileSync(`${top}/named/lib/x86_64-linux-gnu/libc-2.28.so`, "not looked into");
    symlinkSync("libc-2.28.so", `${top}/named/lib/x86_64-linux-gnu/libc.so.6`);
    expect(imageLibc(hostFiles(`${top}/named`), "amd64")).toEqual({
      kind: "glibc",
      release: [2, 28],
    });
    expect(imageLibc(hostFiles(`${top}/named`), "arm64")).toBeUndefined();
  },
);

test("imageLibc() agrees with this machine's own C library", () => {
  const version = Bun.spawnSync(["getconf", "GNU_LIBC_VERSION"]).stdout.toString();
  const [, major, minor] = version.match(/glibc (\d+)\.(\d+)/) ?? [];
  const arch = hostFacts({ binaryPath: "" }).arch;
  const expected = major === undefined ? undefined : [Number(major), Number(minor)];
  const found = imageLibc(hostFiles(), arch);
  expect(found?.kind === "glibc" ? [...found.release] : undefined).toEqual(expected);
});
