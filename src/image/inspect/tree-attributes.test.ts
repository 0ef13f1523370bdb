import { expect, test } from "bun:test";
import type { FileEntry, FileView } from "../../base/file-view.ts";
import { type Attributes, NO_ATTRIBUTES, SECTIONS, type Selection } from "./attributes.ts";
import { readTreeAttributes } from "./tree-attributes.ts";

type Node = string | Uint8Array | { readonly link: string } | { readonly closed: true };

/** A tree of the files given by path; parents are directories. */
function treeOf(files: Readonly<Record<string, Node>>): FileView {
  const paths = Object.keys(files);
  const facts = { mode: 0o644, uid: 0, gid: 0, id: "" };
  const bytesOf = (path: string): Uint8Array | undefined => {
    const node = files[path];
    if (typeof node === "string") return new TextEncoder().encode(node);
    return node instanceof Uint8Array ? node : undefined;
  };
  return {
    lstat: (path): FileEntry | undefined => {
      const node = files[path];
      if (node === undefined) {
        const isParent = paths.some((one) => path === "/" || one.startsWith(`${path}/`));
        return isParent ? { ...facts, kind: "dir", sizeBytes: 0 } : undefined;
      }
      if (typeof node === "object" && "link" in node) {
        return { ...facts, kind: "symlink", sizeBytes: node.link.length, link: node.link };
      }
      return { ...facts, kind: "file", sizeBytes: bytesOf(path)?.length ?? 7 };
    },
    list: (path) => {
      const below = paths.filter((one) => one.startsWith(`${path}/`));
      const names = below.map((one) => one.slice(path.length + 1).split("/")[0] ?? "");
      return [...new Set(names)].sort();
    },
    read: bytesOf,
  };
}

const ALL: Selection = { sections: new Set(SECTIONS), listApps: true, of: { kind: "all" } };
const IMAGE: Selection = { ...ALL, listApps: false, of: { kind: "image" } };

function read(files: Readonly<Record<string, Node>>, selection: Selection): Attributes {
  return readTreeAttributes(treeOf(files), selection, (text) => {
    throw new Error(`unexpected warning: ${text}`);
  });
}

const { apps: _apps, deffile: _deffile, ...NO_APP } = NO_ATTRIBUTES;

test("readTreeAttributes() reads each section from its file, without the line ends at its end", () => {
  const files = {
    "/.singularity.d/Singularity": "def\r\n\n\n",
    "/.singularity.d/runscript": "run\n\n two \n",
    "/.singularity.d/startscript": "start",
    "/.singularity.d/test": "\n",
    "/.singularity.d/runscript.help": "\n  help\n",
    "/.singularity.d/labels.json": '{"a":"b"}',
    "/.singularity.d/env/90-environment.sh": "e\n",
    "/.singularity.d/Apptainer": "not read",
  };
  expect(read(files, IMAGE)).toEqual({
    apps: new Map(),
    deffile: "def\r",
    runscript: "run\n\n two ",
    startscript: "start",
    test: "",
    helpfile: "\n  help",
    labels: new Map([["a", "b"]]),
    environment: new Map([["/.singularity.d/env/90-environment.sh", "e"]]),
  });
  expect(read(files, { ...IMAGE, sections: new Set(["test", "startscript"]) })).toEqual({
    ...NO_ATTRIBUTES,
    startscript: "start",
  });
});

test("readTreeAttributes() shows the environment scripts that are not the same in every image", () => {
  const names = [
    "01-base.sh",
    "10-docker.sh",
    "10-docker2singularity.sh",
    "11-docker.sh",
    "90-environment.sh",
    "91-environment.sh",
    "94-appsbase.sh",
    "95-apps.sh",
    "99-base.sh",
    "99-environment.sh",
    "9x-environment.sh",
  ];
  const scripts = (dir: string): Record<string, string> =>
    Object.fromEntries(names.map((name) => [`${dir}/env/${name}`, name]));
  const files = { ...scripts("/.singularity.d"), ...scripts("/scif/apps/foo/scif") };
  const { environment, apps } = read(files, ALL);
  expect([...environment.values()]).toEqual([
    "10-docker.sh",
    "10-docker2singularity.sh",
    "90-environment.sh",
    "91-environment.sh",
    "99-environment.sh",
    "9x-environment.sh",
  ]);
  expect([...(apps.get("foo")?.environment ?? [])][0]).toEqual([
    "/scif/apps/foo/scif/env/90-environment.sh",
    "90-environment.sh",
  ]);
  expect(apps.get("foo")?.environment.size).toBe(4);
});

