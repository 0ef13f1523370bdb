import { describe, expect } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";
import {
  instanceLab,
  knownLaunches,
  leftRunning,
  noInstances,
  SERVER_TREE,
  until,
} from "./instance-lab.ts";

/** The life of an instance: started, listed, entered, logged, stopped. */
const lab = instanceLab(SERVER_TREE);
const testInstance = testUnless(noInstances);

/** Starts one; its name is given back. */
async function startOne(name: string, ...words: string[]): Promise<string> {
  const [image, ...rest] = words.length === 0 ? ["img.sqfs"] : words.toReversed();
  const started = await lab.skiff(["instance", "start", ...rest.toReversed(), image ?? "", name]);
  expect(started.stderr).toContain("INFO:    instance started successfully\n");
  expect(started.code).toBe(0);
  return name;
}

const inside = (name: string, ...words: string[]) =>
  lab.skiff(["exec", `instance://${name}`, ...words]);

async function stop(...words: string[]): Promise<string> {
  const stopped = await lab.skiff(["instance", "stop", ...words]);
  expect(stopped.code, stopped.stderr).toBe(0);
  return stopped.stderr;
}

describe("instance start", () => {
  testInstance(
    "gives arguments to the start script and writes its output to the logs",
    async () => {
      const started = await lab.skiff(["instance", "start", "img.sqfs", "logs", "a", "b c"]);
      expect(started).toMatchObject({ code: 0, stdout: "" });
      const [one] = await lab.list("logs");
      expect(one?.logOutPath).toEndWith("/logs.out");
      const log = (): string => readFileSync(one?.logOutPath ?? "", "utf8");
      expect(await until(() => log().includes("started 2: a b c\n"))).toBe(true);
      expect(await stop("-s", "TERM", "logs")).toContain(
        `INFO:    Stopping logs instance of ${lab.dir}/img.sqfs (PID=${one?.pid})\n`,
      );
      expect(log()).toBe("started 2: a b c\nended by TERM\n");
      // The logs are kept and added to.
      await startOne("logs");
      expect(await until(() => log().includes("ended by TERM\nstarted 0: \n"))).toBe(true);
      await stop("-F", "logs");
    },
  );

  testInstance("run runs the run script", async () => {
    const ran = await lab.skiff(["instance", "run", "img", "runner", "x"]);
    expect(ran.code).toBe(0);
    const [one] = await lab.list("runner");
    const log = (): string => readFileSync(one?.logOutPath ?? "", "utf8");
    expect(await until(() => log() === "run 1: x\n")).toBe(true);
    // The instance outlives its program.
    expect(await lab.list("runner")).toHaveLength(1);
    await stop("runner");
  });

  testInstance("writes the process id to --pid-file", async () => {
    await startOne("pid", "--pid-file", "pid.txt", "img");
    const [one] = await lab.list("pid");
    expect(readFileSync(`${lab.dir}/pid.txt`, "utf8")).toBe(`${one?.pid}\n`);
    await stop("-F", "pid");
  });

  testInstance("refuses a name that is taken, and words that are no names", async () => {
    await startOne("twice");
    const again = await lab.skiff(["instance", "start", "img", "twice"]);
    expect(again.code).toBe(255);
    expect(again.stderr).toStartWith("FATAL:   instance twice already exists");
    await stop("-F", "twice");
    for (const name of ["a b", "a/b", "..", "", "é", "x".repeat(201)]) {
      const { code, stderr } = await lab.skiff(["instance", "start", "img", name]);
      expect({ name, code }).toEqual({ name, code: 255 });
      expect(stderr).toContain(`${name} is not a valid instance name`);
    }
    const nested = await lab.skiff(["instance", "start", "instance://twice", "other"]);
    expect(nested.stderr).toContain("starting an instance from another is not allowed");
  });

  testInstance("of two at the same moment one gets the name", async () => {
    const starts = await Promise.all(
      Array.from({ length: 6 }, () => lab.skiff(["instance", "start", "img.sqfs", "race"])),
    );
    expect(starts.filter(({ code }) => code === 0)).toHaveLength(1);
    for (const { code, stderr } of starts) {
      if (code !== 0) expect(stderr).toContain("instance race already exists");
    }
    expect((await inside("race", "true")).code).toBe(0);
    await stop("-F", "race");
  });

  testInstance("a start script that cannot be run is a failure that leaves no record", async () => {
    mkdirSync(`${lab.dir}/bad/.singularity.d`, { recursive: true });
    writeFileSync(`${lab.dir}/bad/.singularity.d/startscript`, "#!/no/such\n", { mode: 0o755 });
    const failed = await lab.skiff(["instance", "start", "bad", "bad"]);
    expect(failed.code).toBe(255);
    expect(failed.stderr).toContain("/.singularity.d/startscript: no such file or directory");
    expect(await lab.list()).toEqual([]);
  });

  testInstance("an image without a start script is its process 1 alone", async () => {
    mkdirSync(`${lab.dir}/bare/bin`, { recursive: true });
    const started = await lab.skiff(["instance", "start", "bare", "bare"]);
    expect(started.stderr).toContain("INFO:    No instance start script found in container\n");
    expect(started.code).toBe(0);
    await stop("bare");
  });

  testInstance("keeps nothing of the caller open, so that a pipe to it ends", async () => {
    const piped = await lab.skiff([], {
      stdin: "",
      timeoutMs: 20_000,
    });
    expect(piped.code).toBe(1);
    const shell = `out=$(${skiffPath} instance start img.sqfs pipe 7>/dev/null 2>&1); echo "$out"
${skiffPath} exec instance://pipe sh -c 'ls -l /proc/1/fd /proc/2/fd' | grep -c -e pipe: -e null`;
    const { stdout } = await lab.skiff(["exec", "img", "true"]).then(() => runShell(shell));
    expect(stdout).toStartWith("INFO:    instance started successfully\n");
    await stop("-F", "pipe");
  });

  testInstance("survives the end of the session that started it", async () => {
    const { code } = await runShell(
      `setsid sh -c '${skiffPath} instance start img.sqfs session; kill -HUP -$$' 2>/dev/null; sleep 0.1; exit 0`,
    );
    expect(code).toBe(0);
    expect((await inside("session", "cat", "/proc/1/comm")).stdout).toBe("appinit\n");
    await stop("-F", "session");
  });
});

