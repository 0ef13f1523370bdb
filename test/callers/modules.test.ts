import { beforeAll, describe, expect } from "bun:test";
import { testUnless } from "../support/skip.ts";
import { callerLab, mustSucceed } from "./caller-lab.ts";
import { buildSmallImage, noSmallImage } from "./small-image.ts";

const reason = noSmallImage();
const lab = callerLab();
const testModule = testUnless(reason);
const ENGINES = ["singularity", "apptainer"] as const;

beforeAll(async () => {
  if (reason !== undefined) return;
  const sections = `%environment
    export GREETING="from the image" ORDER="\${ORDER}90 "
%runscript
    #!/bin/bash
    eval "$@"
`;
  await buildSmallImage(lab, "tool.sif", sections);
  lab.makeDir("module");
  lab.write(
    "module/99-shpc.sh",
    `#!/bin/bash
# Added to the environment of the container by the module
export TOOL_HOME="/opt/tool" PATH="$PATH:/opt/tool/bin"
export ORDER="\${ORDER}99-shpc"
`,
  );
  lab.makeDir("data");
  lab.write("data/file.txt", "bound\n");
  for (const engine of ENGINES) {
    for (const [verb, words] of [
      ["run", ""],
      ["exec", "sh"],
      ["shell", ""],
    ]) {
      const shell = verb === "shell" ? "-s /bin/sh" : "";
      lab.write(
        `module/${engine}-${verb}`,
        `#!/bin/bash
wrapper_bin=$(dirname "$(realpath "$0")")
${engine} \${SINGULARITY_OPTS} ${verb} \${SINGULARITY_COMMAND_OPTS} ${shell} -B $wrapper_bin/99-shpc.sh:/.singularity.d/env/99-shpc.sh -B ${lab.dir}/data:/opt ${lab.dir}/tool.sif ${words} "$@"
`,
        0o755,
      );
    }
  }
});

describe.each(ENGINES)("a module of singularity-hpc by %s", (engine) => {
  testModule("adds a script to the image's environment, in the order of names", async () => {
    const script = 'printf "%s\\n" "$TOOL_HOME" "$GREETING" "$ORDER" "$PATH"; cat /opt/file.txt';
    const done = await lab.run([`module/${engine}-exec`, "-c", script]);
    mustSucceed(done);
    const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/tool/bin";
    expect(done.stdout).toBe(`/opt/tool\nfrom the image\n90 99-shpc\n${path}\nbound\n`);
    expect(done.stderr).toBe("");
  });

  testModule("passes words on as they are", async () => {
    const words = ["two words", "", "$HOME", "--help", "-B", "q\"uo'te", "\\n", "*"];
    const script = `for word; do printf '<%s>' "$word"; done`;
    const done = await lab.run([`module/${engine}-exec`, "-c", script, "sh", ...words]);
    mustSucceed(done);
    expect(done.stdout).toBe(words.map((word) => `<${word}>`).join(""));
  });

  testModule(
    "takes options from the user's variables, which the program reads no meaning from",
    async () => {
      const done = await lab.run([`module/${engine}-exec`, "-c", "echo $ADDED; pwd"], {
        extraEnv: {
          SINGULARITY_OPTS: "-s  -q",
          SINGULARITY_COMMAND_OPTS: "--env ADDED=yes  --pwd /opt",
        },
      });
      expect(done).toEqual({ code: 0, stdout: "yes\n/opt\n", stderr: "" });
    },
  );

  testModule("opens the shell that it names, with the commands of standard input", async () => {
    const done = await lab.run([`module/${engine}-shell`], {
      stdin: 'echo "$TOOL_HOME"; readlink /proc/$$/exe; exit 5\n',
    });
    expect(done).toEqual({ code: 5, stdout: "/opt/tool\n/bin/busybox\n", stderr: "" });
  });

  testModule("opens the shell that the module's variable names", async () => {
    for (const extraEnv of [{ SINGULARITY_SHELL: "/bin/sh" }, { APPTAINER_SHELL: "/bin/sh" }]) {
      const done = await lab.run([engine, "-q", "shell", "tool.sif"], {
        extraEnv,
        stdin: "readlink /proc/$$/exe\n",
      });
      expect(done).toEqual({ code: 0, stdout: "/bin/busybox\n", stderr: "" });
    }
  });

  testModule("runs a run script that evaluates its words, as EasyBuild's does", async () => {
    const words = ["X=1;", 'echo "$X', '$TOOL_HOME";', "exit", "4"];
    const done = await lab.run([`module/${engine}-run`, ...words]);
    expect(done).toEqual({ code: 4, stdout: "1 /opt/tool\n", stderr: "" });
  });

  testModule("shows run script and definition file", async () => {
    const runscript = await lab.run([engine, "inspect", "-r", "tool.sif"]);
    expect(runscript).toEqual({ code: 0, stdout: expect.any(String), stderr: "" });
    expect(runscript.stdout).toContain('eval "$@"');
    const definition = await lab.run([engine, "inspect", "-d", "tool.sif"]);
    expect(definition.stdout).toStartWith("Bootstrap: scratch\n");
    expect(definition.stderr).toBe("");
  });
});
