import { afterAll, beforeAll, describe, expect } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { BUSYBOX, giveTo, IMAGE_TREE, makeTree } from "../launch/image-tree.ts";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, run, skiff, start } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** Declares the tests of `oci …`, which hold for root and for ordinary users. */
export function lifecycleTests(as: "user" | "self", reason: string | undefined): void {
  // Before the directory goes.
  afterAll(async () => {
    if (lack === undefined) await oci("umount", bundle);
  });
  const dir = scratch(as);
  const lack = firstReason(
    reason,
    as === "user" ? noUserNamespaces() : undefined,
    existsSync(BUSYBOX) ? undefined : noTool("busybox"),
    ...["mksquashfs", "unsquashfs", "conmon", "runc"].map(noTool),
  );
  const bundle = `${dir}/bundle`;
  const options = { as, cwd: dir, extraEnv: { XDG_RUNTIME_DIR: dir } } as const;
  const oci = (...words: string[]): Promise<Finished> => skiff(["oci", ...words], options);
  let count = 0;
  const name = (): string => `skiff-test-${process.pid}-${++count}`;

  beforeAll(async () => {
    if (lack !== undefined) return;
    makeTree(`${dir}/img`, IMAGE_TREE);
    const user = ordinaryUser();
    if (isRoot && as === "user" && user !== undefined) giveTo(dir, user);
    await skiff(["build", "img.sif", "img"], options);
    const made = await oci("mount", "img.sif", bundle);
    if (made.code !== 0) throw new Error(made.stderr);
  });

  /** Has the bundle run a shell script, on a terminal or not. */
  function program(script: string, terminal = false): void {
    const spec = JSON.parse(readFileSync(`${bundle}/config.json`, "utf8"));
    spec.process = { ...spec.process, terminal, args: ["/bin/sh", "-c", script] };
    writeFileSync(`${bundle}/config.json`, JSON.stringify(spec));
  }

  async function status(id: string): Promise<string | undefined> {
    const { code, stdout } = await oci("state", id);
    return code === 0 ? JSON.parse(stdout).status : undefined;
  }

  async function until(id: string, wanted: string): Promise<void> {
    while ((await status(id)) !== wanted) await Bun.sleep(30);
  }

  describe(`oci, ${as === "user" ? "an ordinary user" : "root"}`, () => {
    testUnless(lack)("a container's life, with its exit status", async () => {
      program("trap 'exit 7' TERM; echo up; while :; do sleep 0.1; done");
      const id = name();
      expect((await oci("create", "-b", bundle, "--pid-file", "pid", id)).stderr).toBe("");
      expect(Number(readFileSync(`${dir}/pid`, "utf8"))).toBeGreaterThan(1);
      expect(await status(id)).toBe("created");
      expect((await oci("create", "-b", bundle, id)).stderr).toContain("already exists");
      expect((await oci("exec", id, "true")).stderr).toContain("is not running");
      expect((await oci("start", id)).code).toBe(0);
      expect((await oci("start", id)).stderr).toContain("must be created");
      const inside = await oci("exec", id, "sh", "-c", "id -u; echo err >&2; exit 5");
      expect([inside.code, inside.stdout, inside.stderr]).toEqual([5, "0\n", "err\n"]);
      expect((await oci("delete", id)).stderr).toContain("must be created or stopped");
      expect((await oci("kill", id)).code).toBe(0);
      await until(id, "stopped");
      const state = JSON.parse((await oci("state", id)).stdout);
      expect([state.exitCode, state.bundle, typeof state.createdAt]).toEqual([7, bundle, "number"]);
      expect((await oci("delete", id)).code).toBe(0);
      const gone = await oci("state", id);
      expect([gone.code, gone.stderr]).toEqual([
        255,
        `FATAL:   no container found with name ${id}\n`,
      ]);
    });

    testUnless(lack)("run gives streams and exit status, and leaves nothing", async () => {
      program("echo out; echo err >&2; exit 3");
      const id = name();
      const done = await oci("run", "-b", bundle, id);
      expect([done.code, done.stdout, done.stderr]).toEqual([3, "out\n", "err\n"]);
      expect(await status(id)).toBeUndefined();
      const logged = await oci("run", "-l", "log", "-b", bundle, id);
      expect([logged.code, logged.stdout, logged.stderr]).toEqual([3, "out\n", "err\n"]);
      expect(readFileSync(`${dir}/log`, "utf8")).toMatch(/^\S+ stdout F out\n/m);
      expect(await status(id)).toBeUndefined();
    });

    testUnless(lack)(
      "run makes the terminal that a bundle asks for and the caller lacks",
      async () => {
        program("[ -t 1 ] && echo terminal; exit 3", true);
        const id = name();
        const done = await oci("run", "-b", bundle, id);
        expect([done.code, done.stdout.trim(), done.stderr]).toEqual([3, "terminal", ""]);
        expect(await status(id)).toBeUndefined();
      },
    );

    testUnless(lack)("a bundle's program cannot make namespaces or mounts", async () => {
      program("unshare -U true; mount -t tmpfs t /mnt; grep Seccomp: /proc/self/status");
      const done = await oci("run", "-b", bundle, name());
      expect(done.stdout).toMatch(/^Seccomp:\s+2\n$/);
      expect(done.code).toBe(0);
    });

    testUnless(lack)("attach carries input and output", async () => {
      program("read line; echo got $line; exit 4");
      const id = name();
      await oci("create", "-b", bundle, id);
      await oci("start", id);
      const done = await skiff(["oci", "attach", id], { ...options, stdin: "hello\n" });
      expect([done.code, done.stdout]).toEqual([4, "got hello\n"]);
      await until(id, "stopped");
      expect((await oci("delete", id)).code).toBe(0);
    });

    testUnless(lack)(
      "a created container can be deleted, a running one be killed after a time",
      async () => {
        program("trap '' TERM; while :; do sleep 0.1; done");
        const id = name();
        await oci("create", "-b", bundle, id);
        expect((await oci("delete", id)).code).toBe(0);
        await oci("create", "-b", bundle, id);
        await oci("start", id);
        await Bun.sleep(200);
        expect((await oci("kill", "-t", "1", id)).code).toBe(0);
        await until(id, "stopped");
        expect(JSON.parse((await oci("state", id)).stdout).exitCode).toBe(137);
        await oci("delete", id);
      },
    );

    testUnless(lack)("killed at any moment while creating, the name is free again", async () => {
      program("sleep 60");
      const id = name();
      for (let i = 0; i < 6; i++) {
        const child = start([skiffPath, "oci", "create", "-b", bundle, id], options);
        await Bun.sleep(30 + Math.random() * 150);
        child.kill("SIGKILL");
        await child.exited;
        // What it had begun may still come to its end.
        await Bun.sleep(300);
        if ((await status(id)) !== undefined) expect((await oci("delete", id)).code).toBe(0);
        expect(await status(id)).toBeUndefined();
      }
      const left = await run(["pgrep", "-f", id], { as: "self" });
      expect(left.stdout).toBe("");
    });

    const refusals: readonly (readonly [readonly string[], number, string])[] = [
      [["state", "nope"], 255, "no container found with name nope"],
      [["create", "-b", "/nowhere", "x"], 255, "no readable /nowhere/config.json"],
      [["create", "x"], 1, 'required flag(s) "bundle" not set'],
      [["start", "../x"], 255, 'Cannot use "../x" as a container\'s name'],
      [["mount", "/nowhere.sif", "b"], 255, "failed to load SIF image /nowhere.sif"],
      [["umount", "/nowhere"], 255, "failed to unmount /nowhere/rootfs"],
    ];
    for (const [words, code, says] of refusals) {
      testUnless(lack)(`refuses ${words.join(" ")}`, async () => {
        const done = await oci(...words);
        expect([done.code, done.stderr]).toEqual([code, expect.stringContaining(says)]);
      });
    }

    if (as === "user") return;
    testUnless(lack)("pause, resume and update", async () => {
      program("while :; do sleep 0.1; done");
      const id = name();
      await oci("create", "-b", bundle, id);
      await oci("start", id);
      expect((await oci("pause", id)).code).toBe(0);
      expect(await status(id)).toBe("paused");
      expect((await oci("pause", id)).stderr).toContain("is not running");
      expect((await oci("resume", id)).code).toBe(0);
      expect((await oci("resume", id)).stderr).toContain("is not paused");
      const limits = { ...options, stdin: '{"pids":{"limit":17}}' };
      expect((await skiff(["oci", "update", "-f", "-", id], limits)).code).toBe(0);
      await oci("kill", "-f", id);
      await until(id, "stopped");
      await oci("delete", id);
    });
  });
}
