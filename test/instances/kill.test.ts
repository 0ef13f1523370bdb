import { describe, expect } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { testUnless } from "../support/skip.ts";
import {
  filesBelow,
  instanceLab,
  leftRunning,
  noInstances,
  SERVER_TREE,
  until,
} from "./instance-lab.ts";

/** SIGKILL at random moments of whatever belongs to an instance: nothing is left, and the name is free. */
const lab = instanceLab(SERVER_TREE);
const testInstance = testUnless(noInstances);

/** Process 1, the script and its children, joined programs, and the file server. */
function processes(init: number): number[] {
  const space = (pid: number): string => {
    try {
      return readlinkSync(`/proc/${pid}/ns/pid`);
    } catch {
      return "";
    }
  };
  const servers = leftRunning(lab.dir).map((text) => Number(/^process (\d+):/.exec(text)?.[1]));
  const inside = readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && space(pid) === space(init));
  return [...servers, ...inside].filter((pid) => pid > 0);
}

function readName(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8");
  } catch {
    return "";
  }
}

function killOne(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

async function startAgain(name: string, ...words: string[]): Promise<void> {
  const again = await lab.skiff(["instance", "start", ...words, "img.sqfs", name]);
  expect(again.stderr).toContain("INFO:    instance started successfully\n");
  expect(again.code).toBe(0);
  const ran = await lab.skiff(["exec", `instance://${name}`, "echo", "alive"]);
  expect(ran).toMatchObject({ code: 0, stdout: "alive\n" });
}

async function nothingLeft(): Promise<void> {
  await lab.skiff(["instance", "stop", "--all", "--force"]);
  await lab.list();
  expect(await until(() => leftRunning(lab.dir).length === 0)).toBe(true);
  expect(leftRunning(lab.dir)).toEqual([]);
  const records = filesBelow(`${lab.dir}/config`).filter((path) => !/\.(out|err)$/.test(path));
  expect(records.filter((path) => !path.includes("/cache/"))).toEqual([]);
  expect(readdirSync(`${lab.dir}/tmp`)).toEqual([]);
}

describe("SIGKILL at a random moment", () => {
  const KINDS: Readonly<Record<string, readonly string[]>> = {
    plain: [],
    contained: ["--containall", "--writable-tmpfs"],
  };
  for (const [kind, words] of Object.entries(KINDS)) {
    testInstance(
      `of the starting command, ${kind}: 30 times, and the name starts again`,
      async () => {
        for (let i = 0; i < 30; i++) {
          const child = lab.begin(["instance", "start", ...words, "img.sqfs", "one"]);
          await Bun.sleep(Math.random() * 45);
          child.kill("SIGKILL");
          await child.exited;
          // Whatever came of it: it runs, or it is as if it had never been asked for.
          const listed = await lab.list();
          if (listed.length === 0) await startAgain("one", ...words);
          else expect((await lab.skiff(["exec", "instance://one", "true"])).code).toBe(0);
          await lab.skiff(["instance", "stop", "--force", "one"]);
        }
        await nothingLeft();
      },
      60_000,
    );
  }

  testInstance(
    "of anything that belongs to a running one: 15 times, and the name starts again",
    async () => {
      const names = new Set<string>();
      for (let i = 0; i < 15; i++) {
        await startAgain("any");
        const joined = lab.begin(["exec", "instance://any", "sleep", "20"]);
        const stopping = i % 3 === 0 ? lab.begin(["instance", "stop", "any"]) : undefined;
        await Bun.sleep(Math.random() * 60);
        const [one] = await lab.list("any");
        const there = processes(one?.pid ?? -1);
        const victim = there[Math.floor(Math.random() * there.length)];
        if (victim !== undefined) {
          names.add(readName(victim).trim());
          killOne(victim);
        }
        if (i % 2 === 0) joined.kill("SIGKILL");
        stopping?.kill("SIGKILL");
        await stopping?.exited;
        await lab.skiff(["instance", "stop", "--force", "any"]);
        joined.kill("SIGKILL");
        await joined.exited;
        expect(await lab.list()).toEqual([]);
      }
      expect(names.size).toBeGreaterThan(2);
      await nothingLeft();
    },
    60_000,
  );

  testInstance("of process 1 is told by the next start", async () => {
    await startAgain("told");
    const [one] = await lab.list();
    killOne(one?.pid ?? -1);
    await until(() => readName(one?.pid ?? -1) !== "appinit\n");
    const entered = await lab.skiff(["exec", "instance://told", "true"]);
    expect(entered.code).toBe(255);
    expect(entered.stderr).toContain(`its process ${one?.pid} has ended and its record is stale`);
    const again = await lab.skiff(["instance", "start", "img.sqfs", "told"]);
    expect(again.stderr).toContain(
      `INFO:    Replacing the record of the instance told: its process ${one?.pid} has ended without being stopped\n`,
    );
    expect(again.code).toBe(0);
    await nothingLeft();
  });
});
