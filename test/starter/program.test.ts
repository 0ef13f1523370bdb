import { describe, expect, test } from "bun:test";
import type { Op } from "../../src/ops/op.ts";
import { useStarter } from "./driver.ts";
import { environ, exec, execFirst, script } from "./make-op.ts";

const starter = useStarter();
const { place } = starter;

starter.prepare(`
  mkdir -p bin first second/dir; cd bin
  printf 'echo script "$0" "$@"\\n' > plain; printf '#!/bin/sh\\necho "$@"\\n' > shebang
  printf '#!/nosuch/interpreter\\n' > broken; printf '\\0\\1\\2' > garbage
  # An ELF header of a machine that this is not.
  printf '\\177ELF\\2\\1\\1\\0\\0\\0\\0\\0\\0\\0\\0\\0\\2\\0\\377\\376' > elf; head -c 200 /dev/zero >> elf
  printf 'x' > closed; printf '#!/bin/sh\\necho "$0"\\n' > named; chmod 755 plain shebang named broken garbage elf
  printf '#!/bin/sh\\necho second\\n' > ../second/tool; chmod 755 ../second/tool; touch ../first/tool ../first/only-here
`);

/** One text for each number that the exec op tells apart. */
const faults = [2, 8, 13, 20, 21, 79].map((errno) => ({ errno, text: `errno ${errno}` }));

async function failure(op: Op, env: Record<string, string> = {}): Promise<string> {
  const done = await starter.run([{ op, faults }], { extraEnv: env });
  expect(done.code).toBe(255);
  return done.stderr;
}

