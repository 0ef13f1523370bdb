import { describe, expect } from "bun:test";
import { writeTree } from "./image-tree.ts";
import { make, peerLab } from "./peer-lab.ts";

/** Programs, scripts, apps, exit statuses and messages (reference: runtime.md 3 and 10). */
const { same, differ } = peerLab(async (lab) => {
  await make(lab, "cp -a bare plain && mkdir static && cp bare/bin/busybox static/busybox");
  writeTree(`${lab.outside}/img`, {
    "/bin/noexec": "#!/bin/sh\necho no\n",
    "/bin/noshebang": { program: 'echo "noshebang $*"\n' },
    "/bin/badinterp": { program: "#!/no/such/interpreter\n" },
    "/bin/empty": { program: "" },
    "/bin/garbage": { program: "\u007fELF garbage\n" },
    "/opt/dir/x": "",
  });
  await make(
    lab,
    "cp -a img scripts && printf 'echo \"bare run $*\"\\n' > scripts/.singularity.d/runscript",
  );
  await make(lab, "cp -a bare noshell && rm noshell/bin/sh");
});

describe("exec", () => {
  const rows: readonly (readonly [string, readonly string[], number?, RegExp?])[] = [
    ["a program of PATH", ["exec", "@img", "echo", "a b", "c"], 0],
    ["a path", ["exec", "@img", "/bin/echo", "x"], 0],
    ["a relative path", ["exec", "--pwd", "/bin", "@img", "./echo", "x"], 0],
    ["options of the command", ["exec", "@img", "echo", "--bind", "-e", "--"], 0],
    ["an empty word", ["exec", "@img", "echo", "", "x"], 0],
    ["its status", ["exec", "@img", "sh", "-c", "exit 42"], 42],
    ["status 255", ["exec", "@img", "sh", "-c", "exit 255"], 255],
    ["death by SIGTERM", ["exec", "@img", "sh", "-c", "kill -TERM $$"], 143],
    ["death by SIGKILL", ["exec", "@img", "sh", "-c", "kill -KILL $$"], 137],
    ["death by SIGSEGV", ["exec", "@img", "sh", "-c", "ulimit -c 0; kill -SEGV $$"], 139],
    [
      "a program that is not there",
      ["exec", "@img", "nosuch"],
      255,
      /"nosuch": executable file not found in \$PATH/,
    ],
    ["a path that is not there", ["exec", "@img", "/no/such"], 255, /no such file or directory/],
    ["a file that may not be executed", ["exec", "@img", "/bin/noexec"], 255, /permission denied/],
    ["one in PATH", ["exec", "@img", "noexec"], 255],
    ["a directory", ["exec", "@img", "/opt/dir"], 255],
    ["a script without #!", ["exec", "@img", "noshebang", "a", "b"], 0],
    ["a script whose interpreter is missing", ["exec", "@img", "badinterp"], 255, /missing/],
    ["an empty file", ["exec", "@img", "empty"], 0],
    [
      "an image that is not there",
      ["exec", "/no/such.sif", "true"],
      255,
      /could not open image \/no\/such.sif: failed to retrieve path/,
    ],
    [
      "a file that is no image",
      ["exec", "@lab/data/file", "true"],
      255,
      /image format not recognized/,
    ],
    ["the root directory", ["exec", "/", "true"], 255],
    ["an unknown transport", ["exec", "foo://bar", "true"], 255, /Unsupported transport type/i],
    ["a name with a colon", ["exec", "foo:bar", "true"], 255],
    ["an image in a directory that is not there", ["exec", "@lab/x/y.sif", "true"], 255],
    ["a directory with one program", ["exec", "@lab/static", "/busybox", "echo", "static"], 0],
    ["a bare root", ["exec", "@lab/plain", "echo", "bare"], 0],
    ["no shell at all", ["exec", "@lab/noshell", "echo", "hi"], 0],
    ["environment scripts without a shell", ["exec", "@lab/noshell", "env"], 0],
  ];
  for (const [name, words, code, says] of rows) {
    same(name, {
      words: words.at(-1) === "env" ? ["exec", "@lab/noshell", "sh"] : words,
      ...(code === undefined || words.at(-1) === "env" ? {} : { code }),
      ...(says === undefined ? {} : { says }),
    });
  }
  differ(
    "a damaged program is no shell script",
    { words: ["exec", "@img", "garbage"] },
    (_, skiff) => {
      expect(skiff.code).toBe(255);
      expect(skiff.stderr).toMatch(/exec format error|built for another machine/);
    },
  );
});

