import { describe, expect, test } from "bun:test";
import type { RunningInstance } from "../../src/plan/instance.ts";
import { type JoinPlan, planJoin } from "../../src/plan/join.ts";
import { lowerJoin } from "../../src/plan/lower/lower-join.ts";
import type { LaunchRequest } from "../../src/plan/request.ts";
import { madeUpFacts, madeUpHost, planOf } from "../support/made-up-launch.ts";

/** The instance that `instance start` with these options would leave. */
function running(request: Partial<LaunchRequest> = {}): RunningInstance {
  const plan = planOf({ request: { ...request, action: "start", args: [], instance: "web" } });
  if (plan.instance === undefined) throw new Error("no instance was planned");
  return {
    name: "web",
    image: plan.image.path,
    pid: 4711,
    started: 815,
    namespaces: plan.namespaces,
    identity: plan.identity,
    security: plan.security,
    plan: JSON.parse(JSON.stringify(plan.instance)),
  };
}

function join(
  request: Partial<LaunchRequest> = {},
  instance: RunningInstance = running(),
  hasDirectory: (path: string) => boolean | undefined = () => true,
): JoinPlan {
  const facts = madeUpFacts({ request });
  const outcome = planJoin({ ...facts, host: madeUpHost(), instance, hasDirectory, groups: [] });
  if (outcome.kind === "nothing") throw new Error(outcome.note);
  return outcome.plan;
}

const variable = (plan: JoinPlan, name: string): string | undefined =>
  plan.environment.kind === "direct"
    ? plan.environment.variables.find((v) => v.name === name)?.value
    : undefined;

describe("planJoin()", () => {
  test("enters what the instance has of its own, the mount namespace last", () => {
    expect(join().namespaces).toEqual(["user", "pid", "mnt"]);
    const more = running({ ipc: true, uts: true, network: "none" });
    expect(join({}, more).namespaces).toEqual(["user", "pid", "ipc", "uts", "net", "mnt"]);
  });

  test("knows the instance by its variables, and the image's programs by what was remembered", () => {
    const plan = join({ action: "shell", args: [] });
    expect(variable(plan, "APPTAINER_INSTANCE")).toBe("web");
    expect(variable(plan, "APPTAINER_CONTAINER")).toBe("/img/deb.sif");
    expect(variable(plan, "HOME")).toBe("/home/ann");
    expect(plan.process.candidates.map(({ argv }) => argv)).toEqual([["/bin/sh"]]);
  });

  test("takes another directory where the caller's is not there", () => {
    const plan = join({}, running(), (path) => path !== "/home/ann/run");
    expect(plan.cwd.candidates).toEqual(["/home/ann", "/"]);
    expect(plan.notices.map(({ level }) => level)).toEqual(["warning"]);
    expect(join({}, running(), () => undefined).cwd.candidates[0]).toBe("/home/ann/run");
    expect(join({ cwd: "/opt" }).cwd).toMatchObject({ candidates: ["/opt"], fatal: true });
  });

  test("has the privileges of the instance, whatever is asked for", () => {
    const root = running({ fakeroot: true });
    const plan = join({ fakeroot: true, addCaps: "all" }, root);
    expect(plan.security).toEqual(root.security);
    expect(plan.notices.map(({ text }) => text)).toContain(
      "--fakeroot ignored when joining instance",
    );
  });

  test("is a few operations", () => {
    const ops = lowerJoin(join(), {
      shellFd: -1,
      shellPath: "",
      says: { info: true, warnings: true },
    });
    expect(ops.map(({ op }) => op.kind)).toEqual([
      "enter",
      "fork",
      "caps",
      "chdir",
      "umask",
      "exec",
    ]);
    expect(ops[0]?.op).toMatchObject({ pid: 4711, started: 815 });
  });
});
