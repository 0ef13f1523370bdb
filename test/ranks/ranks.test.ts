import { beforeAll, describe, expect } from "bun:test";
import { copyFileSync, mkdirSync, readdirSync, statSync } from "node:fs";
import {
  instanceLab,
  knownLaunches,
  leftRunning,
  makeImages,
  noInstances,
  until,
} from "../instances/instance-lab.ts";
import { giveTo } from "../launch/image-tree.ts";
import { noTool } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, run, start } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath, treeRoot } from "../support/tree.ts";

/** Many processes of one job step on one node: one container. */
const lab = instanceLab();
const testRanks = testUnless(noInstances);

beforeAll(async () => {
  if (noInstances !== undefined) return;
  await makeImages(lab);
  copyFileSync(`${lab.dir}/img.sqfs`, `${lab.dir}/other.sqfs`);
  const user = ordinaryUser();
  if (isRoot && user !== undefined) giveTo(`${lab.dir}/other.sqfs`, user);
});

let steps = 0;

/** The environment of a rank under Slurm; each call of `newStep` is another step. */
function newStep(): Record<string, string> {
  steps += 1;
  return { SLURM_JOB_ID: String(process.pid), SLURM_STEP_ID: String(steps) };
}

function rank(
  step: Readonly<Record<string, string>>,
  words: readonly string[],
  id = 0,
): ReturnType<typeof start> {
  return start([skiffPath, "exec", ...words], {
    cwd: lab.dir,
    extraEnv: { ...lab.env, ...step, SLURM_PROCID: String(id) },
  });
}

async function finish(child: ReturnType<typeof start>): Promise<Finished> {
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, stdout, stderr };
}

const SPACES = "readlink /proc/self/ns/user; readlink /proc/self/ns/mnt";

const servers = (): number =>
  leftRunning(lab.dir).filter((text) => text.includes("squashfuse")).length;

/** Runs `count` ranks at the same time; they stay until all of them are inside. */
async function together(
  count: number,
  step: (id: number) => Readonly<Record<string, string>>,
  words: readonly string[],
): Promise<{ readonly spaces: ReadonlySet<string>; readonly servers: number }> {
  const meeting = `${lab.dir}/tmp/meet${steps}-${Math.random()}`;
  mkdirSync(meeting);
  if (isRoot) giveTo(meeting, statSync(lab.dir));
  const script = `${SPACES}; : >${meeting}/$SLURM_PROCID; while [ ! -e ${meeting}/go ]; do sleep 0.05; done`;
  const children = Array.from({ length: count }, (_, id) =>
    rank(step(id), [...words, "sh", "-c", script], id),
  );
  const ended = Promise.all(children.map(finish));
  await until(() => readdirSync(meeting).length === count);
  const served = servers();
  await run(["touch", `${meeting}/go`]);
  const all = await ended;
  for (const { code, stderr } of all) expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return { spaces: new Set(all.map(({ stdout }) => stdout)), servers: served };
}

async function nothingLeft(): Promise<void> {
  expect(await until(() => leftRunning(lab.dir).length === 0)).toBe(true);
}

