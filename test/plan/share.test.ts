import { describe, expect, test } from "bun:test";
import { lower } from "../../src/plan/lower/lower.ts";
import { type MadeUp, madeUpHost, planOf } from "../support/made-up-launch.ts";

const env = (more: Readonly<Record<string, string>>) =>
  madeUpHost({ env: { HOME: "/home/ann", ...more } });
const SLURM = { SLURM_JOB_ID: "7", SLURM_STEP_ID: "0" };

describe("planShare()", () => {
  test.each([
    ["Slurm", SLURM, ["SLURM_JOB_ID", "SLURM_STEP_ID"], false],
    ["PMIx", { PMIX_NAMESPACE: "x", PMIX_RANK: "0" }, ["PMIX_NAMESPACE"], false],
    ["Flux", { FLUX_JOB_ID: "f", FLUX_TASK_RANK: "0" }, ["FLUX_JOB_ID"], false],
    ["PMI", { PMI_RANK: "0" }, [], true],
  ])("shares by default below %s", (_, variables, names, parent) => {
    const { share } = planOf({ host: env(variables) });
    expect(share).toMatchObject({ variables: names, parent, drop: false, firstEnv: [] });
  });

  test.each<[string, MadeUp]>([
    ["there is no launcher", {}],
    ["a batch script is no step", { host: env({ SLURM_JOB_ID: "7" }) }],
    ["a Flux batch script is none", { host: env({ FLUX_JOB_ID: "f" }) }],
    ["it is forbidden", { host: env(SLURM), request: { shareRanks: false } }],
    ["of --pid", { host: env(SLURM), request: { pid: true } }],
    ["of --containall", { host: env(SLURM), request: { containAll: true } }],
    ["of a network of its own", { host: env(SLURM), request: { network: "none" } }],
    ["of --writable-tmpfs", { host: env(SLURM), request: { writableTmpfs: true } }],
    ["it is an instance", { host: env(SLURM), request: { instance: "web" } }],
  ])("does not share because %s", (_, parts) => {
    expect(planOf(parts).share).toBeUndefined();
  });

  test("--sharens goes by the parent, and tells the first of it", () => {
    const { share } = planOf({ request: { sharens: true, cleanEnv: true }, host: env(SLURM) });
    expect(share).toMatchObject({
      variables: [],
      parent: true,
      drop: true,
      firstEnv: ["APPTAINER_SHARENS_MASTER=1", "SINGULARITY_SHARENS_MASTER=1"],
    });
  });

  test("says why what was asked for cannot be had", () => {
    const { share, notices } = planOf({ request: { shareRanks: true, pid: true } });
    expect(share).toBeUndefined();
    expect(notices.map(({ text }) => text)).toContain(
      "This process does not share its container with others: a PID namespace is its own",
    );
  });

  test("what is skipped ends where the program's own part begins", () => {
    const plan = planOf({ host: env(SLURM), request: { ipc: true } });
    const ops = lower(plan, {
      base: "/tmp",
      shellFd: -1,
      shellPath: "",
      says: { info: true, warnings: true },
      pid: 1,
      share: { dir: "/dev/shm/skiff-1000", name: "step-x", about: "" },
    }).map(({ op }) => op);
    const [first] = ops;
    expect(first).toMatchObject({ kind: "share", names: ["user", "ipc", "mnt"] });
    const next = first?.kind === "share" ? ops[first.skip + 1] : undefined;
    expect(next).toEqual({ kind: "publish" });
    const after = ops.slice(ops.findIndex(({ kind }) => kind === "publish") + 1);
    expect(after.map(({ kind }) => kind)).toEqual(["caps", "chdir", "umask", "exec"]);
  });
});