describe("wrong usage", () => {
  for (const words of [
    ["exec"],
    ["exec", "@img"],
    ["exec", "--nonsense", "@img", "true"],
    ["run"],
  ]) {
    differ(
      `${words.join(" ")}: each tool's own help, the same status`,
      { words },
      (peer, skiff) => {
        expect([peer.code, skiff.code]).toEqual([1, 1]);
      },
    );
  }
});

describe("the name of the program", () => {
  const show = "tr '\\0' ' ' </proc/self/cmdline; echo $0";
  same("is its path, for one of PATH", { words: ["exec", "@img", "sh", "-c", show] });
  same("is its path, for one of the working directory", {
    words: ["exec", "--pwd", "/bin", "@img", "./sh", "-c", show],
  });
  same("is as given, for a path", { words: ["exec", "@img", "/bin/../bin/sh", "-c", show] });
  for (const [name, dir, word] of [
    ["words that lead up", "/bin", "../bin/sh"],
    ["words that lead up and down", "/", "bin/../bin//sh"],
    ["a directory that is not there", "/", "nosuch/../bin/./sh"],
    ["above the root", "/bin", "../../../bin/sh"],
  ] as const) {
    same(`is without ${name}`, {
      words: ["exec", "--pwd", dir, "@img", word, "-c", show],
      code: 0,
    });
  }
  for (const path of ["/bin/", "/usr/../bin", ":/nosuch", "../bin"]) {
    same(`is its path, for PATH=${path}`, {
      words: ["exec", "--pwd", "/bin", "--env", `PATH=${path}`, "@img", "sh", "-c", "echo $0"],
      code: 0,
    });
  }
  same("is what a name of --shell leads to", {
    words: ["shell", "--shell", "sh", "@img"],
    stdin: "echo $0\n",
  });
});

describe("run", () => {
  same("the runscript", { words: ["run", "@img", "a", "b c"], prints: "run 2: a b c" });
  same("of a SIF", { words: ["run", "@sif", "a"], prints: "run 1: a" });
  same("a runscript without #!", {
    words: ["run", "@lab/scripts", "x", "y"],
    prints: "bare run x y",
  });
  same("no runscript: /bin/sh", {
    words: ["run", "@lab/plain", "-c", "echo from sh $0"],
    says: /No runscript found in container, executing \/bin\/sh/,
  });
  same("no runscript and no shell", { words: ["run", "@lab/noshell"], code: 1 });
  same("no runscript, standard input", {
    words: ["run", "@lab/plain"],
    stdin: "echo piped\n",
    prints: "piped",
  });
  same("flags after the image are the script's", {
    words: ["run", "@img", "--bind", "x"],
    prints: "run 2: --bind x",
  });
  same("--app", { words: ["run", "--app", "foo", "@img", "a", "b"], prints: "foo 2: a b foo-env" });
  same("an app that is not there", { words: ["run", "--app", "bar", "@img"], code: 1 });
  same("APPTAINER_APP", {
    words: ["run", "@img", "a"],
    env: { APPTAINER_APP: "foo" },
    prints: "foo 1: a",
  });
  same("exec with --app", {
    words: [
      "exec",
      "--app",
      "foo",
      "@img",
      "sh",
      "-c",
      "foo-tool; echo $FOO $SCIF_APPNAME $APPTAINER_APPNAME",
    ],
    prints: "foo-tool",
  });
  same("exec with an app that is not there", {
    words: ["exec", "--app", "bar", "@img", "true"],
    code: 1,
  });
});

describe("test", () => {
  same("the test script", { words: ["test", "@img", "a"], code: 3, prints: "test 1: a" });
  same("of an app", { words: ["test", "--app", "foo", "@img"], code: 4, prints: "foo test" });
  differ("none in a bare root is no failure", { words: ["test", "@lab/plain"] }, (_, skiff) => {
    expect(skiff.code).toBe(0);
    expect(skiff.stderr).toContain("No test script found in container, exiting");
  });
});

