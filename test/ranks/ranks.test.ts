import { describe, expect } from "bun:test";
import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import {
  instanceLab,
  knownLaunches,
  leftRunning,
  noInstances,
  SERVER_TREE,
  until,
} from "../instances/instance-lab.ts";
import { giveTo } from "../launch/image-tree.ts";
import { noTool } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, run, start } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath, treeRoot } from "../support/tree.ts";

/** Many processes of one job step on one node: one container. */
const lab = instanceLab(SERVER_TREE, (dir) => {
  copyFileSync(`${dir}/img.sqfs`, `${dir}/other.sqfs`);
  const user = ordinaryUser();
  if (isRoot && user !== undefined) giveTo(`${dir}/other.sqfs`, user);
});
const testRanks = testUnless(noInstances);

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

/** A directory of the user where processes can tell that they are inside. */
function meetingPlace(): string {
  const path = `${lab.dir}/tmp/meet-${Math.random()}`;
  mkdirSync(path);
  if (isRoot) giveTo(path, statSync(lab.dir));
  return path;
}

/** A script that prints where it is and stays until it may go. */
const staying = (meeting: string): string =>
  `${SPACES}; mktemp ${meeting}/XXXXXX >/dev/null; while [ ! -e ${meeting}/go ]; do sleep 0.05; done`;

/** Runs launches at the same time, one for each element; they stay until all of them are inside. */
async function together(
  launches: readonly {
    readonly step: Readonly<Record<string, string>>;
    readonly words: readonly string[];
  }[],
  before = ":",
  meeting = meetingPlace(),
): Promise<{ readonly outputs: readonly string[]; readonly servers: number }> {
  for (const name of readdirSync(meeting)) rmSync(`${meeting}/${name}`);
  const children = launches.map(({ step, words }, id) =>
    rank(step, [...words, "sh", "-c", `${before}; ${staying(meeting)}`], id),
  );
  const ended = Promise.all(children.map(finish));
  await until(() => readdirSync(meeting).length === launches.length);
  const served = servers();
  await run(["touch", `${meeting}/go`]);
  const all = await ended;
  for (const { code, stderr } of all) expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return { outputs: all.map(({ stdout }) => stdout), servers: served };
}

/** The same for launches that are alike; gives the number of containers that they were in. */
async function containersOf(
  count: number,
  step: Readonly<Record<string, string>>,
  words: readonly string[],
): Promise<number> {
  const { outputs } = await together(Array.from({ length: count }, () => ({ step, words })));
  return new Set(outputs).size;
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
        const seen = await together(
          Array.from({ length: 64 }, () => ({ step, words: ["img.sqfs"] })),
        );
        expect(new Set(seen.outputs).size).toBe(1);
        expect(seen.servers).toBe(1);
      }
      await nothingLeft();
    },
    60_000,
  );

  testRanks("are apart from another step, another image and another plan", async () => {
    const [one, two] = [newStep(), newStep()];
    const { outputs } = await together([
      { step: one, words: ["img.sqfs"] },
      { step: one, words: ["img.sqfs"] },
      { step: two, words: ["img.sqfs"] },
      { step: one, words: ["other.sqfs"] },
      { step: one, words: ["-B", "/tmp:/mnt/x", "img.sqfs"] },
    ]);
    expect(outputs[0]).toBe(outputs[1] ?? "");
    expect(new Set(outputs).size).toBe(4);
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
      const meeting = meetingPlace();
      const launches = (count: number, step: Readonly<Record<string, string>>) =>
        Array.from({ length: count }, () => ({ step, words: ["img.sqfs"] }));
      const known = knownLaunches(lab);
      // Records of what changed a moment ago are not kept.
      await Bun.sleep(2100);
      for (let i = 0; i < 3; i++) await together(launches(1, newStep()), ":", meeting);
      expect(knownLaunches(lab)).toBeGreaterThan(known);
      for (let i = 0; i < 2; i++) {
        const { outputs } = await together(launches(4, newStep()), ":", meeting);
        expect(new Set(outputs).size).toBe(1);
      }
      const apart = await together(launches(2, {}), ":", meeting);
      expect(new Set(apart.outputs).size).toBe(2);
    },
    20_000,
  );

  testRanks(
    "share with a clean environment, too, and do not see the step's variables",
    async () => {
      const step = newStep();
      const launches = [0, 1, 2].map(() => ({ step, words: ["--cleanenv", "img.sqfs"] }));
      const { outputs } = await together(launches, "env | grep -c SLURM");
      expect(new Set(outputs).size).toBe(1);
      expect(outputs[0]).toStartWith("0\n");
    },
  );

  for (const [name, variables] of Object.entries({
    PMIx: { PMIX_NAMESPACE: "prterun-node-1@1", PMIX_RANK: "0" },
    PMI: { PMI_RANK: "0", PMI_SIZE: "4" },
  })) {
    testRanks(`are known by ${name}`, async () => {
      expect(await containersOf(3, variables, ["img.sqfs"])).toBe(1);
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
      expect(await containersOf(2, variables, words)).toBe(2);
    }
    expect(await containersOf(2, {}, ["--share-ranks", "img.sqfs"])).toBe(1);
  });

  testRanks("have a container until the last of them ends", async () => {
    const step = newStep();
    const [one, two] = [meetingPlace(), meetingPlace()];
    const isInside = (meeting: string) => until(() => readdirSync(meeting).length > 0);
    const first = rank(step, ["img.sqfs", "sh", "-c", staying(one)]);
    await isInside(one);
    const later = rank(step, ["img.sqfs", "sh", "-c", staying(two)], 1);
    await isInside(two);
    await run(["touch", `${one}/go`]);
    const { stdout } = await finish(first);
    // The first is gone; the one that is still there is found.
    const third = await finish(rank(step, ["img.sqfs", "sh", "-c", SPACES], 2));
    expect(third.stdout).toBe(stdout);
    expect(servers()).toBe(1);
    await run(["touch", `${two}/go`]);
    expect((await finish(later)).stdout).toBe(stdout);
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
    const meeting = meetingPlace();
    const inside = `sh -c 'echo \${APPTAINER_SHARENS_MASTER:-none}; ${staying(meeting)}'`;
    const ended = sh(script(inside, 16));
    await until(() => readdirSync(meeting).length === 16);
    await run(["touch", `${meeting}/go`]);
    const { stdout, stderr, code } = await ended;
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    const lines = stdout.trim().split("\n");
    expect(new Set(lines.filter((line) => line.startsWith("user:"))).size).toBe(1);
    expect(new Set(lines.filter((line) => line.startsWith("mnt:"))).size).toBe(1);
    expect(lines.filter((line) => line === "1")).toHaveLength(1);
    expect(lines.filter((line) => line === "none")).toHaveLength(15);
  });

  testRanks("is apart for another parent, and listed only with --all", async () => {
    const meetings = [meetingPlace(), meetingPlace()];
    const ended = Promise.all(meetings.map((m) => sh(script(`sh -c '${staying(m)}'`, 2))));
    await until(() => meetings.every((meeting) => readdirSync(meeting).length === 2));
    const plain = await lab.list();
    const all = await lab.list("--all", "sharens_instance_*");
    for (const meeting of meetings) await run(["touch", `${meeting}/go`]);
    const [one, other] = await ended;
    expect(one?.stdout).not.toBe(other?.stdout ?? "");
    expect(plain).toEqual([]);
    expect(all.filter(({ img }) => img === `${lab.dir}/img.sqfs`)).toHaveLength(2);
    await nothingLeft();
  });
});
