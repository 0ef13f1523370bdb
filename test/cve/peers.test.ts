import { describe, expect } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { launchLab } from "../launch/launch-lab.ts";
import { noFuse, noTool } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, run, skiff } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath, treeRoot } from "../support/tree.ts";

/** What went wrong in singularity and apptainer, tried here as an ordinary user. */
const { dir, lack } = launchLab((place) => {
  for (const name of ["closed", "tmp"]) mkdirSync(`${place}/${name}`);
});
const inContainer = testUnless(lack);
const bash = (command: string, as: "user" | "self" = "user"): Promise<Finished> =>
  run(["bash", "-c", command], { cwd: dir, as });

describe("nothing is set-uid", () => {
  inContainer(
    "CVE-2018-12021, CVE-2018-19295, CVE-2020-13845, CVE-2023-30549: no part of the installation has set-id bits or capabilities",
    async () => {
      const dist = skiffPath.slice(0, skiffPath.lastIndexOf("/"));
      const found = await bash(`find ${dist} -perm /6000; getcap -r ${dist} 2>/dev/null`);
      expect(found.stdout).toBe("");
    },
  );

  testUnless(firstReason(lack, noFuse(), noTool("fuse2fs"), noTool("mke2fs")))(
    "CVE-2023-30549, CVE-2022-1184: the kernel's ext4 never sees an ordinary user's image",
    async () => {
      await bash("truncate -s 16M img.ext3 && mke2fs -q -t ext3 -d img img.ext3");
      const plan = JSON.parse(
        (await skiff(["explain", "--json", "exec", `${dir}/img.ext3`, "true"])).stdout,
      );
      expect(plan.root.image.mounter.kind).toBe("fuse");
    },
  );

  testUnless(isRoot ? lack : "it needs root to close a directory")(
    "CVE-2018-12021: an overlay opens no directory that is closed to the caller",
    async () => {
      await bash(
        "mkdir -p closed/upper closed/work; echo secret > closed/upper/secret; chown -R 0:0 closed; chmod 700 closed",
        "self",
      );
      const { code, stdout } = await skiff([
        "exec",
        "--overlay",
        `${dir}/closed`,
        `${dir}/img`,
        "cat",
        "/secret",
      ]);
      expect([code, stdout]).toEqual([255, ""]);
      const bound = await skiff(["exec", "-B", `${dir}/closed:/mnt`, `${dir}/img`, "ls", "/mnt"]);
      expect(bound.stdout).toBe("");
    },
  );

  inContainer(
    "CVE-2023-38496: a network request runs nothing with more rights than the caller's",
    async () => {
      const words = [
        "exec",
        "--net",
        "--network",
        "none",
        `${dir}/img`,
        "grep",
        "-E",
        "^(Uid|NoNewPrivs)",
        "/proc/self/status",
      ];
      const id = ordinaryUser()?.uid;
      expect((await skiff(words)).stdout).toBe(
        `Uid:\t${id}\t${id}\t${id}\t${id}\nNoNewPrivs:\t1\n`,
      );
    },
  );
});

describe("files of the user", () => {
  const mode = (path: string): number => statSync(path).mode & 0o777;

  inContainer(
    "CVE-2019-11328, CVE-2019-19724: records of instances and the configuration directory are for their owner only",
    async () => {
      const conf = `${dir}/conf`;
      const env = { SKIFF_CONFIGDIR: conf };
      const started = await skiff(["instance", "start", `${dir}/img`, "private"], {
        extraEnv: env,
      });
      expect(started.code, started.stderr).toBe(0);
      const records = readdirSync(conf, { recursive: true, withFileTypes: true }).filter(
        (one) => one.isFile() && one.name === "private.json",
      );
      for (const one of records) {
        expect(mode(`${one.parentPath}/${one.name}`)).toBe(0o600);
        expect(mode(one.parentPath) & 0o022).toBe(0);
      }
      expect(records.length).toBe(1);
      await skiff(["instance", "stop", "private"], { extraEnv: env });
    },
  );

  testUnless(firstReason(lack, isRoot ? undefined : "it needs root"))(
    "CVE-2019-11328: a record that names another user's process leads nowhere",
    async () => {
      const env = { SKIFF_CONFIGDIR: `${dir}/forged` };
      await skiff(["instance", "start", `${dir}/img`, "forged"], { extraEnv: env });
      const found = readdirSync(`${dir}/forged`, { recursive: true, withFileTypes: true }).find(
        (one) => one.isFile() && one.name === "forged.json",
      );
      const path = `${found?.parentPath}/${found?.name}`;
      const text = readFileSync(path, "utf8");
      const stat = readFileSync("/proc/1/stat", "utf8");
      const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
      await skiff(["instance", "stop", "forged"], { extraEnv: env });
      writeFileSync(path, text.replace(/^[0-9]+ [0-9]+/, `1 ${ticks}`));
      const { code, stdout } = await skiff(["exec", "instance://forged", "id"], { extraEnv: env });
      expect([code, stdout]).toEqual([255, ""]);
    },
  );

  inContainer("CVE-2020-25039, CVE-2020-25040: what is unpacked is closed to others", async () => {
    const { stdout } = await bash(
      `umask 0; TMPDIR=${dir}/tmp ${skiffPath} exec --unsquash -B tmp:/mnt img.sqfs sh -c 'ls -ld /mnt/*' 2>/dev/null`,
    );
    expect(stdout).toMatch(/^drwx------/);
  });
});