describe("exec", () => {
  test("passes arguments, environment and exit status", async () => {
    const op = exec("/bin/sh", "-c", 'echo "$1|$2|$V"; exit 7', "sh", "a b", "");
    const done = await starter.run([op], { env: { V: "x\ny" } });
    expect(done).toEqual({ code: 7, stdout: "a b||x\ny\n", stderr: "" });
  });

  test("keeps the PID of the caller's child, and descriptors it was given", async () => {
    const child = starter.start([script("echo $$; ls -l /proc/self/fd")], {
      before: "exec 7</etc/passwd;",
    });
    const lines = (await child.stdout.text()).trim().split("\n");
    expect(lines[0]).toBe(String(child.pid));
    const numbers = lines.flatMap((line) => / (\d+) -> /.exec(line)?.[1] ?? []);
    // 3 is the directory that ls reads.
    expect(numbers.sort()).toEqual(["0", "1", "2", "3", "7"]);
  });

  test("gives the program the null device for a stream that the caller had closed", async () => {
    const done = await starter.run([script("readlink /proc/$$/fd/0")], { before: "exec 0<&-;" });
    expect(done.stdout).toBe("/dev/null\n");
  });

  test("resets signals: a broken pipe ends the program", async () => {
    const ignored = "trap '' PIPE XFSZ USR1 TERM;";
    const masks = script("grep -E 'Sig(Blk|Ign)' /proc/self/status");
    const done = await starter.run([masks], { before: ignored });
    expect(done.stdout).toBe("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  });

  test("keeps what nohup and background shells ignore", async () => {
    const done = await starter.run([script("grep SigIgn /proc/self/status")], {
      before: "trap '' HUP INT QUIT PIPE;",
    });
    expect(done.stdout).toBe("SigIgn:\t0000000000000007\n");
  });

  test("dies by a signal as the program does", async () => {
    const child = starter.start([script("kill -TERM $$")]);
    await child.exited;
    expect(child.signalCode).toBe("SIGTERM");
  });

  test("runs a script without #! by the shell", async () => {
    const done = await starter.run([exec(`${place}/bin/plain`, "a", "b")]);
    expect(done.stdout).toBe(`script ${place}/bin/plain a b\n`);
  });

  test.each([
    ["a file that is not there", `${place}/nosuch`, 2],
    ["a path through a file", `${place}/bin/plain/x`, 2],
    ["a name that is nowhere in PATH", "no-such-program", 2],
    ["an empty name", "", 2],
    ["a binary for another machine", `${place}/bin/elf`, 8],
    ["bytes that are no program", `${place}/bin/garbage`, 8],
    ["a file that may not be executed", `${place}/bin/closed`, 13],
    ["a directory", `${place}/second`, 21],
    ["a missing interpreter", `${place}/bin/broken`, 79],
  ])("tells apart %s", async (_, word, errno) => {
    expect(await failure(exec(word))).toBe(`FATAL:   errno ${errno}\n`);
  });

  test("looks in PATH as a shell does", async () => {
    const PATH = `${place}/nosuch:${place}/first:${place}/second:/bin`;
    const done = await starter.run([exec("tool")], { extraEnv: { PATH } });
    expect(done.stdout).toBe("second\n");
    expect(await failure(exec("only-here"), { PATH })).toBe("FATAL:   errno 13\n");
    expect(await failure(exec("dir"), { PATH: `${place}/second` })).toBe("FATAL:   errno 13\n");
    const here = await starter.run([exec("shebang", "x")], {
      extraEnv: { PATH: `${place}/first:` },
      cwd: `${place}/bin`,
    });
    expect(here.stdout).toBe("x\n");
    expect((await starter.run([exec("true")], { env: {} })).code).toBe(0);
  });

  test("calls the program by its whole path where that is asked for", async () => {
    const name = async (word: string, PATH: string): Promise<string> => {
      const op = { ...exec(word, "-c", "tr '\\0' ' ' </proc/$$/cmdline"), fullName: 1 };
      const { stdout } = await starter.run([op], { extraEnv: { PATH }, cwd: `${place}/bin` });
      return stdout.split(" ")[0] ?? "";
    };
    expect(await name("sh", "/nosuch:/bin")).toBe("/bin/sh");
    expect(await name("/bin/../bin/sh", "/bin")).toBe("/bin/../bin/sh");
    const shebang = { ...exec("./named"), fullName: 1 };
    const done = await starter.run([shebang], { cwd: `${place}/bin` });
    expect(done.stdout).toBe(`${place}/bin/named\n`);
    const inPath = await starter.run([{ ...exec("named"), fullName: 1 }], {
      extraEnv: { PATH: ".:/bin" },
      cwd: `${place}/bin`,
    });
    expect(inPath.stdout).toBe(`${place}/bin/named\n`);
  });

  test("takes the first candidate that exists, and says its note", async () => {
    const op = execFirst([
      { words: ["/nosuch/run", "x"], note: "first" },
      { words: ["no-such-name"], note: "second" },
      { words: [`${place}/bin/shebang`, "y", "100%e"], note: "INFO:    100%e taken" },
      { words: ["/bin/false"], note: "last" },
    ]);
    const done = await starter.run([op]);
    expect(done).toEqual({ code: 0, stdout: "y 100%e\n", stderr: "INFO:    100%e taken\n" });
  });

  test("does not go on when a candidate exists but cannot be run", async () => {
    const op = execFirst([{ words: [`${place}/bin/closed`] }, { words: ["/bin/true"] }]);
    expect(await failure(op)).toBe("FATAL:   errno 13\n");
  });

  test("refuses counts that do not fit", async () => {
    const op: Op = { kind: "exec", words: ["a"], counts: ["2"], notes: [], fullName: 0 };
    expect((await starter.run([op])).stderr).toBe("FATAL:   exec: invalid argument\n");
  });
});

describe("environ", () => {
  const write = (text: string) => ["sh", "-c", `printf '${text}' >&3`];

  test("replaces the environment, but for what is kept", async () => {
    const op = environ(write("A=1\\0B=two words\\0C=\\0KEEP_B=new\\0\\0"), { keep: ["KEEP_"] });
    const done = await starter.run([op, exec("/usr/bin/env")], {
      env: { A: "old", Z: "26", KEEP_A: "kept", KEEP_B: "old" },
    });
    expect(done.stdout.trim().split("\n").sort()).toEqual([
      "A=1",
      "B=two words",
      "C=",
      "KEEP_A=kept",
      "KEEP_B=new",
    ]);
  });

  test("may leave nothing at all", async () => {
    const done = await starter.run([environ(write("\\0")), exec("/usr/bin/env")]);
    expect(done).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("runs the program from a descriptor, which the container's program does not get", async () => {
    for (const fd of [3, 9]) {
      const op = environ(write("PATH=/bin\\0\\0"), { fd, path: "" });
      const program = script(`[ -e /proc/$$/fd/${fd} ] && echo ${fd}; echo $PATH`);
      // The stream itself is at 3: it moves away, and the shell takes its number.
      const before = `exec ${fd === 3 ? "5" : "3"}<"$1" ${fd}</bin/sh; exec "$0" ${fd === 3 ? "5" : "3"};`;
      const done = await starter.run([op, program], { before });
      expect(done).toEqual({ code: 0, stdout: "/bin\n", stderr: "" });
    }
  });

  test("gives the program its own environment and streams", async () => {
    const argv = ["sh", "-c", 'echo "$X"; read line; echo "$line" >&2; printf "\\0" >&3'];
    const op = environ(argv, { env: ["X=own"] });
    const done = await starter.run([op, exec("/bin/cat")], { stdin: "one\n" });
    expect(done).toEqual({ code: 0, stdout: "own\n", stderr: "one\n" });
  });

  test.each([
    ["exit 3", 3],
    ["exit 0", 1],
    ["kill -9 $$", 137],
    ["printf A=1 >&3", 1],
    ["printf 'A=1\\0' >&3; exit 4", 4],
  ])("ends the launch when no whole environment came: %s", async (text, code) => {
    const done = await starter.run([environ(["sh", "-c", text]), exec("/bin/echo", "no")]);
    expect(done).toEqual({ code, stdout: "", stderr: "" });
  });

  test("fails with ETIMEDOUT when it takes too long, before or after its words", async () => {
    for (const text of ["exec sleep 60", 'printf "A=1\\0\\0" >&3; exec sleep 60']) {
      const op = environ(["sh", "-c", text], { timeoutMs: 50 });
      const done = await starter.run([op, exec("/bin/true")]);
      expect(done.stderr).toMatch(/^FATAL: {3}environ: .*timed out\n$/);
      expect(done.code).toBe(255);
    }
  });

  test("does not wait for what the program left behind", async () => {
    const argv = ["sh", "-c", 'sleep 60 >/dev/null 2>&1 & printf "P=$!\\0\\0" >&3'];
    const done = await starter.run([environ(argv), script('kill "$P"; echo on')]);
    expect(done.stdout).toBe("on\n");
  });

  test("takes an environment of two megabytes", async () => {
    const argv = [
      "sh",
      "-c",
      "for i in $(seq 20); do printf \"V$i=%100000d\\0\" 0; done >&3; printf '\\0' >&3",
    ];
    const done = await starter.run([environ(argv), script("env | wc -c")], {
      before: "ulimit -s unlimited;",
    });
    expect(Number(done.stdout)).toBeGreaterThan(2_000_000);
  });
});

describe("what the program starts with", () => {
  test("umask: the caller's, or the one that was asked for", async () => {
    const before = "umask 027;";
    expect((await starter.run([script("umask")], { before })).stdout).toBe("0027\n");
    const op: Op = { kind: "umask", mask: 0o77 };
    expect((await starter.run([op, script("umask")], { before })).stdout).toBe("0077\n");
  });

  test("rlimit sets both limits", async () => {
    const op: Op = { kind: "rlimit", resource: 7, soft: 100, hard: 200 };
    const core: Op = { kind: "rlimit", resource: 4, soft: 0, hard: Number.POSITIVE_INFINITY };
    const done = await starter.run([op, core, script("ulimit -Sn; ulimit -Hn; ulimit -Sc")]);
    expect(done.stdout).toBe("100\n200\n0\n");
  });

  test("chdir takes the first directory that works and warns about the others", async () => {
    const to = (candidates: string[]): Op => ({
      kind: "chdir",
      candidates,
      warning: "WARNING: %e",
    });
    expect(await starter.run([to(["/usr/bin"]), exec("pwd")])).toEqual({
      code: 0,
      stdout: "/usr/bin\n",
      stderr: "",
    });
    expect(await starter.run([to(["/nosuch", "/etc/hosts", "/usr"]), exec("pwd")])).toEqual({
      code: 0,
      stdout: "/usr\n",
      stderr: "WARNING: no such file or directory\n",
    });
    expect((await starter.run([to(["/etc/hosts", "/nosuch"]), exec("pwd")])).stderr).toBe(
      "FATAL:   chdir: not a directory\n",
    );
  });

  test("the working directory is the caller's when nothing is mounted", async () => {
    expect((await starter.run([exec("pwd")], { cwd: "/usr" })).stdout).toBe("/usr\n");
  });
});

describe("what is printed", () => {
  test("say prints its text as it is", async () => {
    const done = await starter.run([{ kind: "say", text: "INFO: 100%e %% ü\nx" }, exec("true")]);
    expect(done.stderr).toBe("INFO: 100%e %% ü\nx\n");
  });

  test("a failure takes the text of its number, else the general one, else the kernel's", async () => {
    const op: Op = { kind: "chdir", candidates: ["/nosuch"], warning: "" };
    const stderr = async (texts: { errno: number; text: string }[]) =>
      (await starter.run([{ op, faults: texts }])).stderr;
    const exact = { errno: 2, text: "100%% gone: %e (%o)" };
    const general = { errno: 0, text: "general" };
    const no = "no such file or directory";
    expect(await stderr([general, exact])).toBe(`FATAL:   100% gone: ${no} (${no})\n`);
    expect(await stderr([{ errno: 5, text: "no" }, general])).toBe("FATAL:   general\n");
    expect(await stderr([])).toBe(`FATAL:   ${no}\n`);
  });

  test("debugging shows every op before it is carried out", async () => {
    const done = await starter.run([{ kind: "umask", mask: 0o22 }, exec("/bin/true")], {
      debug: true,
      colour: true,
    });
    expect(done.stderr).toBe("DEBUG    set the umask to 0022\nDEBUG    execute /bin/true\n");
  });

  test("a broken stream is refused with 255", async () => {
    const file = starter.writeStream(new Uint8Array([1, 2, 3]));
    const done = Bun.spawnSync(["/bin/sh", "-c", `exec "$0" 3 3<"$1"`, starter.path, file]);
    expect(done.exitCode).toBe(255);
    expect(done.stderr.toString()).toBe("Bad message\n");
    for (const word of ["2", "x", "99", "-1", ""]) {
      expect(Bun.spawnSync([starter.path, word]).exitCode).toBe(255);
    }
  });
});
