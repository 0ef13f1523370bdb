import { expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { memoryView } from "../../../test/support/memory-view.ts";
import { hostFiles } from "../../host/host-files.ts";
import { applyEdits } from "./apply-edits.ts";
import { editedView } from "./edited-view.ts";
import { planSkeleton } from "./skeleton.ts";

const RUNSCRIPT = "#!/bin/sh\n";

test("an empty root gets mount points, scripts and links", () => {
  const view = editedView(memoryView({}));
  planSkeleton(view, true, RUNSCRIPT);
  expect(view.list("/")).toEqual(
    ".exec .run .shell .singularity.d .test dev environment etc home proc root singularity sys tmp var".split(
      " ",
    ),
  );
  expect(view.lstat("/singularity")?.link).toBe(".singularity.d/runscript");
  expect(view.list("/.singularity.d/env")).toEqual(
    "01-base.sh 90-environment.sh 95-apps.sh 99-base.sh 99-runtimevars.sh".split(" "),
  );
  expect(view.lstat("/.singularity.d/actions/run")?.mode).toBe(0o755);
});

test("a second pass over the result changes nothing", () => {
  const first = editedView(memoryView({}));
  planSkeleton(first, true, RUNSCRIPT);
  const second = editedView(first);
  planSkeleton(second, false, RUNSCRIPT);
  expect(second.edits).toEqual([]);
});

test("without overwriting, files keep their content; wrong links are replaced, foreign files are not", () => {
  const view = editedView(
    memoryView({
      "/.singularity.d/runscript": { file: "mine" },
      "/.run": { link: "elsewhere" },
      "/singularity": { file: "theirs" },
      "/var/tmp": { link: "/tmp" },
      "/tmp": "dir",
      "/etc/resolv.conf": { link: "../run/resolv.conf" },
    }),
  );
  planSkeleton(view, false, RUNSCRIPT);
  const changes = view.edits.map((edit) => `${edit.kind} ${edit.path}`);
  expect(changes).toContain("mode /.singularity.d/runscript");
  expect(changes).toContain("symlink /.run");
  expect(changes).not.toContain("symlink /singularity");
  expect(changes).not.toContain("dir /var/tmp");
  expect(changes).toContain("file /etc/resolv.conf");
});

test("applyEdits() replaces links and hard links instead of writing through them", () => {
  const base = mkdtempSync(`${tmpdir()}/skiff-test-`);
  try {
    const root = `${base}/root`;
    mkdirSync(`${root}/etc`, { recursive: true });
    writeFileSync(`${base}/outside`, "keep");
    symlinkSync(`${base}/outside`, `${root}/etc/hosts`);
    const view = editedView(hostFiles(root));
    planSkeleton(view, true, RUNSCRIPT);
    applyEdits(root, view.edits);
    expect(readFileSync(`${base}/outside`, "utf8")).toBe("keep");
    expect(statSync(`${root}/etc/hosts`).size).toBe(0);
    expect(readlinkSync(`${root}/environment`)).toBe(".singularity.d/env/90-environment.sh");
    expect(statSync(`${root}/.singularity.d/env/99-base.sh`).mode & 0o777).toBe(0o755);
  } finally {
    rmSync(base, { recursive: true });
  }
});
