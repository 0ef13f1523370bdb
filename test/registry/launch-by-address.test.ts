import { describe, expect } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { start } from "../support/run.ts";
import { skiffPath } from "../support/tree.ts";
import { pullLab } from "./pull-lab.ts";

/** Programs in images that are named by their address. */
const lab = pullLab();
const { testIt, newHome, call, address, requestsOf } = lab;

describe("exec, run and shell", () => {
  testIt("start an image by its address, from the cache with one request", async () => {
    const home = newHome();
    const first = await call(home, ["exec", address("tools/sample:1"), "cat", "/etc/word"]);
    expect(first).toMatchObject({ code: 0, stdout: "above\n" });
    const requests = await requestsOf(async () => {
      const second = await call(home, ["run", address("tools/sample:1"), "x"]);
      expect(second).toMatchObject({ code: 0, stdout: "entry point x\n" });
    });
    expect(requests).toEqual(["HEAD /v2/tools/sample/manifests/1"]);
    const offline = await requestsOf(async () => {
      const third = await call(home, ["exec", "--offline", address("tools/sample:1"), "true"]);
      expect(third.code).toBe(0);
    });
    expect(offline).toEqual([]);
  });

  testIt(
    "leave the program no connection or file of the fetching, and all of the caller's",
    async () => {
      const home = newHome();
      const words = ["exec", address("tools/sample:1"), "ls", "/proc/self/fd"];
      for (const flags of [[], ["--disable-cache"]]) {
        const line = `exec 9</dev/null; exec "$0" ${[words[0], ...flags, ...words.slice(1)].join(" ")}`;
        const child = start(["sh", "-c", line, skiffPath], {
          cwd: home,
          extraEnv: { HOME: home },
        });
        const [stdout, code] = await Promise.all([child.stdout.text(), child.exited]);
        expect(code).toBe(0);
        // The last one is of the listing itself.
        const found = stdout
          .trim()
          .split("\n")
          .map(Number)
          .sort((a, b) => a - b);
        expect(found.filter((fd) => fd > 3)).toEqual([9]);
      }
    },
  );

  testIt("without a cache leave nothing when the program has ended", async () => {
    const home = newHome();
    mkdirSync(`${home}/tmp`, { mode: 0o777 });
    chmodSync(`${home}/tmp`, 0o777);
    const words = ["exec", "--disable-cache", "--tmpdir", "tmp", address("tools/sample:1")];
    expect((await call(home, [...words, "cat", "/etc/word"])).stdout).toBe("above\n");
    expect((await call(home, [...words, "nosuch-program"])).code).toBe(255);
    expect((await call(home, ["exec", "--cwd", "/nosuch", ...words.slice(1), "true"])).code).toBe(
      255,
    );
    // It is gone before the status is known.
    expect(readdirSync(`${home}/tmp`)).toEqual([]);
  });

  testIt("without a cache leave nothing when the instance is stopped", async () => {
    const home = newHome();
    mkdirSync(`${home}/tmp`);
    chmodSync(`${home}/tmp`, 0o777);
    const words = ["--disable-cache", "--tmpdir", "tmp", address("tools/sample:1"), "uncached"];
    const started = await call(home, ["instance", "start", ...words]);
    expect(started.code, started.stderr).toBe(0);
    expect(readdirSync(`${home}/tmp`)).toHaveLength(1);
    await call(home, ["instance", "stop", "uncached"]);
    for (let i = 0; i < 100 && readdirSync(`${home}/tmp`).length > 0; i++) await Bun.sleep(50);
    expect(readdirSync(`${home}/tmp`)).toEqual([]);
  });

  testIt("leave ignored what the caller ignores", async () => {
    const home = newHome();
    await call(home, ["pull", "local.sif", address("tools/sample:1")]);
    const ignored = async (image: string): Promise<string> => {
      const line = `trap "" HUP INT; exec "$0" exec ${image} sed -n /^SigIgn/p /proc/self/status`;
      const options = { cwd: home, extraEnv: { HOME: home } };
      return await start(["sh", "-c", line, skiffPath], options).stdout.text();
    };
    const local = await ignored("local.sif");
    expect(Number.parseInt(local.replace("SigIgn:", "").trim(), 16) & 3).toBe(3);
    expect(await ignored(address("tools/sample:1"))).toBe(local);
  });

  testIt("take a file of such a name for what it is", async () => {
    const home = newHome();
    await call(home, ["pull", "x.sif", address("tools/sample:1")]);
    const name = "docker:odd";
    writeFileSync(`${home}/${name}`, readFileSync(`${home}/x.sif`), { mode: 0o755 });
    const ran = await call(home, ["exec", name, "cat", "/etc/word"]);
    expect(ran).toMatchObject({ code: 0, stdout: "above\n" });
  });

  testIt("pass on the status of the program, also without a cache", async () => {
    const home = newHome();
    const failed = await call(home, [
      ...["exec", "--disable-cache", address("tools/sample:1"), "sh", "-c", "exit 7"],
    ]);
    expect(failed.code).toBe(7);
  });
});
