import { describe, expect } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { start } from "../support/run.ts";
import { skiffPath } from "../support/tree.ts";
import { pullLab } from "./pull-lab.ts";

/** What can go wrong while an image is fetched: one line, and nothing that looks whole. */
const lab = pullLab();
const { testIt, image, newHome, call, address, requestsOf } = lab;

/** A pull by a line of sh, in a home where the directory `small` has room for 64 KiB; `after` stands behind it. */
async function pullWithSmall(
  home: string,
  line: string,
  after: string = "",
): Promise<{ readonly code: number; readonly stderr: string }> {
  mkdirSync(`${home}/small`);
  const script = `mount -t tmpfs -o size=64k,mode=777 none small && ${line} "$1"${after}`;
  const child = start(
    ["unshare", "-Urm", "sh", "-c", script, skiffPath, address("tools/sample:1")],
    { cwd: home, extraEnv: { HOME: home } },
  );
  const [stderr, code] = await Promise.all([child.stderr.text(), child.exited]);
  return { code, stderr };
}

describe("pull", () => {
  testIt(
    "killed at any moment leaves nothing that looks whole, and the next one succeeds",
    async () => {
      const home = newHome();
      for (const delay of [20, 60, 100, 160, 240, 350]) {
        const child = start([skiffPath, "pull", address("tools/sample:1")], {
          cwd: home,
          extraEnv: { HOME: home },
        });
        await Bun.sleep(delay);
        child.kill("SIGKILL");
        await child.exited;
        if (existsSync(`${home}/sample_1.sif`)) {
          expect((await call(home, ["exec", "sample_1.sif", "cat", "/etc/word"])).stdout).toBe(
            "above\n",
          );
          break;
        }
      }
      expect((await call(home, ["pull", "--force", address("tools/sample:1")])).code).toBe(0);
      expect((await call(home, ["exec", "sample_1.sif", "cat", "/etc/word"])).stdout).toBe(
        "above\n",
      );
      expect(readdirSync(home).filter((name) => name !== ".skiff")).toEqual(["sample_1.sif"]);
    },
  );

  testIt("ends in one line when the packer ends before it has read all", async () => {
    const home = newHome();
    mkdirSync(`${home}/bin`);
    writeFileSync(`${home}/bin/mksquashfs`, "#!/bin/sh\necho 'no luck today' >&2\nexit 2\n");
    chmodSync(`${home}/bin/mksquashfs`, 0o755);
    const PATH = `${home}/bin:${process.env["PATH"]}`;
    const { code, stderr } = await call(home, ["pull", address("tools/sample:1")], { PATH });
    expect(code).toBe(255);
    const lines = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("INFO:"));
    expect(lines).toEqual([expect.stringMatching(/^FATAL: {3}.*no luck today/)]);
    expect(existsSync(`${home}/sample_1.sif`)).toBe(false);
  });

  testIt(
    "names directory, variable and number when there is no room, before layers are fetched",
    async () => {
      const home = newHome();
      const requests = await requestsOf(async () => {
        const { code, stderr } = await pullWithSmall(
          home,
          'SKIFF_CACHEDIR=$PWD/small exec "$0" pull',
        );
        expect(code).toBe(255);
        expect(stderr).toContain("SKIFF_CACHEDIR");
        expect(stderr).toContain(`${home}/small/cache`);
        expect(stderr).toMatch(/[0-9]+ MiB are needed, [0-9]+ MiB are free/);
      });
      expect(requests.filter((line) => image.layers.some((l) => line.includes(l.digest)))).toEqual(
        [],
      );
      expect(existsSync(`${home}/sample_1.sif`)).toBe(false);
    },
  );

  testIt("counts the room of the target before layers are fetched", async () => {
    const home = newHome();
    const requests = await requestsOf(async () => {
      const { code, stderr } = await pullWithSmall(home, 'exec "$0" pull --dir small');
      expect(code).toBe(255);
      expect(stderr).toMatch(/in ".*\/small": [0-9]+ MiB are needed, [0-9]+ MiB are free.*--dir/);
    });
    expect(requests.filter((line) => line.includes("/blobs/")).length).toBeLessThan(2);
  });

  testIt("leaves no claim behind on a full disk, for which others would wait", async () => {
    const script = 'cat /dev/zero > small/full; SKIFF_CACHEDIR=$PWD/small "$0" pull';
    const { stderr } = await pullWithSmall(newHome(), script, "; ls small/cache/skiff/claims >&2");
    expect(stderr).toContain("no space left on the device");
    expect(stderr).not.toMatch(/^[0-9a-f]{64}$/m);
  });

  testIt("says in one line that files may not be so long", async () => {
    const home = newHome();
    const line = 'ulimit -f 8; exec "$0" pull "$1"';
    const child = start(["bash", "-c", line, skiffPath, address("tools/sample:1")], {
      cwd: home,
      extraEnv: { HOME: home },
    });
    const [stderr, code] = await Promise.all([child.stderr.text(), child.exited]);
    expect(code).toBe(255);
    expect(stderr).toMatch(/FATAL: {3}Cannot store .*\(ulimit -f\); raise the limit.*\n$/);
  });

  testIt("says in one line why it cannot write there, before anything is fetched", async () => {
    const home = newHome();
    writeFileSync(`${home}/file`, "");
    const from = address("tools/sample:1");
    const wrong: readonly (readonly [words: readonly string[], said: string])[] = [
      [["/root/none/x.sif", from], "its directory does not exist"],
      [["file/x.sif", from], "its directory does not exist"],
      [["--dir", "file", from], "file exists"],
      [["/x.sif", from], "permission denied"],
      [["x".repeat(300), from], "name too long"],
      [["--disable-cache", "--tmpdir", "/nosuch", from], "no such file or directory"],
      [["http://127.0.0.1:99999/x"], "it is no valid address"],
    ];
    for (const [words, said] of wrong) {
      const refused = await call(home, ["pull", ...words]);
      expect(refused.code).toBe(255);
      expect(refused.stderr).toContain(said);
      expect(refused.stderr.trim().split("\n").length).toBe(1);
    }
    const long = await call(home, ["exec", `docker://${"a".repeat(5000)}`, "true"]);
    expect(long.stderr).toContain("is no repository name");
    expect(existsSync(`${home}/.skiff/cache/blob`)).toBe(false);
  });

  testIt("works without a cache", async () => {
    const home = newHome();
    const off = await call(home, ["pull", "--disable-cache", address("tools/sample:1")]);
    expect(off.code).toBe(0);
    expect(existsSync(`${home}/.skiff/cache`)).toBe(false);
    const unwritable = await call(home, ["pull", "--force", address("tools/sample:1")], {
      SKIFF_CACHEDIR: "/proc/none",
    });
    expect(unwritable.code).toBe(0);
    expect(unwritable.stderr).toContain("Cache disabled");
  });
});