describe("the ranks of a job step", () => {
  testRanks(
    "are in one container with one file server, also when 64 start at once",
    async () => {
      for (let round = 0; round < 2; round++) {
        const step = newStep();
        const seen = await together(64, () => step, ["img.sqfs"]);
        expect(seen.spaces.size).toBe(1);
        expect(seen.servers).toBe(1);
      }
      await nothingLeft();
    },
    60_000,
  );

  testRanks("are apart from another step, another image and another plan", async () => {
    const steps = [newStep(), newStep()];
    const two = await together(6, (id) => steps[id % 2] ?? {}, ["img.sqfs"]);
    expect(two.spaces.size).toBe(2);
    const step = newStep();
    const [one, image, binds] = await Promise.all(
      [["img.sqfs"], ["other.sqfs"], ["-B", "/tmp:/mnt/x", "img.sqfs"]].map((words) =>
        finish(rank(step, [...words, "sh", "-c", `${SPACES}; sleep 1`])),
      ),
    );
    expect(new Set([one?.stdout, image?.stdout, binds?.stdout]).size).toBe(3);
    await nothingLeft();
  });

  testRanks("have their own words, directory, variables and status", async () => {
    const step = newStep();
    const all = await Promise.all(
      Array.from({ length: 8 }, (_, id) =>
        finish(
          rank(
            step,
            ["--env", `OWN=${id}`, "img.sqfs", "sh", "-c", `echo $OWN $SLURM_PROCID; exit ${id}`],
            id,
          ),
        ),
      ),
    );
    expect(all.map(({ stdout, code }) => ({ stdout, code }))).toEqual(
      Array.from({ length: 8 }, (_, id) => ({ stdout: `${id} ${id}\n`, code: id })),
    );
  });

  testRanks(
    "share when their launch is known and starts without being planned",
    async () => {
      const words = ["img.sqfs", "sh", "-c", `${SPACES}; sleep 0.3`];
      const before = knownLaunches(lab);
      // Records of what changed a moment ago are not kept.
      await Bun.sleep(2100);
      for (let i = 0; i < 3; i++) await finish(rank(newStep(), words));
      expect(knownLaunches(lab)).toBeGreaterThan(before);
      for (let i = 0; i < 2; i++) {
        const step = newStep();
        const all = await Promise.all([0, 1, 2, 3].map((id) => finish(rank(step, words, id))));
        expect(new Set(all.map(({ stdout }) => stdout)).size).toBe(1);
      }
      const apart = await Promise.all([0, 1].map(() => finish(rank({}, words))));
      expect(new Set(apart.map(({ stdout }) => stdout)).size).toBe(2);
    },
    20_000,
  );

  testRanks(
    "share with a clean environment, too, and do not see the step's variables",
    async () => {
      const step = newStep();
      const script = `env | grep -c SLURM; ${SPACES}; sleep 1`;
      const all = await Promise.all(
        [0, 1, 2].map((id) =>
          finish(rank(step, ["--cleanenv", "img.sqfs", "sh", "-c", script], id)),
        ),
      );
      expect(new Set(all.map(({ stdout }) => stdout)).size).toBe(1);
      expect(all[0]?.stdout).toStartWith("0\n");
    },
  );

  for (const [name, variables] of Object.entries({
    PMIx: { PMIX_NAMESPACE: "prterun-node-1@1", PMIX_RANK: "0" },
    PMI: { PMI_RANK: "0", PMI_SIZE: "4" },
  })) {
    testRanks(`are known by ${name}`, async () => {
      const all = await Promise.all(
        [0, 1, 2].map((id) =>
          finish(rank(variables, ["img.sqfs", "sh", "-c", `${SPACES}; sleep 1`], id)),
        ),
      );
      expect(new Set(all.map(({ stdout }) => stdout)).size).toBe(1);
    });
  }

  testRanks("are apart when told so, in a PID namespace, and without a launcher", async () => {
    const step = newStep();
    for (const [words, variables] of [
      [["--share-ranks=false", "img.sqfs"], step],
      [["--pid", "img.sqfs"], step],
      [["--writable-tmpfs", "img.sqfs"], step],
      [["img.sqfs"], {}],
    ] as const) {
      const all = await Promise.all(
        [0, 1].map((id) =>
          finish(rank(variables, [...words, "sh", "-c", `${SPACES}; sleep 0.5`], id)),
        ),
      );
      expect(new Set(all.map(({ stdout }) => stdout)).size).toBe(2);
    }
    const forced = await Promise.all(
      [0, 1].map((id) =>
        finish(rank({}, ["--share-ranks", "img.sqfs", "sh", "-c", `${SPACES}; sleep 0.5`], id)),
      ),
    );
    expect(new Set(forced.map(({ stdout }) => stdout)).size).toBe(1);
  });

  testRanks("have a container until the last of them ends", async () => {
    const step = newStep();
    const first = rank(step, ["img.sqfs", "sleep", "0.6"]);
    await until(() => servers() === 1);
    const later = rank(step, ["img.sqfs", "sh", "-c", "sleep 1; cat /bin/mounts | wc -l"], 1);
    await finish(first);
    // The first is gone; the one that is still there is found.
    const third = rank(step, ["img.sqfs", "sh", "-c", SPACES], 2);
    expect((await finish(third)).code).toBe(0);
    expect(servers()).toBe(1);
    expect((await finish(later)).code).toBe(0);
    await nothingLeft();
  });

  testRanks(
    "do not depend on the first: killed at a random moment, the others go on",
    async () => {
      for (let round = 0; round < 20; round++) {
        const step = newStep();
        const script = "cat /bin/mounts >/dev/null; sleep 0.05; echo done";
        const children = Array.from({ length: 8 }, (_, id) =>
          rank(step, ["img.sqfs", "sh", "-c", script], id),
        );
        await Bun.sleep(Math.random() * 60);
        const victim = Math.floor(Math.random() * children.length);
        children[victim]?.kill("SIGKILL");
        const all = await Promise.all(children.map(finish));
        for (const [id, { code, stdout, stderr }] of all.entries()) {
          if (id === victim) continue;
          expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "done\n", stderr: "" });
        }
      }
      await nothingLeft();
    },
    60_000,
  );

  testRanks("leave no file of a step that is over once another has begun", async () => {
    const directory = `/dev/shm/skiff-${ordinaryUser()?.uid}`;
    await finish(rank(newStep(), ["img.sqfs", "true"]));
    const before = new Set(readdirSync(directory));
    await finish(rank(newStep(), ["img.sqfs", "true"]));
    const after = readdirSync(directory);
    expect(after.filter((name) => !before.has(name))).toHaveLength(1);
  });
});

