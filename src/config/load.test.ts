import { expect, test } from "bun:test";
import { Fault } from "../base/fault.ts";
import type { FileView } from "../base/file-view.ts";
import { DIRECTIVES } from "./directives.ts";
import { configFiles, loadConfig, parseConfig } from "./load.ts";

/** A tree of text files; undefined as the content: there, but not readable. */
function view(files: Readonly<Record<string, string | undefined>>): FileView {
  const facts = { mode: 0o644, uid: 0, gid: 0, sizeBytes: 0 };
  const isParent = (path: string) => Object.keys(files).some((file) => file.startsWith(`${path}/`));
  return {
    lstat: (path) =>
      path in files
        ? files[path]?.startsWith("->")
          ? { kind: "symlink", link: files[path].slice(2), id: path, ...facts }
          : { kind: "file", id: path, ...facts }
        : isParent(path)
          ? { kind: "dir", id: path, ...facts }
          : undefined,
    list: () => undefined,
    read: (path) => {
      const text = files[path];
      return text === undefined ? undefined : new TextEncoder().encode(text);
    },
  };
}

function faultOf(run: () => unknown): Fault {
  try {
    run();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("no fault was thrown");
}

test("loadConfig() without any file gives the defaults, binds included", () => {
  const { values, file, sources } = loadConfig({ files: view({}) });
  expect(file).toBeUndefined();
  expect(sources).toEqual({});
  expect(values.bindPath).toEqual(["/etc/localtime", "/etc/hosts"]);
  expect(values.mountHome).toBe(true);
  expect(values.mountDev).toBe("yes");
  expect(values.sessiondirMaxSize).toBe(64);
  expect(Object.keys(values).sort()).toEqual(Object.keys(DIRECTIVES).sort());
});

test("loadConfig() takes the first file there is, the peers' last", () => {
  const files: Record<string, string> = {};
  const order = configFiles({ prefix: "/opt/skiff" });
  expect(order).toEqual([
    "/opt/skiff/etc/skiff/skiff.conf",
    "/etc/skiff/skiff.conf",
    "/etc/apptainer/apptainer.conf",
    "/etc/singularity/singularity.conf",
  ]);
  for (const path of order.toReversed()) {
    files[path] = "mount tmp = no\n";
    expect(loadConfig({ files: view(files), prefix: "/opt/skiff" }).file).toBe(path);
  }
});

test("loadConfig() with a named file reads no other, and faults when it is not there", () => {
  const files = view({ "/etc/skiff/skiff.conf": "mount tmp = no", "/x.conf": "" });
  expect(loadConfig({ files, file: "/x.conf" }).values.mountTmp).toBe(true);
  expect(faultOf(() => loadConfig({ files, file: "/y.conf" }))).toMatchObject({
    code: "not-found",
    message: 'Cannot read the configuration file "/y.conf": no such file',
  });
});

test("loadConfig() does not pass over a policy that it may not read", () => {
  const files = view({ "/etc/skiff/skiff.conf": undefined, "/etc/apptainer/apptainer.conf": "" });
  expect(faultOf(() => loadConfig({ files })).code).toBe("denied");
});

test("loadConfig() for a build drops binds, resolv.conf, home and devpts and reads nothing", () => {
  const files = view({ "/etc/skiff/skiff.conf": "mount sys = no" });
  const { values, sources } = loadConfig({ files, forBuild: true });
  expect(values).toMatchObject({
    bindPath: [],
    configResolvConf: false,
    mountHome: false,
    mountDevpts: false,
    mountSys: true,
  });
  expect(sources["mount home"]).toBe("--build-config");
});

test("loadConfig() follows symbolic links and refuses what is no file", () => {
  const files = view({
    "/etc/skiff/skiff.conf": "->../site/s.conf",
    "/etc/site/s.conf": "mount tmp = no",
  });
  expect(loadConfig({ files })).toMatchObject({
    file: "/etc/skiff/skiff.conf",
    values: { mountTmp: false },
  });
  expect(faultOf(() => loadConfig({ files, file: "/etc/site" })).message).toBe(
    'Cannot read the configuration file "/etc/site": it is not a regular file',
  );
});

test("parseConfig() leaves a list empty that an existing file does not set", () => {
  const { values } = parseConfig("# nothing\n", "/c");
  expect(values.bindPath).toEqual([]);
  expect(values.mountHome).toBe(true);
});

test("parseConfig() adds up list lines and says where each member comes from", () => {
  const { values, sources } = parseConfig("bind path = /a, /b:/c\n\nbind path = /d\n", "/c");
  expect(values.bindPath).toEqual(["/a", "/b:/c", "/d"]);
  expect(sources).toEqual({
    "bind path": "/c:1",
    "bind path[0]": "/c:1",
    "bind path[1]": "/c:1",
    "bind path[2]": "/c:3",
  });
});

test("parseConfig() takes the first of several lines, passes over empty ones and unknown names", () => {
  const { values } = parseConfig(
    "mount tmp =\nmount tmp = no\nmount tmp = yes\nMOUNT HOME = no\nmount  sys = no\nsessiondir max size = 12\nenable overlay = try\nimage driver = any thing = x\n",
    "/c",
  );
  expect(values.mountTmp).toBe(false);
  expect(values.mountHome).toBe(true);
  expect(values.mountSys).toBe(true);
  expect(values.sessiondirMaxSize).toBe(12);
  expect(values.enableOverlay).toBe("try");
  expect(values.imageDriver).toBe("any thing = x");
});

test("parseConfig() names file, line and the authorised words for a value outside of them", () => {
  const table: readonly [string, string][] = [
    ["a=b\nmount home = maybe", 'line 2: "mount home" is "maybe" and must be one of yes, no'],
    ["mount home = YES", 'line 1: "mount home" is "YES" and must be one of yes, no'],
    ["mount home = no # why", 'line 1: "mount home" is "no # why" and must be one of yes, no'],
    ["mount dev = 1", 'line 1: "mount dev" is "1" and must be one of yes, no, minimal'],
    ["mount tmp = no\nmount tmp = x", 'line 2: "mount tmp" is "x" and must be one of yes, no'],
    [
      "max loop devices = -4",
      'line 1: "max loop devices" is "-4" and must be a whole number of at least 0',
    ],
    [
      "max loop devices = 1.5",
      'line 1: "max loop devices" is "1.5" and must be a whole number of at least 0',
    ],
    [
      "download part size = 9999999999999999",
      'line 1: "download part size" is "9999999999999999" and must be a whole number of at least 0',
    ],
  ];
  for (const [text, end] of table) {
    const fault = faultOf(() => parseConfig(text, "/c"));
    expect(fault.code).toBe("invalid");
    expect(fault.message).toBe(`Cannot use the configuration file "/c", ${end}`);
  }
});
