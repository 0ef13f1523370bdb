import { describe, expect } from "bun:test";
import { fakeOwnersFilter } from "../../src/build/fake-owners.ts";
import type { Op } from "../../src/ops/op.ts";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { ownArch } from "../support/own-arch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { useStarter } from "./driver.ts";
import { rootNamespace, script } from "./make-op.ts";

/*
 * The op `owners`: changes of owners succeed, and are noted on the files.
 */

const starter = useStarter();
const owners: Op = {
  kind: "owners",
  recording: fakeOwnersFilter("noted", ownArch) ?? new Uint8Array(0),
  filter: fakeOwnersFilter("done", ownArch) ?? new Uint8Array(0),
};

const testNotes = testUnless(
  firstReason(noUserNamespaces(), noTool("getfattr"), noTool("busybox"), noTool("python3")),
);

/** What a script under the op printed, and the notes on files of a directory that it made. */
async function notesOf(text: string, options: Parameters<typeof starter.run>[1] = {}) {
  const dir = `${starter.place}/${crypto.randomUUID()}`;
  const show = "{ getfattr -R -h -d . 2>/dev/null || :; } | grep -v '^$' || :";
  const body = `set -e; mkdir ${dir}; cd ${dir}; ${text}; ${show}`;
  return await starter.run([rootNamespace(), owners, script(body)], options);
}

describe("owners", () => {
  testNotes("are noted for paths, links, descriptors and directories", async () => {
    const done = await notesOf(
      ": >a; : >b; mkdir d; ln -s a l; chown 5:6 a; chgrp 7 b; chown 8:9 d; chown -h 1:1 l; chown 3 l; chown 0:0 d",
    );
    expect([done.code, done.stderr]).toEqual([0, ""]);
    const found = [...done.stdout.matchAll(/# file: (\S+)\nuser\.skiff\.owner="([^"]*)"/g)];
    expect(Object.fromEntries(found.map(([, name, ids]) => [name, ids]))).toEqual({
      a: "3:6",
      b: "0:7",
    });
  });

  testNotes("of what is not there are refused, as they are anywhere", async () => {
    const done = await notesOf("chown 1:1 none || echo no; chown 1:1 none/x || echo no");
    expect(done.stdout).toBe("no\nno\n");
    expect(done.stderr).toContain("No such file or directory");
  });

  testNotes("are refused for descriptors that are not open", async () => {
    const done = await notesOf(
      "python3 -c 'import os\nfor fd in (2, 77):\n  try: os.fchown(fd, 1, 1); print(\"done\")\n  except OSError as e: print(e.errno)'",
    );
    expect(done.stdout).toBe("done\n9\n");
  });

  testNotes("are seen as the caller sees paths, in a root of its own", async () => {
    const done = await notesOf(
      "mkdir -p r/bin r/sub; cp /bin/busybox r/bin/; : >sub; ln -s /sub r/way; chroot r /bin/busybox chown 4:4 /way/../sub",
    );
    expect(done.stdout).toContain('# file: r/sub\nuser.skiff.owner="4:4"');
    expect(done.stdout).not.toContain("# file: sub");
  });

  testNotes("are noted for many callers at once", async () => {
    const work =
      "for n in $(seq 8); do (for i in $(seq 20); do : >f$n.$i; chown $n:$i f$n.$i; done) & done; wait";
    const done = await notesOf(work);
    expect(done.stdout.match(/user\.skiff\.owner/g)?.length).toBe(160);
  });

  testNotes("succeed on kernels that hand on no calls, without a note", async () => {
    const done = await notesOf(": >a; chown 5:6 a && echo done", { classic: true });
    expect([done.code, done.stdout]).toEqual([0, "done\n"]);
  });
});
