import { beforeAll, describe, expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { type Finished, start } from "../support/run.ts";
import { testUnless } from "../support/skip.ts";
import { callerLab, mustSucceed } from "./caller-lab.ts";
import { buildSmallImage, noSmallImage } from "./small-image.ts";

const reason = noSmallImage();
const lab = callerLab();
const testTask = testUnless(reason);

beforeAll(async () => {
  if (reason !== undefined) return;
  const sections = "%environment\n    export GREETING=image\n";
  await buildSmallImage(lab, "image.img", sections);
  lab.makeDir("data");
  lab.write("data/input", "input\n");
});

const ENGINES = [
  ["singularity", "SINGULARITYENV_"],
  ["apptainer", "APPTAINERENV_"],
] as const;

interface Task {
  readonly engine: (typeof ENGINES)[number];
  readonly script: string;
  /** Words before the verb and after it. */
  readonly engineOptions?: string;
  readonly runOptions?: string;
}

let count = 0;

/** Numbers of seconds that no other process of the machine sleeps for: what `ps` finds them by. */
const LONG = 100_000 + 2 * process.pid;
const LONGER = LONG + 1;

/**
 * The wrapper script of a task, as Nextflow writes it into the task's directory: an emptied
 * environment, output through named pipes, the status kept in a file, signals passed on.
 */
function wrapper(dir: string, { engine, script, engineOptions = "", runOptions = "" }: Task): void {
  const [name, prefix] = engine;
  lab.write(`${dir}/.command.sh`, `#!/bin/bash -ue\n${script}\n`);
  lab.write(
    `${dir}/.command.run`,
    `#!/bin/bash
set -e
set -u
NXF_TASK_WORKDIR="$PWD"
container_env() {
cat << EOF
export ADDED="\\$GREETING/more"
EOF
}
launch() {
    set +u; env - PATH="$PATH" \${TMP:+${prefix}TMP="$TMP"} \${TMPDIR:+${prefix}TMPDIR="$TMPDIR"} ${prefix}NXF_TASK_WORKDIR="$NXF_TASK_WORKDIR" ${prefix}WORDS='two words; *'  ${name} ${engineOptions} exec --no-home --pid ${runOptions} -B ${lab.dir} -B ${lab.dir}/data:/data:ro ${lab.dir}/image.img /bin/bash -c "cd \\"$NXF_TASK_WORKDIR\\"; eval $(container_env); /bin/bash -ue '${lab.dir}/${dir}/.command.sh'"
}
kill_tree() {
    local child
    for child in $(pgrep -P "$1"); do kill_tree "$child"; done
    kill "$1" 2>/dev/null || true
}
on_term() { set +e; [[ "$pid" ]] && kill_tree "$pid"; }
trap on_term TERM INT USR2
pipes=$(mktemp -d)
mkfifo "$pipes/out" "$pipes/err"
tee .command.out <"$pipes/out" & tee1=$!
tee .command.err <"$pipes/err" >&2 & tee2=$!
(launch >"$pipes/out" 2>"$pipes/err") & pid=$!
status=0
wait $pid || status=$?
wait $pid 2>/dev/null || status=$?
wait $tee1 $tee2
rm -r "$pipes"
echo $status >.exitcode
exit $status
`,
  );
}

/** Makes the directory of a task, with a blank in its name. */
function prepareTask(task: Task): string {
  const name = `work ${++count}`;
  lab.makeDir(name);
  wrapper(name, task);
  return `${lab.dir}/${name}`;
}

/** Runs a task and gives what it left in its directory. */
async function runTask(task: Task): Promise<Finished & { readonly dir: string }> {
  const dir = prepareTask(task);
  return { ...(await lab.run(["/bin/bash", ".command.run"], { cwd: dir })), dir };
}

describe.each(ENGINES)("a task of Nextflow by %s", (...engine) => {
  testTask("starts with an emptied environment and ends with its status", async () => {
    const done = await runTask({
      engine,
      script: `printf '%s\\n' "$PWD" "$WORDS" "$GREETING" "$ADDED" "\${TMPDIR-unset}" "$HOME"
echo result >'out file.txt'; echo problem >&2; exit 42`,
    });
    const lines = [done.dir, "two words; *", "image", "image/more", "unset"];
    const home = (await lab.sh("getent passwd $(id -u) | cut -d: -f6")).stdout;
    expect(done.stdout).toBe(`${lines.join("\n")}\n${home}`);
    expect(done.stderr).toBe("problem\n");
    expect(done.code).toBe(42);
    expect(readFileSync(`${done.dir}/.exitcode`, "utf8")).toBe("42\n");
    expect(readFileSync(`${done.dir}/out file.txt`, "utf8")).toBe("result\n");
  });

  testTask("is process 1's child in a PID namespace, and leaves no process behind", async () => {
    const done = await runTask({
      engine,
      script: `[ "$(readlink /proc/self/ns/pid)" != "${(await lab.run(["readlink", "/proc/self/ns/pid"])).stdout.trim()}" ]
(sleep ${LONG} & ) ; echo $$; until ps | grep -q '[s]leep ${LONG}'; do sleep 0.01; done`,
    });
    mustSucceed(done);
    expect(Number(done.stdout)).toBeLessThan(50);
    expect((await lab.run(["pgrep", "-f", `sleep ${LONG}`])).stdout).toBe("");
  });

  testTask("has no home, reads its inputs, and writes only where it may", async () => {
    const done = await runTask({
      engine,
      engineOptions: "-q  --silent",
      runOptions: "  --writable-tmpfs -e  ",
      script: `ls -A "$HOME" 2>/dev/null | wc -l
cat /data/input; touch /data/new 2>/dev/null || echo read-only`,
    });
    mustSucceed(done);
    expect(done.stdout).toBe("0\ninput\nread-only\n");
    expect(existsSync(`${lab.dir}/data/new`)).toBe(false);
  });

  testTask("ends as a whole when Nextflow gives it up", async () => {
    const task = prepareTask({ engine, script: `sleep ${LONGER} & echo up; wait; echo never` });
    const child = start(["/bin/bash", "-c", `cd "$1" && exec /bin/bash .command.run`, "sh", task], {
      extraEnv: { PATH: lab.path },
    });
    await waitFor(async () => (await lab.run(["cat", `${task}/.command.out`])).stdout === "up\n");
    child.kill("SIGTERM");
    expect(await child.exited).toBe(143);
    expect(await child.stdout.text()).toBe("up\n");
    await waitFor(async () => (await lab.run(["pgrep", "-f", `sleep ${LONGER}`])).stdout === "");
    await waitFor(
      async () => (await lab.run(["pgrep", "-f", `squashfuse.*${lab.dir}/image`])).stdout === "",
    );
  });
});

async function waitFor(condition: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await condition()); await Bun.sleep(50)) {
    if (Date.now() > end) throw new Error("It did not come true within 20 seconds");
  }
}