async function runShell(script: string): ReturnType<typeof lab.skiff> {
  const { run } = await import("../support/run.ts");
  return run(["sh", "-c", script], { cwd: lab.dir, extraEnv: lab.env });
}

describe("exec instance://", () => {
  testInstance("joins every namespace of the instance", async () => {
    await startOne("ns", "--ipc", "--uts", "--net", "--network", "none", "img.sqfs");
    const script = "for n in user mnt pid ipc uts net; do readlink /proc/$0/ns/$n; done";
    const [joined, init] = await Promise.all([
      inside("ns", "sh", "-c", 'exec sh -c \'exec sh -c "$0" self\' "$0"', script).then(() =>
        inside("ns", "sh", "-c", script, "self"),
      ),
      inside("ns", "sh", "-c", script, "1"),
    ]);
    expect(joined.stdout).toBe(init.stdout);
    expect(joined.stdout.trim().split("\n")).toHaveLength(6);
    await stop("-F", "ns");
  });

  testInstance("passes status, signal and input on", async () => {
    await startOne("status");
    expect((await inside("status", "sh", "-c", "exit 7")).code).toBe(7);
    expect((await inside("status", "sh", "-c", "kill -9 $$")).code).toBe(137);
    const echoed = await lab.skiff(["exec", "instance://status", "cat"], { stdin: "words\n" });
    expect(echoed.stdout).toBe("words\n");
    const missing = await inside("status", "no-such-program");
    expect(missing.code).toBe(255);
    expect(missing.stderr).toContain('"no-such-program": executable file not found in $PATH');
    await stop("-F", "status");
  });

  testInstance("has the environment of the image, of the caller and of the options", async () => {
    await startOne("env", "--env", "ONLY=start", "img.sqfs");
    const { stdout } = await lab.skiff(
      ["exec", "--env", "MINE=join", "--bind", "/tmp", "instance://env", "env"],
      { extraEnv: { CALLER: "here", HOSTVAR: "x" } },
    );
    const lines = stdout.split("\n");
    for (const line of [
      "APPTAINER_INSTANCE=env",
      "SINGULARITY_INSTANCE=env",
      "APPTAINER_COMMAND=exec",
      `APPTAINER_CONTAINER=${lab.dir}/img.sqfs`,
      "APPTAINER_BIND=/tmp",
      "E1=image",
      "E2=image-two",
      "E3=unset",
      "MINE=join",
      "CALLER=here",
    ]) {
      expect(lines).toContain(line);
    }
    expect(stdout).not.toContain("ONLY=");
    const ran = await lab.skiff(["run", "--app", "foo", "instance://env", "a"]);
    expect(ran).toMatchObject({ code: 0, stdout: "foo 1: a foo-env\n" });
    expect(await lab.skiff(["test", "instance://env", "a"])).toMatchObject({ code: 3 });
    await stop("-F", "env");
  });

  testInstance("has the home and the privileges of the instance", async () => {
    await startOne("root", "--fakeroot", "img");
    const { stdout } = await inside(
      "root",
      "sh",
      "-c",
      "id -u; echo $HOME; cat /proc/self/uid_map",
    );
    expect(stdout).toMatch(/^0\n\/root\n +0 +[0-9]+ +1\n/);
    await stop("-F", "root");
  });

  testInstance("starts in the caller's directory where the instance has it", async () => {
    await startOne("cwd", "--contain", "img.sqfs");
    const { stdout, stderr, code } = await inside("cwd", "sh", "-c", "pwd; env | grep ^PWD=");
    const home = stdout.split("\n")[0];
    expect(code).toBe(0);
    expect(stdout).toBe(`${home}\nPWD=${home}\n`);
    expect(stderr).toContain(
      `WARNING: Error changing the container working directory. Using '${home}'`,
    );
    expect((await lab.skiff(["exec", "--pwd", "/opt", "instance://cwd", "pwd"])).stdout).toBe(
      "/opt\n",
    );
    const missing = await lab.skiff(["exec", "--pwd", "/nosuch", "instance://cwd", "pwd"]);
    expect(missing.code).toBe(255);
    await stop("-F", "cwd");
  });

  testInstance("ignores what cannot change a running instance, and says what matters", async () => {
    await startOne("fixed");
    const { code, stderr } = await lab.skiff([
      ...["exec", "--fakeroot", "--memory", "1g", "--net", "--network", "none", "--overlay", "/x"],
      ...["--writable", "instance://fixed", "sh", "-c", "test $(id -u) != 0"],
    ]);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("INFO:    --fakeroot ignored when joining instance\n");
    expect(stderr).toContain("WARNING: Resource limits & cgroups configuration are only applied");
    await stop("-F", "fixed");
  });

  testInstance("is the same the third time, when it starts without being planned", async () => {
    await startOne("again");
    // Records of what changed a moment ago are not kept.
    await Bun.sleep(2100);
    const seen = new Set<string>();
    for (let i = 0; i < 4; i++)
      seen.add((await inside("again", "sh", "-c", "env | sort; pwd")).stdout);
    expect(seen.size).toBe(1);
    expect(knownLaunches(lab)).toBe(1);
    await stop("-F", "again");
    const gone = await inside("again", "sh", "-c", "env | sort; pwd");
    expect(gone.code).toBe(255);
    expect(gone.stderr).toContain("no instance found with name again");
  });

  testInstance("explain tells what it would be", async () => {
    await startOne("told");
    const { stdout } = await lab.skiff(["explain", "exec", "instance://told", "true"]);
    expect(stdout).toContain(`told of ${lab.dir}/img.sqfs`);
    expect(stdout).toContain("pid: the instance's");
    const plan = JSON.parse(
      (await lab.skiff(["explain", "--json", "exec", "instance://told", "true"])).stdout,
    );
    expect(plan).toMatchObject({ kind: "join", instance: { name: "told" } });
    await stop("-F", "told");
  });

  testInstance("says that there is none", async () => {
    const { code, stderr } = await inside("nobody", "true");
    expect(code).toBe(255);
    expect(stderr).toStartWith("FATAL:   no instance found with name nobody");
  });
});

