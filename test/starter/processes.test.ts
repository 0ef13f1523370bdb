import { describe, expect } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { encodeOps } from "../../src/ops/encode.ts";
import type { Op } from "../../src/ops/op.ts";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { type Driver, useStarter, wire } from "./driver.ts";
import { CLONE, environ, exec, mount, script, unshare, userNamespace } from "./make-op.ts";

const starter = useStarter();
const { place } = starter;
const testInUserNamespace = testUnless(noUserNamespaces());
const testOnTerminal = testUnless(firstReason(noUserNamespaces(), noTool("script")));

type Child = ReturnType<Driver["start"]>;

/** A PID namespace with its own /proc. */
function isolated(init: number): Op[] {
  return [
    userNamespace(),
    unshare(CLONE.pid),
    { kind: "fork", init, after: [], says: "" },
    mount("proc", "/proc"),
  ];
}

const joined: Op[] = [userNamespace(), { kind: "fork", init: 0, after: [], says: "" }];

/** The three ways to fork. */
const ways: [string, Op[], boolean][] = [
  ["with an init", isolated(1), true],
  ["as process 1", isolated(0), false],
  ["in the same PID namespace", joined, false],
];

/** Reads standard output until it holds `text`. */
function listener(child: Child): (text: string) => Promise<string> {
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  return async (text) => {
    while (!seen.includes(text)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`ended without ${text}: ${seen}`);
      seen += value;
    }
    return seen;
  };
}

/** Polls until something holds; five seconds. */
async function eventually(holds: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 200; tries++) {
    if (holds()) return true;
    await Bun.sleep(25);
  }
  return false;
}

/** Living processes with `word` among their arguments. */
function processesOf(word: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(word)
      );
    } catch {
      return false;
    }
  });
}

function stateOf(pid: number | string): string {
  return /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
}

describe.each(ways)("fork %s", (_, fork, hasInit) => {
  testInUserNamespace("passes the exit status on", async () => {
    for (const status of [0, 1, 42, 255]) {
      expect((await starter.run([...fork, script(`exit ${status}`)])).code).toBe(status);
    }
  });

  testInUserNamespace("tells of a death by signal", async () => {
    const child = starter.start([...fork, exec("/bin/bash", "-c", "sleep 60 & wait")]);
    // Not from inside: process 1 does not die by its own signals.
    expect(await eventually(() => processesOf("sleep 60 & wait").length > 0)).toBe(true);
    await eventually(() => processesOf("60").length > 0);
    for (const pid of processesOf("sleep 60 & wait")) {
      if (Number(pid) !== child.pid) Bun.spawnSync(["kill", "-KILL", pid]);
    }
    await child.exited;
    if (hasInit) expect(child.exitCode).toBe(137);
    else expect(child.signalCode).toBe("SIGKILL");
  });

  testInUserNamespace("passes signals on to the program, once", async () => {
    const child = starter.start([
      ...fork,
      script(
        'trap "echo term" TERM; trap "echo usr; exit 5" USR1; echo ready; while :; do sleep 0.05; done',
      ),
    ]);
    const hear = listener(child);
    await hear("ready");
    child.kill("SIGTERM");
    await hear("term");
    child.kill("SIGUSR1");
    expect(await hear("usr")).toBe("ready\nterm\nusr\n");
    await child.exited;
    expect(child.exitCode).toBe(5);
  });

  testInUserNamespace("ends the program when the waiter is killed", async () => {
    const mark = `${7000000 + Math.floor(Math.random() * 100000)}`;
    const child = starter.start([...fork, script(`echo ready; exec sleep ${mark}`)]);
    await listener(child)("ready");
    expect(await eventually(() => processesOf(mark).length > 0)).toBe(true);
    child.kill("SIGKILL");
    expect(await eventually(() => processesOf(mark).length === 0)).toBe(true);
  });

  testInUserNamespace("tells of a failed op in the child with 255", async () => {
    const done = await starter.run([...fork, exec("/nosuch")]);
    expect(done).toEqual({
      code: 255,
      stdout: "",
      stderr: "FATAL:   exec: no such file or directory\n",
    });
  });

  testInUserNamespace("leaves nothing when it is killed at any moment", async () => {
    const mark = `${8000000 + Math.floor(Math.random() * 100000)}`;
    for (let delay = 0; delay < 12; delay++) {
      const child = starter.start([...fork, exec("sleep", mark)]);
      await Bun.sleep(delay / 2);
      child.kill(delay % 2 ? "SIGKILL" : "SIGTERM");
      await Bun.sleep(1);
      child.kill("SIGKILL");
      await child.exited;
    }
    expect(await eventually(() => processesOf(mark).length === 0)).toBe(true);
    expect(await eventually(() => processesOf(starter.path).length === 0)).toBe(true);
  });

  testInUserNamespace("resets signals for the program", async () => {
    const done = await starter.run([...fork, script("grep -E 'Sig(Blk|Ign)' /proc/self/status")], {
      before: "trap '' PIPE;",
    });
    expect(done.stdout.match(/\t0000000000000000\n/g)?.length).toBe(2);
  });
});

