import { beforeAll, describe, expect } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { BUSYBOX, IMAGE_TREE, makeTree } from "../launch/image-tree.ts";
import { inTestNet, noNetworks } from "../network/test-net.ts";
import { noTool, notRoot } from "../support/host-lacks.ts";
import { run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** Limits, profiles and networks of instances, and of what joins them. */
const dir = scratch("self");
const lack = firstReason(notRoot(), existsSync(BUSYBOX) ? undefined : noTool("busybox"));
const noPids = existsSync("/sys/fs/cgroup/pids/cgroup.procs") ? undefined : "no pids cgroup here";
const noMemory = existsSync("/sys/fs/cgroup/memory/cgroup.procs") ? undefined : "no memory cgroup";
const noCni = existsSync("/usr/lib/cni/bridge") ? undefined : "no CNI plugins";

beforeAll(() => {
  if (lack === undefined) makeTree(`${dir}/img`, IMAGE_TREE);
});

const script = (text: string) =>
  run(["bash", "-c", `export SKIFF_CONFIGDIR=${dir}/conf; skiff=${skiffPath}; ${text}`], {
    as: "self",
    cwd: dir,
  });

describe("an instance with", () => {
  testUnless(firstReason(lack, noPids))(
    "a limit has it for what joins, and takes it along",
    async () => {
      const { stdout, stderr } = await script(
        `$skiff instance start --pids-limit 40 img limited >/dev/null 2>&1
       $skiff exec instance://limited sh -c 'sed -n "s/.*pids:.*skiff-[0-9]*/under its limit/p" /proc/self/cgroup'
       $skiff instance stop limited >/dev/null 2>&1
       for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
         left=$(for g in /sys/fs/cgroup/pids/skiff-*; do [ -d /proc/${"${g##*-}"} ] || echo $g; done | grep -v '[*]'); [ -z "$left" ] && break; sleep 0.1
       done; echo "left: $left"`,
      );
      expect(stdout, stderr).toBe("under its limit\nleft: \n");
    },
  );

  testUnless(firstReason(lack, noMemory))("a limit of memory shows it", async () => {
    const { stdout, stderr } = await script(
      `$skiff instance start --memory 96M img small >/dev/null 2>&1
       $skiff instance stats --no-stream --json small | grep -o '"memoryLimitBytes": .*,'
       $skiff instance stop small >/dev/null 2>&1`,
    );
    expect(stdout, stderr).toBe(`"memoryLimitBytes": ${96 << 20},\n`);
  });

  testUnless(lack)("a seccomp profile has it for what joins", async () => {
    const rule = { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 };
    const profile = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] };
    writeFileSync(`${dir}/profile.json`, JSON.stringify(profile));
    const { stdout, stderr } = await script(
      `$skiff instance start --security seccomp:profile.json img filtered >/dev/null 2>&1
       $skiff exec instance://filtered mkdir /tmp/skiff-filtered; $skiff instance stop filtered >/dev/null 2>&1; echo end`,
    );
    expect(stdout).toBe("end\n");
    expect(stderr).toContain("No space left on device");
  });

  testUnless(firstReason(lack, noNetworks(), noCni))(
    "a network shows its address, and gives it back",
    async () => {
      const { stdout, stderr } = await inTestNet(
        dir,
        `export SKIFF_CONFIGDIR=${dir}/conf
       $skiff instance start --net img wired >/dev/null 2>&1
       $skiff instance list --json | grep -o '"ip": "10.22[^"]*"' | cut -c1-12
       $skiff exec instance://wired sh -c 'grep -c eth0 /proc/net/dev'
       $skiff instance stop wired >/dev/null 2>&1
       for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
         rest=$(ls /var/lib/cni/networks/bridge/10.* /run/skiff/network/* 2>/dev/null); [ -z "$rest" ] && break; sleep 0.1
       done; echo "left: $rest"`,
      );
      expect(stdout, stderr).toBe('"ip": "10.22\n1\nleft: \n');
    },
  );
});
