import { afterAll, beforeAll, describe, expect } from "bun:test";
import { chownSync } from "node:fs";
import { leftRunning, noInstances, until } from "../instances/instance-lab.ts";
import { type Mpi, makeMpiImage, noMpi } from "../ranks/mpi-image.ts";
import { type Cluster, noSlurm, startSlurm } from "../ranks/slurm-cluster.ts";
import { notRoot } from "../support/host-lacks.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, run, start } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** Message passing between containers, started by the launchers themselves: mpirun, mpiexec and srun. */
const dir = scratch("self");
const SIZE = 8;
const TOGETHER = `${SIZE} ranks, sum 28, ${SIZE * SIZE} reads, 1 containers\n`;
const APART = `${SIZE} ranks, sum 28, ${SIZE} reads, ${SIZE} containers\n`;

const MPIS: readonly Mpi[] = ["openmpi", "mpich"];
const lackOf = (mpi: Mpi): string | undefined => firstReason(notRoot(), noInstances, noMpi(mpi));
const noCluster = firstReason(noInstances, noSlurm());
let cluster: Cluster | undefined;

beforeAll(async () => {
  for (const mpi of MPIS) if (lackOf(mpi) === undefined) await makeMpiImage(mpi, dir);
  if (noCluster === undefined) cluster = await startSlurm(scratchOfCluster);
}, 120_000);
afterAll(() => cluster?.stop());

const scratchOfCluster = scratch("self");

const environment = (): Readonly<Record<string, string>> => ({
  ...cluster?.env,
  SKIFF_CONFIGDIR: "/nonexistent",
  SKIFF_NO_REPLAY: "1",
});
const asUser = (words: readonly string[]): Promise<Finished> =>
  run(words, { extraEnv: environment(), timeoutMs: 60_000 });
const LAUNCHERS: Readonly<Record<Mpi, readonly string[]>> = {
  openmpi: ["mpirun.openmpi", "--oversubscribe", "-np", `${SIZE}`],
  mpich: ["mpiexec.hydra", "-n", `${SIZE}`],
};
const STEPS: Readonly<Record<Mpi, string>> = { openmpi: "pmix", mpich: "pmi2" };

for (const mpi of MPIS) {
  describe(mpi, () => {
    const inJob = testUnless(lackOf(mpi));
    const inStep = testUnless(firstReason(lackOf(mpi), noCluster));
    const program = (...flags: string[]) => [
      skiffPath,
      "exec",
      ...flags,
      `${dir}/${mpi}.sqfs`,
      "job",
    ];

    inJob(
      "ranks of its own launcher are in one container, and read each other's memory",
      async () => {
        expect(await asUser([...LAUNCHERS[mpi], ...program()])).toEqual({
          code: 0,
          stdout: TOGETHER,
          stderr: "",
        });
      },
      90_000,
    );

    inStep(
      "ranks of a step of Slurm are in one container, and read each other's memory",
      async () => {
        const words = ["srun", "--quiet", `--mpi=${STEPS[mpi]}`, "-n", `${SIZE}`, ...program()];
        const { code, stdout, stderr } = await asUser(words);
        expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: TOGETHER, stderr: "" });
      },
      90_000,
    );
  });
}

testUnless(lackOf("openmpi"))(
  "ranks apart work, too, without reading each other's memory",
  async () => {
    const words = [...LAUNCHERS.openmpi, skiffPath, "exec", "--share-ranks=false"];
    const { code, stdout } = await asUser([...words, `${dir}/openmpi.sqfs`, "job"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: APART });
  },
  90_000,
);

describe("a job of Slurm", () => {
  const inJob = testUnless(firstReason(noCluster, lackOf("openmpi")));
  const image = `${dir}/openmpi.sqfs`;
  const cancel = () => asUser(["scancel", "--user", ordinaryUser()?.name ?? ""]);

  for (const [how, end] of Object.entries({
    "is cancelled": cancel,
    "loses its srun": (child: ReturnType<typeof start>) => child.kill("SIGKILL"),
  })) {
    inJob(
      `that ${how} leaves no process, server or mount`,
      async () => {
        const words = ["srun", "--mpi=pmix", "-n", "4", skiffPath, "exec", image, "job", "100"];
        const child = start(words, { extraEnv: environment(), timeoutMs: 60_000 });
        // The first rank has met the others.
        const output = child.stdout.getReader();
        expect(new TextDecoder().decode((await output.read()).value)).toStartWith("4 ranks");
        expect(leftRunning(image).length).toBeGreaterThan(0);
        await end(child);
        await child.exited;
        expect(await until(() => leftRunning(image).length === 0)).toBe(true);
        await cancel();
      },
      60_000,
    );
  }

  inJob(
    "that is a batch script starts steps, whose status is told",
    async () => {
      const user = ordinaryUser();
      if (user === undefined) return;
      const output = `${dir}/out`;
      await Bun.write(output, "");
      chownSync(output, user.uid, user.gid);
      const step = `srun -n 3 ${skiffPath} exec ${image} sh -c`;
      const script = `${step} 'echo task $SLURM_PROCID; exit 3'; echo status $?`;
      const words = ["sbatch", "-n", "3", "-o", output, "--wrap", script];
      expect((await asUser(words)).code).toBe(0);
      const ended = async () => (await Bun.file(output).text()).includes("status");
      expect(await until(ended)).toBe(true);
      const lines = (await Bun.file(output).text()).split("\n");
      for (const line of ["task 0", "task 1", "task 2", "status 3"]) expect(lines).toContain(line);
    },
    60_000,
  );
});
