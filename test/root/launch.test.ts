import { beforeAll, describe, expect } from "bun:test";
import { existsSync } from "node:fs";
import { BUSYBOX, IMAGE_TREE, makeTree } from "../launch/image-tree.ts";
import { noTool, notRoot } from "../support/host-lacks.ts";
import { type Finished, type RunOptions, run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** Launches by root where they differ from a user's: no user namespace, real ids, fewer capabilities. */
const dir = scratch("self");
const lack = firstReason(
  notRoot(),
  existsSync(BUSYBOX) ? undefined : noTool("busybox"),
  noTool("mksquashfs"),
);

beforeAll(async () => {
  if (lack !== undefined) return;
  makeTree(`${dir}/img`, IMAGE_TREE);
  await run(["mksquashfs", "img", "img.sqfs", "-quiet", "-no-progress"], { as: "self", cwd: dir });
});

const bash = (command: string, options: RunOptions = {}): Promise<Finished> =>
  run(["bash", "-c", command], { as: "self", cwd: dir, ...options });

describe("root", () => {
  for (const image of ["img", "img.sqfs"]) {
    testUnless(lack)(`starts ${image} without a user namespace`, async () => {
      const { code, stdout, stderr } = await bash(
        `${skiffPath} exec ${image} sh -c 'readlink /proc/self/ns/user; id -u; echo $E2'; readlink /proc/self/ns/user`,
      );
      const [inside, uid, greeting, outside] = stdout.split("\n");
      expect([code, uid, greeting], stderr).toEqual([0, "0", "image-two"]);
      expect(inside).toBe(outside ?? "");
    });
    testUnless(lack)(`--userns starts ${image} in one`, async () => {
      const { code, stdout, stderr } = await bash(
        `${skiffPath} exec --userns ${image} sh -c 'readlink /proc/self/ns/user; id -u'; readlink /proc/self/ns/user`,
      );
      const [inside, uid, outside] = stdout.split("\n");
      expect([code, uid], stderr).toEqual([0, "0"]);
      expect(inside).not.toBe(outside ?? "");
    });
    for (const flags of [
      "--pid",
      "--contain",
      "--containall",
      "--writable-tmpfs",
      "--fakeroot",
      "--net --network none",
      "--hostname box",
    ]) {
      testUnless(lack)(`${flags}, ${image}`, async () => {
        const { code, stdout, stderr } = await bash(`${skiffPath} exec ${flags} ${image} echo ok`);
        expect([code, stdout], stderr).toEqual([0, "ok\n"]);
      });
    }
  }

  testUnless(lack)("keeps its capabilities; --no-privs drops them, --drop-caps some", async () => {
    const caps = async (flags: string): Promise<bigint> => {
      const { stdout } = await bash(`${skiffPath} exec ${flags} img grep CapEff /proc/self/status`);
      return BigInt(`0x${stdout.split("\t")[1]?.trim()}`);
    };
    const own = BigInt(
      `0x${(await bash("grep CapEff /proc/self/status")).stdout.split("\t")[1]?.trim()}`,
    );
    expect(await caps("")).toBe(own);
    expect(await caps("--no-privs")).toBe(0n);
    expect(await caps("--drop-caps CAP_NET_RAW")).toBe(own & ~(1n << 13n));
  });

  testUnless(lack)("--security uid and gid become another", async () => {
    const { code, stdout, stderr } = await bash(
      `${skiffPath} exec --security uid:1234 --security gid:55:66 ${dir}/img sh -c 'id -u; id -g; id -G; grep CapEff /proc/self/status'`,
      { cwd: "/" },
    );
    expect([code, stdout], stderr).toEqual([0, "1234\n55\n55 66\nCapEff:\t0000000000000000\n"]);
  });

  testUnless(lack)("leaves no loop device and no mount behind", async () => {
    const count =
      "losetup -n -l 2>/dev/null | grep -c skiff-scratch; grep -c skiff-scratch /proc/self/mountinfo";
    await bash(`${skiffPath} exec img.sqfs true`);
    await Bun.sleep(300);
    expect((await bash(count)).stdout).toBe("0\n0\n");
  });
});

describe("root in namespaces", () => {
  testUnless(lack)("--net shows the devices of its own", async () => {
    const { stdout, stderr } = await bash(
      `${skiffPath} exec --net --network none img ls /sys/class/net`,
    );
    expect(stdout, stderr).toBe("lo\n");
  });
  testUnless(lack)(
    "--security uid shows the account that the image or the host has, or none",
    async () => {
      const { stdout } = await bash(
        `${skiffPath} exec --security uid:4321 ${dir}/img sh -c 'grep -c 4321 /etc/passwd; grep -c . /etc/group'`,
        { cwd: "/" },
      );
      expect(stdout).toBe("0\n2\n");
    },
  );
});

describe("root with few capabilities", () => {
  for (const [name, set] of [
    ["without CAP_NET_RAW and others", "-net_raw,-sys_module,-sys_rawio,-mac_admin,-audit_control"],
    ["without CAP_SYS_ADMIN", "-sys_admin"],
    [
      "with nothing but the usual ones of a container",
      "-all,+chown,+dac_override,+fowner,+kill,+setfcap,+setgid,+setuid,+setpcap",
    ],
  ] as const) {
    for (const image of ["img", "img.sqfs"]) {
      testUnless(firstReason(lack, noTool("setpriv")))(`${name}, ${image}`, async () => {
        const { code, stdout, stderr } = await bash(
          `setpriv --bounding-set ${set} --inh-caps ${set} ${skiffPath} exec ${image} sh -c 'id -u; echo ok'`,
        );
        expect([code, stdout], stderr).toEqual([0, "0\nok\n"]);
      });
    }
  }
});

describe("mounts of the host", () => {
  testUnless(lack)("made after the start appear, where the host's are shared", async () => {
    const script = `mkdir data && mount -t tmpfs none data && mkdir data/late && mkfifo ready
      ${skiffPath} exec --userns -B data:/data -B ready:/ready img sh -c 'echo > /ready; sleep 1; ls /data/late' > out &
      read < ready; mount -t tmpfs none data/late; touch data/late/seen; wait; cat out`;
    const done = await run(["unshare", "-m", "--propagation", "shared", "bash", "-c", script], {
      as: "self",
      cwd: dir,
    });
    expect(done.stdout, done.stderr).toBe("seen\n");
  });
});