describe("instance stop", () => {
  testInstance("takes a pattern, and all", async () => {
    for (const name of ["p1", "p2", "q1"]) await startOne(name, "img");
    expect((await lab.list("p?")).map((one) => one.instance)).toEqual(["p1", "p2"]);
    const said = await stop("-s", "SIGTERM", "p[12]");
    expect(said).toContain("Stopping p1 instance");
    expect(said).toContain("Stopping p2 instance");
    expect((await lab.list()).map((one) => one.instance)).toEqual(["q1"]);
    await stop("--all", "--signal", "15");
    expect(await lab.list()).toEqual([]);
  });

  testInstance("kills what does not end in time", async () => {
    await startOne("stubborn");
    const [one] = await lab.list("stubborn");
    await until(() => readFileSync(one?.logOutPath ?? "", "utf8").includes("started"));
    expect(await stop("-t", "1", "stubborn")).toContain(
      `INFO:    Killing stubborn instance of ${lab.dir}/img.sqfs`,
    );
  });

  testInstance("ends processes that left the program's group by the signal, too", async () => {
    await startOne("group", "img");
    const daemon =
      "trap 'echo daemon ended >>/tmp/daemon; exit' TERM; while :; do sleep 0.05; done";
    const started = await lab.skiff([
      "exec",
      "instance://group",
      "sh",
      "-c",
      `setsid sh -c '${daemon.replaceAll("'", `'"'"'`)}' >/dev/null 2>&1 & exit 0`,
    ]);
    expect(started.code).toBe(0);
    await stop("-s", "TERM", "group");
    expect(leftRunning(lab.dir)).toEqual([]);
  });

  testInstance("says what is wrong with its words", async () => {
    for (const [words, code, text] of [
      [[], 1, 'Error for command "stop": invalid command'],
      [["-a", "x"], 1, 'Error for command "stop": invalid command'],
      [["nobody"], 1, 'Error for command "stop": no instance found'],
      [
        ["-s", "NOSUCH", "-a"],
        255,
        "FATAL:   Could not convert stop signal: NOSUCH is not a number",
      ],
      [["-s", "99", "-a"], 255, "FATAL:   Could not convert stop signal: 99 is not a signal"],
    ] as const) {
      const stopped = await lab.skiff(["instance", "stop", ...words]);
      expect(stopped.stderr).toStartWith(text);
      expect(stopped.code).toBe(code);
    }
  });
});

