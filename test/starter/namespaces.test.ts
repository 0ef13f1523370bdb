import { describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { noSubIds, noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { useStarter } from "./driver.ts";
import { CLONE, exec, gid, rootNamespace, script, uid, unshare, userNamespace } from "./make-op.ts";

const starter = useStarter();
const testInUserNamespace = testUnless(noUserNamespaces());
const testWithSubIds = testUnless(firstReason(noUserNamespaces(), noSubIds(), noTool("newuidmap")));

const maps = script("cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups | tr -s ' '");

/** The first range of the ordinary user in a file of sub-ids. */
function subIds(file: string): { first: number; count: number } {
  const user = ordinaryUser();
  const line = readFileSync(file, "utf8")
    .split("\n")
    .map((text) => text.split(":"))
    .find(([name]) => name === user?.name || name === String(user?.uid));
  return { first: Number(line?.[1]), count: Number(line?.[2]) };
}

describe("unshare", () => {
  testInUserNamespace("maps the caller to the same id and denies setgroups", async () => {
    const done = await starter.run([userNamespace(), maps]);
    expect(done.stdout).toBe(` ${uid} ${uid} 1\n ${gid} ${gid} 1\ndeny\n`);
  });

  testInUserNamespace("maps the caller to root", async () => {
    const done = await starter.run([rootNamespace(), exec("id", "-u")]);
    expect(done.stdout).toBe("0\n");
  });

  testWithSubIds("maps sub-ids by newuidmap and newgidmap", async () => {
    const [uids, gids] = [subIds("/etc/subuid"), subIds("/etc/subgid")];
    const done = await starter.run([
      unshare(CLONE.user | CLONE.mount, {
        uidMap: `0 ${uid} 1\n1 ${uids.first} ${uids.count}\n`,
        gidMap: `0 ${gid} 1\n1 ${gids.first} ${gids.count}\n`,
        setgroups: 1,
        newuidmap: "/usr/bin/newuidmap",
        newgidmap: "/usr/bin/newgidmap",
      }),
      maps,
    ]);
    expect(done).toEqual({
      code: 0,
      stdout: ` 0 ${uid} 1\n 1 ${uids.first} ${uids.count}\n 0 ${gid} 1\n 1 ${gids.first} ${gids.count}\nallow\n`,
      stderr: "",
    });
  });

  testWithSubIds("tells what newuidmap said when it refuses", async () => {
    const op = unshare(CLONE.user, {
      uidMap: "0 1 65536",
      gidMap: `0 ${gid} 1`,
      setgroups: 1,
      newuidmap: "/usr/bin/newuidmap",
      newgidmap: "/usr/bin/newgidmap",
    });
    const faults = [
      { errno: 10, text: "the helper said: %o" },
      { errno: 0, text: "%e" },
    ];
    const done = await starter.run([{ op, faults }, exec("true")]);
    expect(done.stderr).toMatch(/^FATAL: {3}the helper said: newuidmap: .*\n$/);
    expect(done.code).toBe(255);
  });

  testInUserNamespace("fails with ENOENT when a helper is not there", async () => {
    const op = unshare(CLONE.user, {
      uidMap: `0 ${uid} 1`,
      gidMap: `0 ${gid} 1`,
      newuidmap: "/nosuch/newuidmap",
    });
    const done = await starter.run([op, exec("true")]);
    expect(done.stderr).toBe("FATAL:   unshare: no such file or directory\n");
  });

  testInUserNamespace("fails with EPERM for a map of ids that are not the caller's", async () => {
    const op = unshare(CLONE.user, { uidMap: "0 1 10", gidMap: `0 ${gid} 1` });
    const done = await starter.run([op, exec("true")]);
    expect(done.stderr).toBe("FATAL:   unshare: operation not permitted\n");
  });

  testInUserNamespace("nests: a namespace in a namespace", async () => {
    const again = unshare(CLONE.user | CLONE.mount, { uidMap: "7 0 1", gidMap: "8 0 1" });
    const done = await starter.run([rootNamespace(), again, script("id -u; id -g")]);
    expect(done).toEqual({ code: 0, stdout: "7\n8\n", stderr: "" });
  });
});

testInUserNamespace("hostname names the UTS namespace", async () => {
  const name = { kind: "hostname", name: "c-1.example.org" } as const;
  const done = await starter.run([userNamespace(CLONE.uts), name, exec("uname", "-n")]);
  expect(done.stdout).toBe("c-1.example.org\n");
});

testInUserNamespace("loopback brings the interface up", async () => {
  const flags = script("cat /sys/class/net/lo/flags");
  const isolated = userNamespace(CLONE.net);
  const sysfs = {
    kind: "mount",
    fstype: "sysfs",
    source: "sysfs",
    root: "",
    target: "/sys",
    flags: 0,
    data: "",
    optional: 0,
  } as const;
  expect((await starter.run([isolated, sysfs, flags])).stdout).toBe("0x8\n");
  const up = await starter.run([isolated, sysfs, { kind: "loopback" }, flags]);
  expect(up.stdout).toBe("0x9\n");
});

testInUserNamespace("join enters the namespaces of another process", async () => {
  const name = { kind: "hostname", name: "joined" } as const;
  const first = starter.start([
    rootNamespace(CLONE.uts | CLONE.ipc),
    name,
    script("echo ready; exec sleep 60"),
  ]);
  await first.stdout.getReader().read();
  const spaces = ["user", "uts", "mnt"].map((space) => `/proc/${first.pid}/ns/${space}`);
  const done = await starter.run([
    // Its own namespace among them is no obstacle.
    { kind: "join", paths: [...spaces, `/proc/${first.pid}/ns/net`] },
    script(`uname -n; id -u; readlink /proc/self/ns/user /proc/self/ns/mnt`),
  ]);
  const [host, id, ...links] = done.stdout.trim().split("\n");
  expect([host, id]).toEqual(["joined", "0"]);
  const own = Bun.spawnSync([
    "readlink",
    `/proc/${first.pid}/ns/user`,
    `/proc/${first.pid}/ns/mnt`,
  ]);
  expect(links).toEqual(own.stdout.toString().trim().split("\n"));
  first.kill("SIGKILL");
  await first.exited;
});

testInUserNamespace("join of what is not there fails with ENOENT", async () => {
  const done = await starter.run([{ kind: "join", paths: ["/proc/self/ns/nosuch"] }, exec("true")]);
  expect(done.stderr).toBe("FATAL:   join: no such file or directory\n");
});