testUnless(firstReason(noInstances, noTool("musl-gcc")))(
  "ranks of a step read each other's memory, which apart they may not",
  async () => {
    const program = `${lab.dir}/read-memory`;
    const compiled = await run([
      "musl-gcc",
      "-static",
      "-O1",
      `${treeRoot}/test/ranks/read-memory.c`,
      "-o",
      program,
    ]);
    expect(compiled.stderr).toBe("");
    const readAll = async (words: readonly string[]): Promise<readonly string[]> => {
      const meeting = `${lab.dir}/tmp/memory-${Math.random()}`;
      mkdirSync(meeting);
      if (isRoot) giveTo(meeting, statSync(lab.dir));
      const step = newStep();
      const all = await Promise.all(
        [0, 1, 2, 3].map((id) =>
          finish(rank(step, [...words, "img.sqfs", program, "4", meeting], id)),
        ),
      );
      return all.map(({ stdout }) => stdout);
    };
    expect(await readAll([])).toEqual(Array(4).fill("read 4 of 4\n"));
    for (const text of await readAll(["--share-ranks=false"])) {
      expect(text).toContain("Operation not permitted");
    }
  },
  30_000,
);

describe("--sharens", () => {
  const script = (words: string, count: number): string =>
    `for i in $(seq ${count}); do ${skiffPath} exec --sharens img.sqfs ${words} & done; wait`;
  const sh = (text: string): Promise<Finished> =>
    run(["sh", "-c", text], { cwd: lab.dir, extraEnv: lab.env });

  testRanks("joins the processes of one parent, of which the first is told so", async () => {
    const inside = `sh -c '${SPACES}; echo \${APPTAINER_SHARENS_MASTER:-none}; sleep 1'`;
    const { stdout, stderr, code } = await sh(script(inside, 16));
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    const lines = stdout.trim().split("\n");
    expect(new Set(lines.filter((line) => line.startsWith("user:"))).size).toBe(1);
    expect(new Set(lines.filter((line) => line.startsWith("mnt:"))).size).toBe(1);
    expect(lines.filter((line) => line === "1")).toHaveLength(1);
    expect(lines.filter((line) => line === "none")).toHaveLength(15);
  });

  testRanks("is apart for another parent, and listed only with --all", async () => {
    const inside = `sh -c '${SPACES}; sleep 1.5'`;
    const [one, other, listed] = await Promise.all([
      sh(script(inside, 2)),
      sh(script(inside, 2)),
      Bun.sleep(800).then(async () => [
        await lab.list(),
        await lab.list("--all", "sharens_instance_*"),
      ]),
    ]);
    expect(one.stdout).not.toBe(other.stdout);
    expect(listed[0]).toEqual([]);
    expect(listed[1]?.filter(({ img }) => img === `${lab.dir}/img.sqfs`)).toHaveLength(2);
    await nothingLeft();
  });
});