describe("instance list, stats and unit", () => {
  testInstance("show what runs", async () => {
    expect((await lab.skiff(["instance", "list"])).stdout).toBe(
      "INSTANCE NAME    PID    IP    IMAGE\n",
    );
    await startOne("shown", "--env", "A=b c$d%e", "img");
    const [one] = await lab.list();
    const { stdout } = await lab.skiff(["instance", "list"]);
    expect(stdout).toBe(
      `INSTANCE NAME    PID${" ".repeat(String(one?.pid).length + 1)}IP    IMAGE\nshown            ${one?.pid}          ${lab.dir}/img\n`,
    );
    const logs = (await lab.skiff(["instance", "list", "--logs"])).stdout;
    expect(logs).toContain(`${one?.logErrPath}\n`);
    expect(logs).toContain(`${one?.logOutPath}\n`);
    const stats = await lab.skiff(["instance", "stats", "--no-stream", "--json", "shown"]);
    expect(JSON.parse(stats.stdout)).toMatchObject({ instance: "shown", pid: one?.pid });
    expect(JSON.parse(stats.stdout).pids).toBeGreaterThan(1);
    const unit = (await lab.skiff(["instance", "unit", "shown"])).stdout;
    expect(unit).toContain("Type=forking\nPIDFile=%t/skiff-shown.pid\n");
    expect(unit).toContain('"--env=A=b c$$d%%e"');
    expect(unit).toContain("-- img shown\n");
    await stop("-F", "shown");
  });

  testInstance("refuse what is not theirs", async () => {
    for (const [words, code, text] of [
      [["list", "-j", "-l"], 255, "FATAL:   more than one flags have been set"],
      [["list", "-u", "root"], 255, "FATAL:   Only root user can list user's instances"],
      [["stats", "nobody"], 1, 'Error for command "stats": no instance found'],
      [["unit", "nobody"], 1, 'Error for command "unit": no instance found'],
    ] as const) {
      const refused = await lab.skiff(["instance", ...words]);
      expect(refused.stderr).toStartWith(text);
      expect(refused.code).toBe(code);
    }
  });
});