describe("shell", () => {
  same("commands from standard input", {
    words: ["shell", "@img"],
    stdin: "echo $0 $-; echo $E1\nexit 5\n",
    code: 5,
  });
  same("--shell", { words: ["shell", "--shell", "/bin/sh", "@img"], stdin: "echo $SHELL\n" });
  same("--shell of a missing program", {
    words: ["shell", "--shell", "/bin/nosuch", "@img"],
    stdin: "echo $SHELL\n",
  });
  same("APPTAINER_SHELL", {
    words: ["shell", "@img"],
    env: { APPTAINER_SHELL: "/bin/sh" },
    stdin: "echo $SHELL $APPTAINER_SHELL\n",
  });
  same("no shell in the image", { words: ["shell", "@lab/noshell"], code: 1 });
  same("further words", {
    words: ["shell", "@img", "extra"],
    stdin: "echo hi\n",
    prints: "hi",
    says: /WARNING/,
  });
  same("--app", {
    words: ["shell", "--app", "foo", "@img"],
    stdin: "foo-tool\n",
    prints: "foo-tool",
  });
});

describe("the environment, in the main", () => {
  const show = "env | grep -vE '^(_|USER_PATH|SINGULARITY_COMMAND|SHLVL|OLDPWD)=' | sort";
  const rows: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>?])[] =
    [
      ["plain", []],
      ["--cleanenv", ["--cleanenv"]],
      ["--containall", ["--containall"]],
      ["--compat", ["--compat"]],
      ["--fakeroot", ["--fakeroot"]],
      ["--env", ["--env", "A=1,B=2", "--env", "C=$HOME"]],
      ["--env over the image", ["--env", "E1=mine"]],
      ["--no-eval", ["--no-eval", "--env", "C=$HOME"]],
      ["--env with blanks in the list", ["--env", "A=1, B=2"]],
      ["--env-file", ["--env-file", "@own/env"]],
      ["--env-file with backslashes", ["--env-file", "@own/escapes"]],
      ["--env-file that would run a program", ["--env-file", "@own/runs"]],
      ["--home", ["--home", "@lab/data:/users/me"]],
      ["--bind", ["--bind", "@lab/data:/a"]],
      ["a variable of the host", [], { HOSTVAR: "host", E1: "host" }],
      ["APPTAINERENV", [], { APPTAINERENV_E1: "over", SINGULARITYENV_X: "y" }],
      [
        "PATH extended",
        [],
        { APPTAINERENV_PREPEND_PATH: "/pre", APPTAINERENV_APPEND_PATH: "/post" },
      ],
      ["LD_LIBRARY_PATH", ["--env", "LD_LIBRARY_PATH=/x"]],
      ["--nv without a GPU", ["--nv"]],
      ["--pid", ["--pid"]],
    ];
  for (const [name, flags, env] of rows) {
    for (const image of ["@img", "@lab/plain"]) {
      same(`${name}, ${image}`, {
        before:
          "printf 'F1=one\\nexport F2=\"$F1 two\"\\n' > @own/env; printf 'R=^\\\\d+$\nL=/a/\\\\$LIB/b\n' > @own/escapes; printf 'G=$(uname)\nH=1\n[ -d / ] && I=2\n' > @own/runs",
        words: ["exec", ...flags, image, "sh", "-c", show],
        ...(env === undefined ? {} : { env }),
      });
    }
  }
  same("an empty environment", {
    words: ["exec", "@img", "sh", "-c", show],
    emptyEnv: true,
  });
});

describe("messages", () => {
  const rows: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["--quiet says no INFO", ["--quiet", "run", "@lab/plain", "-c", "true"], /^$/],
    ["--silent too", ["--silent", "run", "@lab/plain", "-c", "true"], /^$/],
    ["glued global flags", ["-s", "-q", "run", "@lab/plain", "-c", "true"], /^$/],
  ];
  for (const [name, words, says] of rows) same(name, { words, says, code: 0 });
});
