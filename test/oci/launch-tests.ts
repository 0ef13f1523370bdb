import { beforeAll, describe, expect } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { BUSYBOX, giveTo, IMAGE_TREE, makeTree } from "../launch/image-tree.ts";
import { noFuse, noSubIds, noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, run, skiff, start } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** Declares the tests of `--oci`, which hold for root and for ordinary users. */
export function ociLaunchTests(as: "user" | "self", reason: string | undefined): void {
  const dir = scratch(as);
  const lack = firstReason(
    reason,
    ...(as === "user" ? [noUserNamespaces(), noFuse(), noSubIds()] : []),
    existsSync(BUSYBOX) ? undefined : noTool("busybox"),
    ...["mksquashfs", "squashfuse_ll", "runc", "newuidmap"].map(noTool),
  );
  const options = { as, cwd: dir } as const;
  const user = ordinaryUser();
  const uid = as === "self" ? 0 : (user?.uid ?? -1);
  const script = "#!/bin/sh\necho ran $1; exit 3\n";

  beforeAll(async () => {
    if (lack !== undefined) return;
    makeTree(`${dir}/img`, { ...IMAGE_TREE, "/.singularity.d/runscript": { program: script } });
    writeFileSync(`${dir}/data`, "bound\n");
    if (isRoot && as === "user" && user !== undefined) giveTo(dir, user);
    await skiff(["build", "img.sif", "img"], options);
  });

  const exec = (flags: readonly string[], ...words: string[]): Promise<Finished> =>
    skiff(["exec", "--oci", ...flags, "img.sif", ...words], options);

  describe(`--oci, ${as === "user" ? "an ordinary user" : "root"}`, () => {
    testUnless(lack)("exec and run give streams and exit status", async () => {
      const done = await exec([], "sh", "-c", "id -u; echo err >&2; exit 6");
      expect([done.code, done.stdout, done.stderr]).toEqual([6, `${uid}\n`, "err\n"]);
      const ran = await skiff(["run", "--oci", "img.sif", "it"], options);
      expect([ran.code, ran.stdout], ran.stderr).toEqual([3, "ran it\n"]);
      const read = await skiff(["exec", "--oci", "img.sif", "cat"], { ...options, stdin: "in\n" });
      expect(read.stdout).toBe("in\n");
    });

    testUnless(lack)("is isolated, with a writable root that is forgotten", async () => {
      const look = "touch /new $HOME/new && echo written; test -e data || echo private; echo $E2";
      const done = await exec([], "sh", "-c", look);
      expect([done.code, done.stdout], done.stderr).toEqual([0, "written\nprivate\nimage-two\n"]);
    });

    testUnless(lack)("--no-compat shows what a native launch shows", async () => {
      const done = await exec(
        ["--no-compat"],
        "sh",
        "-c",
        "cat data; touch /new || echo read-only",
      );
      expect([done.code, done.stdout]).toEqual([0, "bound\nread-only\n"]);
    });

    testUnless(lack)("binds, scratch directories, variables and working directory", async () => {
      const flags = [
        "-B",
        `${dir}/data:/opt/d:ro`,
        "--scratch",
        "/s",
        "--env",
        "V=w",
        "--cwd",
        "/opt",
      ];
      const done = await exec(
        flags,
        "sh",
        "-c",
        "cat d; touch /s/x && echo $V; touch /opt/d || echo ro",
      );
      expect([done.code, done.stdout], done.stderr).toEqual([0, "bound\nw\nro\n"]);
    });

    testUnless(lack)("--fakeroot and --net --network none", async () => {
      expect((await exec(["--fakeroot"], "id", "-u")).stdout).toBe("0\n");
      const net = await exec(["--net", "--network", "none"], "grep", "-c", ":", "/proc/net/dev");
      expect(net.stdout).toBe("1\n");
    });

    testUnless(lack)("passes signals on, and SIGKILL leaves no process", async () => {
      const loop = 'trap "exit 9" TERM; echo up; while :; do sleep 0.05; done';
      const words = ["exec", "--oci", "img.sif", "sh", "-c", loop];
      const child = start([skiffPath, ...words], options);
      await child.stdout.getReader().read();
      child.kill("SIGTERM");
      expect(await child.exited).toBe(9);
      const mark = `7${process.pid}`;
      for (let i = 0; i < 8; i++) {
        const killed = start([skiffPath, "exec", "--oci", "img.sif", "sleep", mark], options);
        await Bun.sleep(30 + Math.random() * 250);
        killed.kill("SIGKILL");
        await killed.exited;
      }
      let left = "?";
      for (let tries = 0; left !== "" && tries < 60; tries++) {
        await Bun.sleep(50);
        left = (await run(["pgrep", "-f", `sleep ${mark}|squashfuse.*${dir}`], { as: "self" }))
          .stdout;
      }
      expect(left).toBe("");
    });

    testUnless(lack)("--security seccomp filters system calls", async () => {
      const rule = { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 38 };
      const profile = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] };
      writeFileSync(`${dir}/profile.json`, JSON.stringify(profile), { mode: 0o644 });
      const done = await exec(
        ["--security", `seccomp:${dir}/profile.json`],
        ...["sh", "-c", "grep Seccomp: /proc/self/status; mkdir /x"],
      );
      expect(done.stdout).toMatch(/^Seccomp:\s+2\n/);
      expect(done.stderr).toContain("Function not implemented");
    });

    testUnless(lack)("explain prints the configuration", async () => {
      const words = ["explain", "exec", "--oci", "-B", `${dir}/data:/opt/d`, "img.sif", "ls"];
      const { code, stdout, stderr } = await skiff(words, options);
      expect(code, stderr).toBe(0);
      const spec = JSON.parse(stdout);
      expect(spec.process.args).toEqual(["ls"]);
      expect(spec.mounts.map((m: { destination: string }) => m.destination)).toContain("/opt/d");
    });

    if (as === "self") {
      testUnless(lack)("--pids-limit limits", async () => {
        const script = "for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait";
        const done = await exec(["--pids-limit", "6"], "sh", "-c", script);
        expect(done.stderr).toContain("Resource temporarily unavailable");
      });
    }

    const refusals: readonly (readonly [readonly string[], string])[] = [
      [
        ["--fusemount", "host:squashfuse_ll x /mnt"],
        "--fusemount cannot be given to an OCI runtime",
      ],
    ];
    for (const [flags, says] of refusals) {
      testUnless(lack)(`refuses ${flags[0]}`, async () => {
        const done = await exec(flags, "true");
        expect(done.code).toBe(255);
        expect(done.stderr).toContain(says);
      });
    }
  });
}
