import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import type { EnterOp, ShareOp } from "../../src/ops/process-op.ts";
import { giveTo } from "../launch/image-tree.ts";
import { noUserNamespaces } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { testUnless } from "../support/skip.ts";
import { useStarter } from "./driver.ts";
import { hostSession, enter as intoRoot, script } from "./make-op.ts";

const starter = useStarter();
const testSpaces = testUnless(noUserNamespaces());
const ESRCH = 3;

function enter(pid: number, started: number, names: readonly string[] = ["user", "mnt"]): EnterOp {
  return { kind: "enter", pid, started, names };
}

function share(dir: string, more: Partial<ShareOp> = {}): ShareOp {
  return {
    kind: "share",
    dir,
    name: "step",
    variables: ["STEP"],
    parent: 0,
    drop: 0,
    names: ["user", "mnt"],
    skip: 0,
    waitMs: 1000,
    firstEnv: ["FIRST=1"],
    about: `${"about".padEnd(31)}\n`,
    ...more,
  };
}

/** A container of the whole host, shared; its program is the script. */
function shared(dir: string, text: string, more: Partial<ShareOp> = {}) {
  const setup = [...hostSession(), ...intoRoot];
  return [
    share(dir, { skip: setup.length, ...more }),
    ...setup,
    { kind: "publish" } as const,
    script(text),
  ];
}

function startOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[19]);
}

async function contained(): Promise<{ pid: number; end(): Promise<void> }> {
  const child = starter.start([...hostSession(), ...intoRoot, script("echo up; exec sleep 20")]);
  const reader = child.stdout.getReader();
  await reader.read();
  return {
    pid: child.pid,
    end: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

const SPACES = "readlink /proc/self/ns/user /proc/self/ns/mnt";

for (const classic of [false, true]) {
  testSpaces(
    `enter: a process's namespaces and root, ${classic ? "one by one" : "at once"}`,
    async () => {
      const { pid, end } = await contained();
      const done = await starter.run([enter(pid, startOf(pid)), script(`${SPACES}; pwd`)], {
        classic,
      });
      const theirs = ["user", "mnt"].map((name) => {
        const { stdout } = Bun.spawnSync(["readlink", `/proc/${pid}/ns/${name}`]);
        return stdout.toString();
      });
      expect(done).toMatchObject({ code: 0, stdout: `${theirs.join("")}/\n` });
      await end();
    },
  );
}

testSpaces("enter: another start, no process and no container are refused", async () => {
  const { pid, end } = await contained();
  const gone = [{ op: enter(pid, startOf(pid) + 1), faults: [{ errno: ESRCH, text: "gone" }] }];
  expect(await starter.run([...gone, script("true")])).toMatchObject({
    code: 255,
    stderr: "FATAL:   gone\n",
  });
  const none = [{ op: enter(4_000_000, 1), faults: [{ errno: ESRCH, text: "none" }] }];
  expect((await starter.run([...none, script("true")])).stderr).toBe("FATAL:   none\n");
  await end();
  const self = enter(process.pid, startOf(process.pid));
  expect((await starter.run([self, script("echo never")])).stdout).toBe("");
});

testSpaces(
  "share: the first makes it, others enter it, and are told apart by their step",
  async () => {
    const dir = `${starter.place}/members`;
    const text = `echo \${FIRST:-none}; ${SPACES}; sleep 0.4`;
    const [a, b, c] = await Promise.all(
      ["1", "1", "2"].map((STEP) => starter.run(shared(dir, text), { extraEnv: { STEP } })),
    );
    const spaces = [a, b, c].map((one) => one?.stdout.split("\n").slice(1).join(" "));
    expect(spaces[0]).toBe(spaces[1] ?? "");
    expect(spaces[0]).not.toBe(spaces[2] ?? "");
    expect([a, b].map((one) => one?.stdout.split("\n")[0]).sort()).toEqual(["1", "none"]);
    expect(readdirSync(dir).length).toBeGreaterThan(0);
  },
);

testSpaces("share: any doubt is a container of one's own", async () => {
  const user = ordinaryUser();
  const open = `${starter.place}/open`;
  mkdirSync(open);
  if (isRoot && user !== undefined) giveTo(open, user);
  const { code } = await starter.run([script(`chmod 777 ${open}`)]);
  expect(code).toBe(0);
  const own = `${starter.place}/own`;
  symlinkSync(open, `${starter.place}/link`);
  for (const [dir, STEP] of [
    [open, "1"],
    [`${starter.place}/link`, "1"],
    [`${starter.place}/no/such`, "1"],
    ["/proc", "1"],
    [own, undefined],
  ] as const) {
    const extraEnv: Record<string, string> = STEP === undefined ? {} : { STEP };
    const done = await starter.run(shared(dir, "echo ${FIRST:-none}"), { extraEnv });
    expect(done).toMatchObject({ code: 0, stdout: "none\n", stderr: "" });
  }
});

testSpaces("share: who waits too long for the first goes on alone", async () => {
  const dir = `${starter.place}/slow`;
  const slow = [
    ...hostSession(),
    { kind: "run", root: "", argv: ["/bin/sleep", "1"], env: [], alsoGood: 0, ambient: 0 } as const,
    ...intoRoot,
  ];
  const first = starter.run(
    [share(dir, { skip: slow.length }), ...slow, { kind: "publish" }, script(SPACES)],
    { extraEnv: { STEP: "s" } },
  );
  await Bun.sleep(200);
  const began = performance.now();
  const second = await starter.run(shared(dir, SPACES, { waitMs: 100 }), {
    extraEnv: { STEP: "s" },
  });
  expect(performance.now() - began).toBeLessThan(900);
  expect(second.code).toBe(0);
  expect(second.stdout).not.toBe((await first).stdout);
});

testSpaces(
  "share: a file full of others' words, dead members and foreign processes is none",
  async () => {
    const dir = `${starter.place}/words`;
    await starter.run(shared(dir, "true"), { extraEnv: { STEP: "w" } });
    const [name = ""] = readdirSync(dir);
    const line = (pid: number, start: number): string => `${`${pid} ${start}`.padEnd(31)}\n`;
    const lines = [
      line(1, startOf(1)),
      line(process.pid, startOf(process.pid)),
      line(-1, 5),
      "x".repeat(77),
      line(4_000_000, 1),
    ];
    const { code } = await starter.run([
      script(`printf '%s' '${lines.join("")}' >>${dir}/${name}`),
    ]);
    expect(code).toBe(0);
    const done = await starter.run(shared(dir, "echo up"), { extraEnv: { STEP: "w" } });
    expect(done).toMatchObject({ code: 0, stdout: "up\n", stderr: "" });
  },
);

test("share: may not skip past the end", async () => {
  const { code } = await starter.run([share(`${starter.place}/x`, { skip: 99 }), script("true")]);
  expect(code).toBe(255);
});
