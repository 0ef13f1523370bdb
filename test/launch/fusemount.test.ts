import { beforeAll, describe, expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { noFuse, noTool } from "../support/host-lacks.ts";
import { run, skiff, start } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";
import { makeTree } from "./image-tree.ts";
import { launchLab } from "./launch-lab.ts";

/** `--fusemount`: file systems that the user's own programs serve. */
const { dir, lack: noLaunch } = launchLab((lab) => {
  const empty = { mode: 0o755 };
  makeTree(`${lab}/img`, { "/mnt": empty, "/lib": empty, "/lib64": empty });
  makeTree(`${lab}/files`, { "/f": "served\n" });
});
const lack = firstReason(noLaunch, noFuse(), noTool("squashfuse_ll"));
const files = `${dir}/files.sqfs`;
const host = `host:squashfuse_ll ${files}`;
// The image has no such program: the host's comes in with its libraries.
const carried = ["/usr", "/lib", "/lib64"].flatMap((path) => ["-B", `${path}:${path}`]);
const inside = `container:/usr/bin/squashfuse_ll ${files}`;

beforeAll(async () => {
  if (lack !== undefined) return;
  await run(["mksquashfs", "files", "files.sqfs", "-quiet", "-no-progress"], { cwd: dir });
});

describe("--fusemount", () => {
  const rows: readonly (readonly [string, readonly string[], string])[] = [
    ["a program of the host", ["--fusemount", `${host} /mnt`, "img.sqfs"], "/mnt/f"],
    ["on a place that the image lacks", ["--fusemount", `${host} /new`, "img.sqfs"], "/new/f"],
    [
      "a program of the host that goes to the background",
      ["--fusemount", `host-daemon:squashfuse_ll ${files} /mnt`, "img.sqfs"],
      "/mnt/f",
    ],
    [
      "a program of the host that makes itself a daemon after it has opened its file",
      ["--fusemount", `host-daemon:squashfuse ${files} /mnt`, "img.sqfs"],
      "/mnt/f",
    ],
    ["with a private /dev", ["-C", "--fusemount", `${host} /mnt`, "img.sqfs"], "/mnt/f"],
    ["a program in the container", ["--fusemount", `${inside} /mnt`, ...carried, "img"], "/mnt/f"],
    [
      "a program in the container with a private /dev",
      ["-C", "-B", files, "--fusemount", `${inside} /mnt`, ...carried, "img"],
      "/mnt/f",
    ],
    [
      "in a directory of the session",
      ["--scratch", "/s", "--fusemount", `${host} /s/m`, "img"],
      "/s/m/f",
    ],
  ];
  for (const [name, words, file] of rows) {
    testUnless(lack)(name, async () => {
      const done = await skiff(["exec", ...words, "cat", file], { cwd: dir });
      expect([done.code, done.stdout], done.stderr).toEqual([0, "served\n"]);
    });
  }

  testUnless(lack)("is in a PID namespace, nosuid and nodev", async () => {
    const look =
      "grep ' /mnt ' /proc/self/mountinfo; [ -e /proc/1/root ] && readlink /proc/self/ns/pid";
    const done = await skiff(["exec", "--fusemount", `${host} /mnt`, "img", "sh", "-c", look], {
      cwd: dir,
    });
    const own = await run(["readlink", "/proc/self/ns/pid"]);
    expect(done.stdout).toMatch(/ \/mnt rw,nosuid,nodev/);
    expect(done.stdout).not.toContain(own.stdout);
  });

  const refusals: readonly (readonly [string, string])[] = [
    ["bad:x /mnt", "unknown prefix bad"],
    ["host:squashfuse_ll", "no whitespace separators found"],
    ["host:nosuch x /mnt", '"nosuch": executable file not found in $PATH'],
    ["container:nosuch x /mnt", '"nosuch": executable file not found in $PATH'],
    ["host:squashfuse_ll x mnt", "destination must be an absolute path"],
  ];
  for (const [text, says] of refusals) {
    testUnless(lack)(`refuses ${text}`, async () => {
      const done = await skiff(["exec", "--fusemount", text, "img", "true"], { cwd: dir });
      expect([done.code, done.stderr]).toEqual([255, expect.stringContaining(says)]);
    });
  }

  testUnless(lack)("the configuration can forbid it", async () => {
    writeFileSync(`${dir}/no.conf`, "enable fusemount = no\n");
    const words = ["-c", "no.conf", "exec", "--fusemount", `${host} /mnt`, "img", "true"];
    const done = await skiff(words, { cwd: dir });
    expect([done.code, done.stderr]).toEqual([
      255,
      expect.stringContaining("enable fusemount = no"),
    ]);
  });

  testUnless(lack)("nothing stays when the launch is killed", async () => {
    for (let i = 0; i < 10; i++) {
      const words = ["exec", "--fusemount", i % 2 === 0 ? `${host} /mnt` : `${inside} /mnt`];
      const child = start([skiffPath, ...words, ...carried, "img", "sleep", "60"], { cwd: dir });
      await Bun.sleep(Math.random() * 60);
      child.kill("SIGKILL");
      await child.exited;
    }
    let left = "?";
    for (let tries = 0; left !== "" && tries < 50; tries++) {
      await Bun.sleep(50);
      left = (await run(["pgrep", "-f", files], { as: "self" })).stdout;
    }
    expect(left).toBe("");
  });
});
