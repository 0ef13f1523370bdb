import { beforeAll, describe, expect } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { BUSYBOX, IMAGE_TREE, makeTree } from "../launch/image-tree.ts";
import { noTool, notRoot } from "../support/host-lacks.ts";
import { asOrdinaryUser, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** Limits by control groups, as the kernel keeps them. */
const dir = scratch("self");
const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
const lack = firstReason(notRoot(), existsSync(BUSYBOX) ? undefined : noTool("busybox"));

/** Where a tree of control groups with one controller is mounted: version 1. */
function oldTree(controller: string): string | undefined {
  return mounts
    .find((line) => / - cgroup /.test(line) && line.split(/[ ,]/).includes(controller))
    ?.split(" ")[4];
}

const unified = mounts.find((line) => line.includes(" - cgroup2 "))?.split(" ")[4];
const noOld = ["memory", "pids", "cpu", "cpuset"].every((name) => oldTree(name) !== undefined)
  ? undefined
  : "no control groups of version 1";

beforeAll(() => {
  if (lack === undefined) makeTree(`${dir}/img`, IMAGE_TREE);
});

const bash = (command: string): Promise<Finished> =>
  run(["bash", "-c", command], { as: "self", cwd: dir });

/** Groups of launches that are over; the host may have old ones, of launches in groups that are none of ours. */
async function groupsOfEnded(): Promise<readonly string[]> {
  const { stdout } = await bash(
    `find /sys/fs/cgroup -name 'skiff-*' 2>/dev/null | while read g; do p=\${g##*-}; [ -d /proc/$p ] || echo $g; done`,
  );
  return stdout.split("\n").filter((line) => line !== "");
}

/** Those that came since, once their watchers had time to remove them. */
async function leftGroups(before: readonly string[]): Promise<readonly string[]> {
  for (let waited = 0; ; waited += 50) {
    const left = (await groupsOfEnded()).filter((path) => !before.includes(path));
    if (left.length === 0 || waited > 3000) return left;
    await Bun.sleep(50);
  }
}

describe("limits on version 1, as root", () => {
  const testOld = testUnless(firstReason(lack, noOld));
  const value = async (flags: string, controller: string, file: string): Promise<string> => {
    const own = `/sys/fs/cgroup/${controller}$(grep ":${controller}[,:]" /proc/self/cgroup | cut -d: -f3)`;
    const { stdout, stderr } = await bash(
      `${skiffPath} exec ${flags} img sh -c 'cat ${own}/${file}'`,
    );
    return stdout.trim() || stderr;
  };

  for (const [flags, controller, file, expected] of [
    ["--memory 64m", "memory", "memory.limit_in_bytes", "67108864"],
    ["--memory 64m --memory-reservation 32M", "memory", "memory.soft_limit_in_bytes", "33554432"],
    ["--cpus 0.25", "cpu", "cpu.cfs_quota_us", "25000"],
    ["--cpu-shares 512", "cpu", "cpu.shares", "512"],
    ["--cpuset-cpus 0", "cpuset", "cpuset.cpus", "0"],
    ["--cpuset-mems 0", "cpuset", "cpuset.mems", "0"],
    ["--pids-limit 30", "pids", "pids.max", "30"],
    ["--pids-limit -1", "pids", "pids.max", "max"],
  ] as const) {
    testOld(flags, async () => {
      expect(await value(flags, controller, file)).toBe(expected);
    });
  }

  testOld(
    "hold: a program beyond its memory is killed, one beyond its processes fails",
    async () => {
      const eater = "dd if=/dev/zero of=/dev/null bs=200M count=1";
      const eaten = await bash(
        `${skiffPath} exec --memory 32m --memory-swap 32m img ${eater}; echo $?`,
      );
      const without = await bash(`${skiffPath} exec --memory 32m img ${eater}; echo $?`);
      expect([eaten.stdout.trim(), without.stdout.trim()]).toContain("137");
      const forks = `for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait`;
      const { stderr } = await bash(`${skiffPath} exec --pids-limit 4 img sh -c '${forks}'`);
      expect(stderr).toContain("fork");
    },
  );

  testOld("reach every process of a container with a PID namespace", async () => {
    const { stdout } = await bash(
      `${skiffPath} exec --pid --pids-limit 50 img sh -c 'cat /proc/1/cgroup /proc/self/cgroup | grep -c pids:.*skiff-'`,
    );
    expect(stdout).toBe("2\n");
  });

  testOld("from a file", async () => {
    writeFileSync(
      `${dir}/limits.toml`,
      '[memory]\nlimit = 67108864\n[pids]\nlimit = 40\n[cpu]\nshares = 256\ncpus = "0"\nmems = "0"\n' +
        '[[devices]]\naccess = "rwm"\nallow = true\ntype = "a"\n[[devices]]\nallow = false\ntype = "c"\nmajor = 1\nminor = 5\naccess = "r"\n',
    );
    const flags = "--apply-cgroups limits.toml";
    expect(await value(flags, "memory", "memory.limit_in_bytes")).toBe("67108864");
    expect(await value(flags, "pids", "pids.max")).toBe("40");
    const { stdout } = await bash(
      `${skiffPath} exec ${flags} img sh -c 'head -c1 /dev/zero; head -c1 /dev/urandom | wc -c' 2>&1`,
    );
    expect(stdout).toContain("Operation not permitted");
    expect(stdout).toContain("1\n");
  });

  testOld(
    "from a file with numbers that stand for none, each in the tree that has its controller",
    async () => {
      const hugetlb = /hugetlb/.test(readFileSync("/proc/cgroups", "utf8"));
      writeFileSync(
        `${dir}/sample.toml`,
        `[cpu]\n  cpus = "0"\n  mems = "0"\n  shares = 1024\n[pids]\n  limit = 1024 # processes\n${
          hugetlb ? '[[hugepageLimits]]\n  limit = 9223372036854771712\n  pageSize = "2MB"\n' : ""
        }`,
      );
      const flags = "--apply-cgroups sample.toml";
      expect(await value(flags, "cpu", "cpu.shares")).toBe("1024");
      expect(await value(flags, "pids", "pids.max")).toBe("1024");
    },
  );

  testOld("leave no group behind, whatever is killed", async () => {
    const start = `${skiffPath} exec --memory 100m --pids-limit 100 --cpus 1 img`;
    const before = await groupsOfEnded();
    await bash(`${start} true; ${start} sh -c 'sleep 0.2 & exit 3'`);
    await bash(
      `for i in 1 2 3 4 5 6 7 8 9 10; do ${start} sleep 20 & p=$!; sleep 0.0$i; kill -KILL $p; done 2>/dev/null; wait`,
    );
    await bash(`${start} --pid sleep 20 2>/dev/null; ${start.replace("exec", "exec --pid")} true`);
    expect(await leftGroups(before)).toEqual([]);
  });

  testOld("what an older launch left is removed by the next", async () => {
    const pids = oldTree("pids") ?? "";
    const gone = (await bash("sh -c 'echo $$'")).stdout.trim();
    mkdirSync(`${pids}/skiff-${gone}`);
    await bash(`${skiffPath} exec --pids-limit 100 img true`);
    expect(existsSync(`${pids}/skiff-${gone}`)).toBe(false);
  });

  testUnless(lack)("without limits there is no group", async () => {
    const { stdout } = await bash(`${skiffPath} exec img grep -c skiff- /proc/self/cgroup`);
    expect(stdout).toBe("0\n");
  });
});

describe("limits on version 2, as an ordinary user", () => {
  const user = ordinaryUser();
  const noDelegation = unified === undefined || user === undefined ? "no cgroup2 tree" : undefined;
  const controllers =
    unified === undefined ? "" : readFileSync(`${unified}/cgroup.controllers`, "utf8");
  const testUnified = testUnless(firstReason(lack, noDelegation));
  const noHugetlb = controllers.includes("hugetlb") ? undefined : "no hugetlb in the cgroup2 tree";

  /** A group that the user owns, and below it one that the shell runs in; both are gone afterwards. */
  async function delegated(script: string, nested = true): Promise<Finished> {
    const group = `${unified}/skiff-test-${process.pid}`;
    const own = nested ? `${group}/shell` : group;
    const owner = `${user?.uid}:${user?.gid}`;
    mkdirSync(own, { recursive: true });
    try {
      return await bash(
        `chown ${owner} ${group} ${group}/cgroup.procs ${group}/cgroup.subtree_control ${own} ${own}/cgroup.procs
         echo +hugetlb > ${unified}/cgroup.subtree_control 2>/dev/null
         echo $$ > ${own}/cgroup.procs; export HOME=/
         ${asOrdinaryUser().join(" ")} bash -c '${script}'; echo $$ > ${unified}/cgroup.procs`,
      );
    } finally {
      for (let tries = 0; tries < 40 && existsSync(group); tries++) {
        await bash(`find ${group} -depth -type d -exec rmdir {} + 2>/dev/null`);
        await Bun.sleep(25);
      }
      if (existsSync(group)) rmdirSync(group);
    }
  }

  testUnless(firstReason(lack, noDelegation, noHugetlb))(
    "are set in a delegated group, beside the caller's own",
    async () => {
      writeFileSync(`${dir}/huge.toml`, '[[hugepageLimits]]\npageSize = "2MB"\nlimit = 4194304\n');
      const { stdout, stderr } = await delegated(
        `${skiffPath} exec --apply-cgroups ${dir}/huge.toml ${dir}/img sh -c "grep ^0:: /proc/self/cgroup; cat ${unified}/skiff-test-*/skiff-*/hugetlb.2MB.max"; ls -d ${unified}/skiff-test-*/skiff-*`,
      );
      expect(stdout, stderr).toMatch(/^0::\/skiff-test-\d+\/skiff-\d+\n4194304\n/);
    },
  );

  testUnless(firstReason(lack, noDelegation, noHugetlb))(
    "are set for a caller that is alone in its group: it moves down",
    async () => {
      writeFileSync(`${dir}/huge.toml`, '[[hugepageLimits]]\npageSize = "2MB"\nlimit = 0\n');
      const { stdout, stderr } = await delegated(
        `echo; exec ${skiffPath} exec --apply-cgroups ${dir}/huge.toml ${dir}/img cat /proc/self/cgroup`,
        false,
      );
      // The shell around it is in the group too, so that it cannot be had: then this is said.
      expect(stdout + stderr).toMatch(/0::\/skiff-test-\d+\/skiff-|cannot use cgroups - /);
    },
  );

  testUnified("that only have names for files are written as they are", async () => {
    writeFileSync(`${dir}/raw.toml`, '[unified]\n"cgroup.max.depth" = "3"\n');
    const { stdout, stderr } = await delegated(
      `${skiffPath} exec --apply-cgroups ${dir}/raw.toml ${dir}/img sh -c "cat ${unified}\\$(sed -n s/^0:://p /proc/self/cgroup)/cgroup.max.depth"`,
    );
    expect(stdout, stderr).toBe("3\n");
  });

  testUnless(firstReason(lack, noOld))(
    "say what is needed where there is no such group",
    async () => {
      const { code, stderr } = await run(
        [skiffPath, "exec", "--memory", "1g", `${dir}/img`, "true"],
        {
          cwd: "/",
        },
      );
      expect(code).toBe(255);
      expect(stderr).toContain("cannot use cgroups - rootless cgroups require cgroups v2");
    },
  );
});

describe("limits that make no sense", () => {
  for (const [flags, message] of [
    ["--memory lots", "it must be a size"],
    ["--memory 1g --memory-swap 1m", "at least that of --memory"],
    ["--memory-swap 1g", "needs --memory"],
    ["--memory 1m --memory-reservation 1g", "at most that of --memory"],
    ["--cpus 0.001", "a number from 0.01"],
    ["--cpus 4096", "the processors here"],
    ["--blkio-weight 5", "from 10 to 1000"],
    ["--blkio-weight-device /dev/null:100", "is no block device"],
    ["--apply-cgroups /nosuch", "no such file"],
    ["--apply-cgroups /etc/passwd", "it is not TOML"],
    ["--apply-cgroups bad.toml", "memory.limit: it must be a number"],
    ["--apply-cgroups bad.toml --cpus 1", "together with --cpus"],
  ] as const) {
    testUnless(lack)(flags, async () => {
      writeFileSync(`${dir}/bad.toml`, '[memory]\nlimit = "1g"\n');
      const { code, stderr } = await bash(`${skiffPath} exec ${flags} img true`);
      expect([code, stderr]).toEqual([255, expect.stringContaining(message)]);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    });
  }
});

describe("max loop devices", () => {
  testUnless(firstReason(lack, noTool("mksquashfs")))(
    "= 0 leaves root none to mount by",
    async () => {
      writeFileSync(`${dir}/loops.conf`, "max loop devices = 0\n");
      const { code, stdout, stderr } = await bash(
        `mksquashfs img img.sqfs -quiet -no-progress >/dev/null; ${skiffPath} exec img.sqfs echo ok && ${skiffPath} --config loops.conf exec img.sqfs true`,
      );
      // A machine without loop devices mounts by FUSE.
      if (code === 0) return;
      expect([stdout, code], stderr).toEqual(["ok\n", 255]);
      expect(stderr).toContain('"max loop devices"');
    },
  );
});
