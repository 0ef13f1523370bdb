import { beforeAll, describe, expect } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { BUSYBOX, IMAGE_TREE, makeTree } from "../launch/image-tree.ts";
import { noTool, notRoot } from "../support/host-lacks.ts";
import { type Finished, run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** Weaknesses that matter where root starts a container: no user namespace stands between. */
const dir = scratch("self");
const lack = firstReason(notRoot(), existsSync(BUSYBOX) ? undefined : noTool("busybox"));

beforeAll(() => {
  if (lack !== undefined) return;
  makeTree(`${dir}/img`, IMAGE_TREE);
  mkdirSync(`${dir}/victim`);
});

const bash = (command: string): Promise<Finished> =>
  run(["bash", "-c", command], { as: "self", cwd: dir });

describe("root's containers", () => {
  testUnless(lack)(
    "CVE-2019-5736: no file of the installation can be reached as /proc/PID/exe",
    async () => {
      const starter = `${skiffPath.slice(0, skiffPath.lastIndexOf("/"))}/libexec/skiff/starter`;
      const digest = (): string[] =>
        [skiffPath, starter]
          .filter((path) => existsSync(path))
          .map((path) => createHash("sha256").update(readFileSync(path)).digest("hex"));
      const before = digest();
      // Only what is in the container's own PID namespace: elsewhere this would be an attack on the tests.
      const attack = `[ "$(cat /proc/1/comm)" = appinit ] || exit 9
      exec 9</proc/1/exe; for way in /proc/1/exe /proc/self/fd/9; do (echo overwritten >> $way); (: > $way); done 2>/dev/null; readlink /proc/1/exe`;
      const { code, stdout } = await run([skiffPath, "exec", "--pid", "img", "sh", "-c", attack], {
        as: "self",
        cwd: dir,
      });
      expect(code, stdout).toBe(0);
      expect(stdout).toContain("/memfd:skiff-starter");
      await bash(
        `printf '#!/proc/self/exe\\n' > img/bin/again; chmod 755 img/bin/again; ${skiffPath} exec --pid img again`,
      );
      expect(digest()).toEqual(before);
    },
  );

  for (const link of ["/host", "../../../../../host", "/proc/1/root", "/proc/self/root"]) {
    testUnless(lack)(
      `CVE-2021-30465, CVE-2024-45310: a link to ${link} makes nothing on the host`,
      async () => {
        await bash(`rm -f img/way; ln -s ${link}${dir}/victim img/way; echo x > file`);
        for (const flags of ["", "--writable-tmpfs", "--writable", "--underlay"]) {
          await bash(
            `${skiffPath} exec ${flags} --no-mount tmp,home,cwd -B file:/way/new -B ${dir}:/way/dir img true`,
          );
          expect(readdirSync(`${dir}/victim`), flags).toEqual([]);
        }
      },
    );
  }

  testUnless(lack)(
    "CVE-2019-16884, CVE-2023-27561: /proc is the kernel's, whatever the image has there",
    async () => {
      await bash(
        "rm -rf fake; cp -a img fake; rm -rf fake/proc; mkdir -p fake/tmp/p; ln -s tmp/p fake/proc",
      );
      const { stdout } = await bash(
        `${skiffPath} exec --pid fake sh -c 'cat /proc/self/comm 2>/dev/null; grep -c " - proc " /proc/self/mountinfo'`,
      );
      expect(stdout).toMatch(/^(cat\n[1-9]\n)?$/);
    },
  );

  testUnless(lack)("CVE-2024-21626: no working directory leads out by a descriptor", async () => {
    for (let fd = 3; fd < 16; fd++) {
      const { stdout } = await bash(
        `${skiffPath} exec --containall --cwd /proc/self/fd/${fd} img sh -c 'cat ../../../../../${dir}/img/etc/passwd' 2>/dev/null`,
      );
      expect(stdout).toBe("");
    }
  });
});
