import { describe, expect, test } from "bun:test";
import type { CgroupFacts } from "./cgroup-facts.ts";
import { limitsOfFile } from "./limit-file.ts";
import { limitsOfFlags, sizeOf } from "./limit-flags.ts";
import { planLimits } from "./plan-limits.ts";
import { settingsV1 } from "./settings-v1.ts";
import { settingsV2 } from "./settings-v2.ts";

const flagFacts = { processors: 8, device: () => ({ major: 8, minor: 0 }) };
const files = (settings: readonly { file: string; value: string }[]) =>
  settings.map(({ file, value }) => `${file} ${value}`);

const EVERYTHING = {
  cpus: ["1.5"],
  "cpu-shares": ["1024"],
  "cpuset-cpus": ["0-3"],
  "cpuset-mems": ["0"],
  memory: ["1g"],
  "memory-reservation": ["512m"],
  "memory-swap": ["1536m"],
  "pids-limit": ["100"],
  "blkio-weight": ["500"],
  "blkio-weight-device": ["/dev/sda:100"],
};

describe("limitsOfFlags()", () => {
  const limits = limitsOfFlags(EVERYTHING, flagFacts);

  test("gives files of version 2, with weights converted and swap without memory", () => {
    expect(files(settingsV2(limits))).toEqual([
      ...["cpu.weight 39", "cpu.max 150000 100000", "cpuset.cpus 0-3", "cpuset.mems 0"],
      ...["memory.max 1073741824", "memory.low 536870912", "memory.swap.max 536870912"],
      ...["pids.max 100", "io.weight default 4950", "io.weight 8:0 910"],
    ]);
  });

  test("gives files of version 1, memory before memory with swap", () => {
    expect(files(settingsV1(limits))).toEqual([
      ...["cpu.shares 1024", "cpu.cfs_period_us 100000", "cpu.cfs_quota_us 150000"],
      ...["cpuset.cpus 0-3", "cpuset.mems 0", "memory.limit_in_bytes 1073741824"],
      ...["memory.memsw.limit_in_bytes 1610612736", "memory.soft_limit_in_bytes 536870912"],
      ...["pids.max 100", "blkio.weight 500", "blkio.weight_device 8:0 100"],
    ]);
  });

  test("takes -1 and 0 as the reference tool does", () => {
    const some = {
      "memory-swap": ["-1"],
      "pids-limit": ["-1"],
      "cpu-shares": ["-1"],
      "blkio-weight": ["0"],
    };
    expect(files(settingsV2(limitsOfFlags(some, flagFacts)))).toEqual([
      "memory.swap.max max",
      "pids.max max",
    ]);
  });

  test.each([
    ["512", 512],
    ["64k", 65536],
    ["1.5G", 1610612736],
    ["2MiB", 2097152],
    ["1gb", 1073741824],
  ])("reads the size %s", (text, bytes) => {
    expect(sizeOf("memory", text)).toBe(bytes);
  });
});

describe("limitsOfFile()", () => {
  const ignored: string[] = [];
  const read = (tables: object) => limitsOfFile(tables, (member) => ignored.push(member));

  test("takes every table of the specification, in any case of letters", () => {
    const limits = read({
      cpu: { Shares: 512, quotas: 50000, period: 100000 },
      blockio: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1048576 }] },
      hugepageLimits: [{ pageSize: "2MB", limit: 2097152 }],
      unified: { "memory.high": 1000 },
      nosuch: 1,
    });
    expect(files(settingsV2(limits))).toEqual([
      ...["cpu.weight 20", "cpu.max 50000 100000", "io.max 8:0 rbps=1048576"],
      ...["hugetlb.2MB.max 2097152", "memory.high 1000"],
    ]);
    expect(ignored).toEqual(["nosuch"]);
  });

  test.each([
    [{ memory: { limit: "1g" } }, "memory.limit: it must be a number"],
    [{ cpu: 1 }, "cpu: it must be a table"],
    [{ devices: {} }, "devices: it must be a list"],
    [{ devices: [{ allow: false, access: "q" }] }, "devices: type must be"],
  ])("refuses %j", (tables, message) => {
    expect(() => read(tables)).toThrow(message);
  });

  test("what version 2 lacks is refused, not forgotten", () => {
    for (const limits of [
      { memory: { disableOOMKiller: true } },
      { network: { classID: 1 } },
      { devices: [{ allow: false, type: "c", access: "rwm" } as const] },
    ]) {
      expect(() => settingsV2(limits)).toThrow("no counterpart in cgroup version 2");
    }
    expect(() => settingsV2({ unified: { "../x": "1" } })).toThrow("no name of a file");
  });
});

describe("planLimits()", () => {
  const tree = {
    version: 2,
    controllers: ["cpu", "memory", "pids"],
    mount: "/cg",
    own: "/cg/a/b/shell",
  } as const;
  /** `/cg/a` belongs to the caller; `on` are the controllers that it hands down. */
  function facts(on: string, more: Partial<CgroupFacts> = {}): CgroupFacts {
    return {
      trees: [tree],
      exists: () => true,
      canWrite: (path) => path.startsWith("/cg/a/b"),
      words: (path) =>
        (path.endsWith("/cgroup.controllers")
          ? "cpu memory pids"
          : path === "/cg/a/b/cgroup.subtree_control"
            ? on
            : path === "/cg/a/b/shell/cgroup.procs"
              ? "1 2"
              : ""
        )
          .split(" ")
          .filter(Boolean),
      systemd: undefined,
      ...more,
    };
  }
  const limits = { memory: { limit: 1 }, pids: { limit: 5 } };
  const user = { systemd: true, isRoot: false };

  test("goes up to the first group that hands the controllers down", () => {
    expect(planLimits(limits, facts("memory pids"), user, "--memory")?.place).toEqual({
      kind: "directories",
      groups: [{ parent: "/cg/a/b", controllers: ["memory", "pids", ""], enable: [] }],
      moveFirst: false,
    });
  });

  test("switches controllers on in a group without processes", () => {
    expect(planLimits(limits, facts("pids"), user, "--memory")?.place).toMatchObject({
      groups: [{ parent: "/cg/a/b", enable: ["memory"] }],
    });
  });

  test("asks systemd where nothing is delegated, if the configuration lets it", () => {
    const systemd = { tool: "/usr/bin/busctl", bus: "user" } as const;
    const none = facts("", { canWrite: () => false, systemd });
    expect(planLimits(limits, none, user, "--memory")?.place).toMatchObject({ kind: "systemd" });
    const forbidden = { systemd: false, isRoot: false };
    expect(() => planLimits(limits, none, forbidden, "")).toThrow("delegated to you");
    expect(() => planLimits(limits, facts("", { canWrite: () => false }), user, "")).toThrow(
      "cannot use cgroups - ",
    );
  });
});
