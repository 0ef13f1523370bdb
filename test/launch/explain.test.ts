import { describe, expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import type { Plan, PlannedMount } from "../../src/plan/plan.ts";
import { noFuse, noSubIds } from "../support/host-lacks.ts";
import { run, skiff } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { launchLab } from "./launch-lab.ts";

/** What `explain` prints is what the container has. */
const { dir, lack } = launchLab((place) => {
  for (const name of ["data", "over", "work"]) mkdirSync(`${place}/${name}`);
});

const COMBINATIONS: readonly (readonly string[])[] = [
  ["img"],
  ["img.sqfs"],
  ["--contain", "img"],
  ["--containall", "img.sqfs"],
  ["--compat", "img"],
  ["--no-home", "--no-mount", "tmp,sys", "img"],
  ["--bind", "data:/a:ro,/etc/hostname:/new/file", "--scratch", "/scr", "img"],
  ["--home", "data:/users/me", "--cleanenv", "img"],
  ["--fakeroot", "img"],
  ["--fakeroot", "--ignore-subuid", "--no-umask", "img"],
  ["--overlay", "over", "--pid", "img"],
  ["--writable-tmpfs", "--env", "A=b c", "--hostname", "box", "img"],
  ["--contain", "--workdir", "work", "--pwd", "/opt", "img"],
  ["--writable", "--no-home", "img"],
  ["--underlay", "--bind", "data:/brand/new", "img"],
];

const REPORT = [
  "cat /proc/self/mountinfo; echo; cat /proc/self/uid_map; echo; umask; pwd; id -u; hostname; echo",
  "tr '\\000' '\\n' < /proc/$$/environ; true",
].join("; ");

interface Seen {
  readonly mounts: ReadonlyMap<string, readonly string[]>;
  readonly uidMap: string;
  readonly umask: string;
  readonly cwd: string;
  readonly uid: string;
  readonly environment: readonly string[];
}

function parse(report: string): Seen {
  const [mounts = "", uidMap = "", facts = "", environment = ""] = report.split("\n\n");
  const [umask = "", cwd = "", uid = ""] = facts.split("\n");
  return {
    mounts: new Map(
      mounts.split("\n").map((line) => {
        const words = line.split(" ");
        return [words[4] ?? "", (words[5] ?? "").split(",")] as const;
      }),
    ),
    uidMap: uidMap
      .replaceAll(/[ \t]+/g, " ")
      .replaceAll(/^ /gm, "")
      .trim(),
    umask,
    cwd,
    uid,
    environment: environment.trimEnd().split("\n").sort(),
  };
}

/** Whether mounts may stand below without being planned: they come along with a bind. */
function bringsMore(mount: PlannedMount): boolean {
  return mount.kind === "minimal-dev" || (mount.kind === "bind" && mount.recursive);
}

describe("explain --json", () => {
  for (const words of COMBINATIONS) {
    const reason = firstReason(
      lack,
      words.includes("img.sqfs") ? noFuse() : undefined,
      words.includes("--fakeroot") ? noSubIds() : undefined,
    );
    testUnless(reason)(`${words.join(" ")} has what the plan says`, async () => {
      const command = [...words, "sh", "-c", REPORT];
      const explained = await skiff(["explain", "--json", "exec", ...command], { cwd: dir });
      expect(explained.code, explained.stderr).toBe(0);
      const plan = JSON.parse(explained.stdout) as Plan;
      const launched = await skiff(["exec", ...command], { cwd: dir });
      expect(launched.code, launched.stderr).toBe(0);
      const seen = parse(launched.stdout);

      for (const mount of plan.mounts) {
        const flags = seen.mounts.get(mount.target);
        expect(flags, `${mount.target} is mounted`).toBeDefined();
        if ("flags" in mount) expect(flags).toEqual(expect.arrayContaining([...mount.flags]));
      }
      const planned = new Set(plan.mounts.map((m) => m.target));
      const below = plan.mounts.filter(bringsMore).map((m) => `${m.target}/`);
      const made = new Set(plan.root.underlay.filter((e) => e.kind === "bind").map((e) => e.path));
      const unplanned = [...seen.mounts.keys()].filter(
        (at) =>
          at !== "/" && !planned.has(at) && !made.has(at) && !below.some((b) => at.startsWith(b)),
      );
      expect(unplanned).toEqual([]);

      expect(seen.uidMap).toBe(plan.identity.uidMap.trim());
      expect(Number.parseInt(seen.umask, 8)).toBe(plan.umask.mask);
      expect(seen.cwd).toBe(plan.cwd.candidates[0] ?? "");
      expect(seen.uid).toBe(String(plan.identity.uid));
      expect(plan.process.candidates[0]?.argv).toEqual(command.slice(words.length));
      if (plan.environment.kind !== "direct") throw new Error("the environment needs a shell");
      const variables = plan.environment.variables.map(({ name, value }) => `${name}=${value}`);
      expect(seen.environment).toEqual(variables.sort());
    });
  }

  testUnless(lack)("runs nothing and makes nothing", async () => {
    const before = (await run(["ls", "-R", dir])).stdout;
    const done = await skiff(["explain", "exec", "--overlay", "work", "img", "touch", "/made"], {
      cwd: dir,
    });
    expect(done.code, done.stderr).toBe(0);
    expect((await run(["ls", "-R", dir])).stdout).toBe(before);
  });
});

describe("explain in words", () => {
  testUnless(lack)("names the rule, the flag and the line behind each thing", async () => {
    writeFileSync(`${dir}/site.conf`, "bind path = /etc/hosts\nmount home = no\n");
    const done = await skiff(
      [
        ...["--config", `${dir}/site.conf`, "explain", "exec"],
        ...["--bind", "data:/a", "--env", "A=b", "img", "true"],
      ],
      { cwd: dir, extraEnv: { APPTAINER_NO_UMASK: "1" } },
    );
    expect(done.code, done.stderr).toBe(0);
    for (const text of [
      "--bind on the command line",
      "bind path = /etc/hosts",
      "APPTAINER_NO_UMASK",
      "true",
    ]) {
      expect(done.stdout).toContain(text);
    }
  });
  for (const action of ["run", "shell", "test"]) {
    testUnless(lack)(`${action} too`, async () => {
      const done = await skiff(["explain", action, "img"], { cwd: dir });
      expect(done.code, done.stderr).toBe(0);
      expect(done.stdout).toContain("/tmp");
    });
  }
  testUnless(lack)("what cannot start cannot be explained, with the same fault", async () => {
    const words = ["exec", "--bind", "/no/such:/x", "img", "true"];
    const [explained, launched] = await Promise.all([
      skiff(["explain", ...words], { cwd: dir }),
      skiff(words, { cwd: dir }),
    ]);
    expect([explained.code, explained.stderr]).toEqual([launched.code, launched.stderr]);
    expect(launched.code).toBe(255);
  });
});

describe("explain --diff", () => {
  testUnless(lack)("tells what differs between two saved plans", async () => {
    const save = async (name: string, ...flags: string[]): Promise<void> => {
      const done = await skiff(["explain", "--json", "exec", ...flags, "img", "true"], {
        cwd: dir,
      });
      writeFileSync(`${dir}/${name}`, done.stdout);
    };
    await save("a.json");
    await save("b.json", "--bind", "data:/a", "--pid");
    const same = await skiff(["explain", "--diff", "a.json", "a.json"], { cwd: dir });
    expect([same.code, same.stderr]).toEqual([0, ""]);
    const differ = await skiff(["explain", "--diff", "a.json", "b.json"], { cwd: dir });
    expect(differ.code).toBe(1);
    expect(differ.stdout).toContain("/a");
    expect(differ.stdout).toContain("pid");
    const missing = await skiff(["explain", "--diff", "a.json", "no.json"], { cwd: dir });
    expect(missing.code).toBe(255);
    expect(missing.stderr).toContain("no.json");
  });
});