describe("what an image may do", () => {
  testUnless(firstReason(lack, noTool("mksquashfs")))(
    "CVE-2020-15229: unpacking an image writes nothing beside it",
    async () => {
      // A squashfs whose file has the name of a way out: the name is made of other bytes and then changed.
      const { stdout, stderr } = await bash(
        `mkdir -p way && echo x > way/AAAAAAAAAAescaped && mksquashfs way way.sqfs -quiet -no-progress -noI -noD -noF -no-compression >/dev/null 2>&1 || mksquashfs way way.sqfs -quiet -no-progress -noI -noD -noF >/dev/null
         sed -i 's#AAAAAAAAAAescaped#../../../../escaped#' way.sqfs 2>/dev/null
         TMPDIR=${dir}/tmp timeout 20 ${skiffPath} exec --unsquash way.sqfs true; find . .. ../.. -maxdepth 1 -name 'escaped*' 2>/dev/null`,
      );
      expect(stdout, stderr).toBe("");
    },
  );

  inContainer(
    "CVE-2025-65105, CVE-2025-52881: a label is written to the host's /proc, or the launch fails",
    async () => {
      await bash(
        "cp -a img fake && rm -rf fake/proc && mkdir -p fake/proc/self/attr/apparmor && touch fake/proc/self/attr/exec fake/proc/self/attr/apparmor/exec",
      );
      for (const label of ["apparmor:nosuch", "selinux:nosuch"]) {
        const { code } = await skiff(["exec", "--security", label, `${dir}/fake`, "true"]);
        expect(code).toBe(255);
      }
      expect(readFileSync(`${dir}/fake/proc/self/attr/exec`, "utf8")).toBe("");
    },
  );

  inContainer("CVE-2021-33622: a policy that cannot be read is no permission", async () => {
    writeFileSync(`${dir}/skiff.conf`, "mount home = perhaps\n");
    expect(
      (await skiff(["--config", `${dir}/skiff.conf`, "exec", `${dir}/img`, "true"])).code,
    ).toBe(255);
    mkdirSync(`${dir}/folder.conf`, { recursive: true });
    expect(
      (await skiff(["--config", `${dir}/folder.conf`, "exec", `${dir}/img`, "true"])).code,
    ).toBe(255);
  });

  inContainer(
    "CVE-2021-32635: an address goes to the remote that is configured, or nowhere",
    async () => {
      const { code, stderr } = await skiff(["exec", "library://user/image:1", "true"], {
        extraEnv: {
          SKIFF_CONFIGDIR: `${dir}/remoteless`,
          http_proxy: "http://127.0.0.1:9",
          https_proxy: "http://127.0.0.1:9",
        },
      });
      expect(code).toBe(255);
      expect(stderr).not.toContain("cloud.sylabs.io");
    },
  );
});

describe("the table of docs/threat-model.md", () => {
  testUnless(undefined)("names for each weakness a test that is there", () => {
    const text = readFileSync(`${treeRoot}/docs/threat-model.md`, "utf8");
    const rows = text.split("\n").filter((line) => /^\| CVE-/.test(line));
    expect(rows.length).toBeGreaterThan(30);
    for (const row of rows) {
      const cells = row.split("|").map((cell) => cell.trim());
      const ids = cells[1]?.match(/CVE-\d{4}-\d+/g) ?? [];
      const files = cells.at(-2)?.match(/[\w/-]+\.test\.ts/g) ?? [];
      expect(files.length, row).toBeGreaterThan(0);
      const texts = files.map((file) => readFileSync(`${treeRoot}/${file}`, "utf8")).join("\n");
      if (files.every((file) => file.startsWith("test/cve/"))) {
        for (const id of ids) expect(texts, row).toContain(id);
      }
    }
  });
});
