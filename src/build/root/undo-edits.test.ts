import { expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { encodeOsText } from "../../base/os-text.ts";
import { editRoot } from "./apply-edits.ts";
import { noteBefore, undoEdits } from "./undo-edits.ts";

/** Everything below a directory, with what undoing gives back. */
function listing(path: string): readonly string[] {
  const stat = lstatSync(path);
  const look = [path.length, stat.mode.toString(8), Math.floor(stat.mtimeMs / 1000)].join(" ");
  if (stat.isSymbolicLink()) return [`${look} -> ${readlinkSync(path)}`];
  if (stat.isFile()) return [`${look} ${readFileSync(path, "latin1")}`];
  return [
    look,
    ...readdirSync(path)
      .sort()
      .flatMap((name) => listing(`${path}/${name}`)),
  ];
}

function withRoot(work: (root: string) => void): void {
  const root = mkdtempSync(`${tmpdir()}/skiff-test-`);
  try {
    work(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

test("undoEdits() gives back files, links, modes and times, and takes away what was made", () => {
  withRoot((root) => {
    mkdirSync(`${root}/etc/sub`, { recursive: true });
    writeFileSync(`${root}/etc/kept`, Buffer.of(0, 255, 10), { mode: 0o640 });
    writeFileSync(`${root}/etc/gone`, "gone\n");
    symlinkSync("kept", `${root}/etc/link`);
    chmodSync(`${root}/etc/sub`, 0o700);
    for (const name of ["etc/kept", "etc/gone", "etc/sub", "etc", ""]) {
      utimesSync(`${root}/${name}`, 1000, 1000);
    }
    const before = listing(root);
    let notes: ReturnType<typeof noteBefore> = [];
    editRoot(root, (view) => {
      const content = encodeOsText("new\n");
      view.add({ kind: "file", path: "/etc/kept", mode: 0o755, content });
      view.add({ kind: "file", path: "/etc/kept", mode: 0o700, content });
      view.add({ kind: "remove", path: "/etc/gone" });
      view.add({ kind: "symlink", path: "/etc/link", target: "elsewhere" });
      view.add({ kind: "mode", path: "/etc/sub", mode: 0o755 });
      view.add({ kind: "dir", path: "/made", mode: 0o755 });
      view.add({ kind: "file", path: "/made/file", mode: 0o644, content });
      notes = noteBefore(root, view.edits);
    });
    expect(listing(root)).not.toEqual(before);
    // As it is when it comes out of an image.
    undoEdits(root, JSON.parse(JSON.stringify(notes)));
    expect(listing(root)).toEqual(before);
  });
});

test("undoEdits() refuses paths that lead out of the root", () => {
  withRoot((root) => {
    symlinkSync("/tmp", `${root}/out`);
    for (const path of ["/out/file", "/out/none/file", "/../file", "relative", "/a/../b", ""]) {
      const undo = (): void => undoEdits(root, [{ path, kind: "absent" }]);
      expect(undo).toThrow("does not stay in the root");
    }
    const link = { path: "/way", kind: "symlink", seconds: 0, target: "/tmp" } as const;
    const file = { path: "/way/file", kind: "file", mode: 0o644, seconds: 0, content: "" } as const;
    expect(() => undoEdits(root, [link, file])).toThrow("does not stay in the root");
    expect(() => undoEdits(root, [file, link])).toThrow();
  });
});