const APPS = {
  "/scif/apps/foo/scif/runscript": "foo run",
  "/scif/apps/foo/scif/startscript": "foo start",
  "/scif/apps/bar/scif/runscript": "bar run",
  "/scif/apps/no-app/bin/x": "",
  "/scif/apps/.hidden/scif/runscript": "x",
  "/.singularity.d/runscript": "image run",
  "/.singularity.d/Singularity": "def",
};

test("readTreeAttributes() lists directories with a scif directory as applications", () => {
  const names = { ...IMAGE, sections: new Set([]), listApps: true };
  expect([...read(APPS, names).apps]).toEqual([
    ["bar", NO_APP],
    ["foo", NO_APP],
  ]);
  expect(read(APPS, ALL).apps.get("foo")).toEqual({
    ...NO_APP,
    runscript: "foo run",
    startscript: "foo start",
  });
});

test("readTreeAttributes() reads one application instead of the image", () => {
  const foo: Selection = { ...IMAGE, of: { kind: "app", name: "foo" } };
  const own = { ...NO_APP, runscript: "foo run", startscript: "foo start" };
  expect(read(APPS, foo)).toEqual({ ...NO_ATTRIBUTES, apps: new Map([["foo", own]]) });
  expect([...read(APPS, { ...foo, listApps: true }).apps]).toEqual([
    ["bar", NO_APP],
    ["foo", own],
  ]);
});

test.each(["none", "no-app", ".hidden", "", "..", "foo/", "../apps/foo"])(
  "readTreeAttributes() finds nothing for the application %p",
  (name) => {
    expect(read(APPS, { ...IMAGE, of: { kind: "app", name } })).toEqual(NO_ATTRIBUTES);
  },
);

test("readTreeAttributes() follows links inside the image and reads nothing but files", () => {
  const files = {
    "/.singularity.d": { link: "/opt/../../opt/meta" },
    "/opt/meta/runscript": { link: "/etc/run" },
    "/etc/run": "run",
    "/opt/meta/test": { link: "test" },
    "/opt/meta/startscript/x": "a directory",
    "/opt/meta/runscript.help": { link: "/not/there" },
  };
  expect(read(files, IMAGE)).toEqual({ ...NO_ATTRIBUTES, runscript: "run" });
});

test("readTreeAttributes() finds nothing in a tree without metadata", () => {
  expect(read({ "/bin/true": "" }, ALL)).toEqual(NO_ATTRIBUTES);
});

test("readTreeAttributes() keeps bytes that are no UTF-8", () => {
  const files = { "/.singularity.d/runscript": Uint8Array.of(0x61, 0xff, 0x0a) };
  expect(read(files, IMAGE).runscript).toBe("a\udcff");
});

test("readTreeAttributes() warns of what is there but cannot be used, and goes on", () => {
  const warnings: string[] = [];
  const tree = treeOf({
    "/.singularity.d/runscript": { closed: true },
    "/.singularity.d/labels.json": '{"a":1,"b":"c"}',
    "/scif/apps/foo/scif/labels.json": "nope",
  });
  const attributes = readTreeAttributes(tree, ALL, (text) => warnings.push(text));
  expect(attributes.labels).toEqual(
    new Map([
      ["a", ""],
      ["b", "c"],
    ]),
  );
  expect(warnings.map((text) => text.split(": ")[0])).toEqual([
    'Cannot read labels from "/.singularity.d/labels.json"',
    'Cannot read "/.singularity.d/runscript"',
    'Cannot read labels from "/scif/apps/foo/scif/labels.json"',
  ]);
});