describe("the init of a PID namespace", () => {
  testInUserNamespace("is process 1 and the program its only child", async () => {
    const show =
      "echo $$; for s in /proc/[0-9]*/status; do grep -E '^(Pid|PPid)' $s | tr -dc '0-9\\n' | tr '\\n' ' '; done";
    const done = await starter.run([...isolated(1), script(show)]);
    expect(done.stdout).toMatch(/^2\n1 0 2 1 /);
  });

  testInUserNamespace("reaps what the program left behind", async () => {
    const orphans =
      "for i in 1 2 3; do (sleep 0.05 &) ; done; sleep 0.3; grep -l 'State:.Z' /proc/[0-9]*/status | wc -l";
    expect((await starter.run([...isolated(1), script(orphans)])).stdout).toBe("0\n");
  });

  testInUserNamespace("ends with the program and takes the rest along", async () => {
    const mark = `${9000000 + Math.floor(Math.random() * 100000)}`;
    const done = await starter.run([
      ...isolated(1),
      script(`setsid sleep ${mark} >/dev/null 2>&1 & sleep 0.1; exit 3`),
    ]);
    expect(done.code).toBe(3);
    expect(await eventually(() => processesOf(mark).length === 0)).toBe(true);
  });

  testInUserNamespace("exits with 128+n when signal n killed the program", async () => {
    expect((await starter.run([...isolated(1), script("kill -SEGV $$")])).code).toBe(139);
  });

  testInUserNamespace("waits for the environ op as for anything else", async () => {
    const write = environ(["sh", "-c", "printf 'A=b\\0\\0' >&3"]);
    const done = await starter.run([...isolated(1), write, exec("/usr/bin/env")]);
    expect(done.stdout).toBe("A=b\n");
  });
});

