import { beforeAll, describe, expect } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { BUSYBOX, IMAGE_TREE, makeTree } from "../launch/image-tree.ts";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** `--security seccomp:`, `apparmor:` and `selinux:`. */
const dir = scratch();
const lack = firstReason(existsSync(BUSYBOX) ? undefined : noTool("busybox"), noUserNamespaces());
const inContainer = testUnless(lack);

function profile(name: string, content: object): string {
  const path = `${dir}/${name}.json`;
  writeFileSync(path, JSON.stringify(content));
  return `seccomp:${path}`;
}

const NO_MKDIR = {
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 }],
};

beforeAll(() => {
  if (lack === undefined) makeTree(`${dir}/img`, IMAGE_TREE);
});

describe("--security seccomp", () => {
  for (const flags of ["", "--pid", "--fakeroot", "--containall", "--compat"]) {
    inContainer(
      `holds for the program, not for its start, with ${flags || "no flag"}`,
      async () => {
        const security = ["--security", profile("no-mkdir", NO_MKDIR)];
        const words = ["exec", ...flags.split(" ").filter(Boolean), ...security, `${dir}/img`];
        const { stdout, stderr } = await skiff([...words, "sh", "-c", "mkdir /tmp/x; echo done"]);
        expect(stdout).toBe("done\n");
        expect(stderr).toContain("No space left on device");
      },
    );
  }

  inContainer("lets a killed program end by its signal", async () => {
    const content = {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_KILL_PROCESS" }],
    };
    const words = ["exec", "--security", profile("kill", content), `${dir}/img`];
    expect((await skiff([...words, "mkdir", "/tmp/x"])).code).toBe(128 + 31);
  });

  inContainer("is told by explain, with what it was made from", async () => {
    const word = profile("no-mkdir", NO_MKDIR);
    const words = ["explain", "--json", "exec", "--security", word, `${dir}/img`, "true"];
    const { seccomp } = JSON.parse((await skiff(words)).stdout).security;
    expect(seccomp.path).toBe(word.slice("seccomp:".length));
    expect(seccomp.why).toContain("--security");
  });

  inContainer("refuses what is no profile, with what is wrong in it", async () => {
    const words = (word: string) => ["exec", "--security", word, `${dir}/img`, "true"];
    const missing = await skiff(words(`seccomp:${dir}/nosuch`));
    expect([missing.code, missing.stderr]).toEqual([255, expect.stringContaining("no such file")]);
    const bad = await skiff(words(profile("bad", { defaultAction: "SCMP_ACT_SING" })));
    expect([bad.code, bad.stderr]).toEqual([255, expect.stringContaining('"SCMP_ACT_SING"')]);
  });
});

describe("security modules", () => {
  const apparmor = "/sys/module/apparmor/parameters/enabled";
  const noAppArmor = existsSync(apparmor) ? "the kernel has AppArmor" : undefined;
  testUnless(firstReason(lack, noAppArmor))("that the kernel lacks are refused", async () => {
    const { code, stderr } = await skiff([
      "exec",
      "--security",
      "apparmor:x",
      `${dir}/img`,
      "true",
    ]);
    expect(code).toBe(255);
    expect(stderr).toContain("apparmor requested, but is not enabled or supported on this system");
  });

  inContainer("exclude each other", async () => {
    const both = ["--security", "selinux:x", "--security", "apparmor:y"];
    const { code, stderr } = await skiff(["exec", ...both, `${dir}/img`, "true"]);
    expect([code, stderr]).toEqual([255, expect.stringContaining("exclude each other")]);
  });
});

describe("privileges of an ordinary user", () => {
  const status = async (...flags: string[]): Promise<Readonly<Record<string, string>>> => {
    const command = ["grep", "-E", "^(Cap|NoNew)", "/proc/self/status"];
    const { stdout } = await skiff(["exec", ...flags, `${dir}/img`, ...command]);
    return Object.fromEntries([...stdout.matchAll(/^(\w+):\t(\w+)$/gm)].map(([, k, v]) => [k, v]));
  };
  const NONE = "0000000000000000";

  inContainer("are none, nothing is inherited, and none can be gained", async () => {
    const found = await status();
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      expect(found[set], set).toBe(NONE);
    }
    expect(found["NoNewPrivs"]).toBe("1");
  });

  inContainer("are what --add-caps names, in the container's own user namespace", async () => {
    const found = await status("--add-caps", "CAP_NET_RAW,chown");
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      expect(Number.parseInt(found[set] ?? "", 16), set).toBe(2 ** 13 + 1);
    }
    expect((await status("--add-caps", "net_raw", "--drop-caps", "all"))["CapEff"]).toBe(NONE);
  });

  for (const flag of ["--keep-privs", "--allow-setuid"]) {
    inContainer(`${flag} is root's alone`, async () => {
      const { code, stderr } = await skiff(["exec", flag, `${dir}/img`, "true"]);
      expect([code, stderr]).toEqual([255, expect.stringContaining("requires root privileges")]);
    });
  }

  inContainer("come with a warning when the name is unknown", async () => {
    const { code, stderr } = await skiff(["exec", "--add-caps", "CAP_FLY", `${dir}/img`, "true"]);
    expect(code).toBe(0);
    expect(stderr).toContain('unknown capability "CAP_FLY"');
  });
});

describe("limits of a process", () => {
  inContainer("are the caller's, hard and soft", async () => {
    const script = 'ulimit -S -n 777; ulimit -H -n 999; ulimit -c 0; "$@"; exit $?';
    const words = [skiffPath, "exec", `${dir}/img`, "cat", "/proc/self/limits"];
    const { stdout } = await run(["sh", "-c", script, "sh", ...words]);
    expect(stdout).toMatch(/Max open files +777 +999/);
    expect(stdout).toMatch(/Max core file size +0 +0/);
  });
});
