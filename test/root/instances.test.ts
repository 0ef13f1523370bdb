import { beforeAll, describe, expect } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { until } from "../instances/instance-lab.ts";
import { BUSYBOX, giveTo, IMAGE_TREE, makeTree } from "../launch/image-tree.ts";
import { noTool, notRoot } from "../support/host-lacks.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** Instances of root, and what root does with those of others. */
const dir = scratch("self");
const lack = firstReason(notRoot(), existsSync(BUSYBOX) ? undefined : noTool("busybox"));
const user = ordinaryUser();
const env = { SKIFF_CONFIGDIR: `${dir}/config`, SKIFF_CACHEDIR: `${dir}/cache` };

beforeAll(() => {
  if (lack !== undefined) return;
  makeTree(`${dir}/img`, {
    ...IMAGE_TREE,
    "/.singularity.d/startscript": { program: "#!/bin/sh\nexec sleep 1000\n" },
    "/sbin/init": { program: "#!/bin/sh\necho process $$\nexec sleep 1000\n" },
  });
});

const root = (...words: string[]): Promise<Finished> =>
  run([skiffPath, ...words], { as: "self", cwd: dir, extraEnv: env });

async function lines(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await root(...words);
  expect(code, stderr).toBe(0);
  return stdout;
}

describe("root", () => {
  testUnless(lack)("starts and enters instances without a user namespace", async () => {
    await lines("instance", "start", "img", "plain");
    const script = "readlink /proc/self/ns/user; id -u; cat /proc/1/comm";
    const own = Bun.spawnSync(["readlink", "/proc/self/ns/user"]).stdout.toString();
    expect(await lines("exec", "instance://plain", "sh", "-c", script)).toBe(`${own}0\nappinit\n`);
    await lines("instance", "stop", "-F", "plain");
  });

  testUnless(lack)("enters one as whom it was started for", async () => {
    await lines(
      "instance",
      "start",
      "--security",
      `uid:${user?.uid},gid:${user?.gid}`,
      "img",
      "as",
    );
    expect(await lines("exec", "instance://as", "id", "-u")).toBe(`${user?.uid}\n`);
    await lines("instance", "stop", "-F", "as");
  });

  testUnless(lack)(
    "--boot runs the image's init as process 1, under the instance's name",
    async () => {
      await lines("instance", "start", "--boot", "--network", "none", "img", "booted");
      expect(await lines("exec", "instance://booted", "hostname")).toBe("booted\n");
      expect(await lines("exec", "instance://booted", "cat", "/proc/1/comm")).toBe("sleep\n");
      const [one] = JSON.parse(await lines("instance", "list", "--json")).instances;
      expect(
        await until(async () => (await Bun.file(one.logOutPath).text()) === "process 1\n"),
      ).toBe(true);
      await lines("instance", "stop", "-F", "booted");
    },
  );

  testUnless(lack)(
    "lists and stops those of a user, and is not led to processes that are not theirs",
    async () => {
      const home = user?.home ?? "";
      const name = `theirs-${process.pid}`;
      const started = await skiff(["instance", "start", `${dir}/img`, name], { cwd: "/" });
      expect(started.stderr).toContain("instance started successfully");
      expect(started.code).toBe(0);
      const who = user?.name ?? "";
      const listed = JSON.parse(await lines("instance", "list", "--user", who, "--json", name));
      expect(listed.instances).toHaveLength(1);
      // The user forges a record that names a process of root.
      const victim = Bun.spawn(["sleep", "60"]);
      const place = `${home}/.skiff/instances/run/${(await run(["hostname"])).stdout.trim()}/${user?.uid}`;
      const stat = await Bun.file(`/proc/${victim.pid}/stat`).text();
      const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
      const text = await Bun.file(`${place}/${name}.json`).text();
      const forged = `${place}/forged-${process.pid}.json`;
      const body = text.slice(text.indexOf("\n") + 1).replaceAll(name, `forged-${process.pid}`);
      writeFileSync(forged, `${victim.pid} ${ticks}\n${body}`, { mode: 0o600 });
      if (user !== undefined) giveTo(forged, user);
      const stopped = await root("instance", "stop", "--user", who, "-F", `*-${process.pid}`);
      expect(stopped.stderr).toContain(`Stopping ${name} instance`);
      expect(stopped.stderr).not.toContain("forged");
      expect(victim.exitCode).toBe(null);
      victim.kill();
      await run(["rm", "-f", forged], { as: "self" });
      const none = await root("instance", "list", "--user", "no-such-user");
      expect(none.stderr).toContain("no such user");
    },
  );
});