describe("stopping", () => {
  testInUserNamespace("of the program stops the waiter, and both go on", async () => {
    for (const fork of [isolated(1), joined]) {
      const child = starter.start([
        ...fork,
        script("echo ready; kill -STOP $$; echo on; exec sleep 60"),
      ]);
      const hear = listener(child);
      await hear("ready");
      expect(await eventually(() => stateOf(child.pid) === "T")).toBe(true);
      child.kill("SIGCONT");
      await hear("on");
      expect(stateOf(child.pid)).not.toBe("T");
      child.kill("SIGKILL");
      await child.exited;
    }
  });

  /** A shell on a terminal of its own; `input` is typed, each piece after its cue was seen. */
  async function onTerminal(
    command: string,
    steps: [cue: string, typed: string][],
  ): Promise<string> {
    const child = Bun.spawn(["script", "-qec", command, "/dev/null"], {
      cwd: place,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
      timeout: 20_000,
      env: { PATH: process.env["PATH"] ?? "", PS1: "", HISTFILE: "" },
    });
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let seen = "";
    let from = 0;
    for (const [cue, typed] of steps) {
      while (!seen.slice(from).includes(cue)) {
        const { value, done } = await reader.read();
        if (done) return `${seen}[ended before ${cue}]`;
        seen += value;
      }
      from = seen.length;
      child.stdin.write(typed);
      await child.stdin.flush();
    }
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      seen += value;
    }
    return `${seen}[${await child.exited}]`;
  }

  testOnTerminal(
    "by the terminal: interrupts arrive once, jobs can be stopped and resumed",
    async () => {
      for (const [name, fork] of [
        ["init", isolated(1)],
        ["joined", joined],
      ] as [string, Op[]][]) {
        const program = script(
          'trap "echo interrupted" INT; echo ready; for i in 1 2 3 4 5 6 7 8 9 0; do sleep 0.1; done; echo over',
        );
        const file = starter.writeStream(
          encodeOps(wire([...fork, program]), { debug: false, procPath: "/proc" }),
        );
        const launch = `${starter.path} 3 3<${file}`;
        const seen = await onTerminal(`bash -c '${launch}'`, [["ready", "\x03"]]);
        const times = seen.match(/interrupted/g)?.length;
        expect({ name, seen, times }).toEqual({ name, seen, times: 1 });
        expect(seen).toContain("over\r\n");
        // Nothing that forks: a stop between vfork(2) and exec stops nobody, in a container or not.
        const stopped = exec("/bin/bash", "-c", "echo ready; read -t 0.6; echo resumed; exit 4");
        const second = starter.writeStream(
          encodeOps(wire([...fork, stopped]), { debug: false, procPath: "/proc" }),
        );
        const shell = await onTerminal("bash --norc -i", [
          ["", `${starter.path} 3 3<${second}\n`],
          ["ready", "\x1a"],
          ["Stopped", "jobs\n"],
          ["Stopped", "fg\n"],
          ["resumed", "echo status $?; exit 0\n"],
        ]);
        expect(`${name}: ${shell}`).toContain("status 4");
      }
    },
  );
});

describe.each([
  ["as the kernel of today", {}],
  ["with the system calls of 4.18", { classic: true }],
])("janitor %s", (_, options) => {
  const clean = (file: string): Op => ({ kind: "janitor", argv: ["/bin/rm", "-f", file] });

  testInUserNamespace("acts when the program has ended, in the caller's namespaces", async () => {
    const file = `${place}/clean-1`;
    starter.prepare(`touch ${file}`);
    const argv = ["/bin/sh", "-c", `readlink /proc/self/ns/mnt > ${file}.ns; rm ${file}`];
    const ops: Op[] = [{ kind: "janitor", argv }, userNamespace(), script(`ls ${file}`)];
    const done = await starter.run(ops, options);
    expect(done.stdout).toBe(`${file}\n`);
    expect(await eventually(() => !existsSync(file))).toBe(true);
    const own = Bun.spawnSync(["readlink", "/proc/self/ns/mnt"]).stdout.toString();
    expect(readFileSync(`${file}.ns`, "utf8")).toBe(own);
  });

  testInUserNamespace("acts after SIGKILL, also when there is a waiter", async () => {
    for (const fork of [[userNamespace()], isolated(1), joined]) {
      const file = `${place}/clean-2`;
      starter.prepare(`touch ${file}`);
      const child = starter.start(
        [clean(file), ...fork, script("echo ready; exec sleep 60")],
        options,
      );
      await listener(child)("ready");
      await Bun.sleep(20);
      expect(existsSync(file)).toBe(true);
      child.kill("SIGKILL");
      expect(await eventually(() => !existsSync(file))).toBe(true);
    }
  });

  testInUserNamespace(
    "holds neither the caller's pipes nor a place among the children",
    async () => {
      const child = starter.start(
        [{ kind: "janitor", argv: ["/bin/sleep", "1"] }, script("wait; echo $?")],
        options,
      );
      const before = Date.now();
      expect(await child.stdout.text()).toBe("0\n");
      expect(Date.now() - before).toBeLessThan(900);
    },
  );
});
