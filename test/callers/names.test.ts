import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, symlinkSync } from "node:fs";
import { testUnless } from "../support/skip.ts";
import { callerLab, mustSucceed } from "./caller-lab.ts";
import { buildSmallImage, noSmallImage } from "./small-image.ts";

const reason = noSmallImage();
const lab = callerLab();
const testImage = testUnless(reason);
const ENGINES = ["singularity", "apptainer"] as const;

beforeAll(async () => {
  lab.makeDir("links/below");
  for (const name of ENGINES) {
    symlinkSync(`../../${name}`, `${lab.dir}/links/below/${name}`);
    symlinkSync(`${lab.bin}/${name}`, `${lab.dir}/${name}`);
  }
  if (reason !== undefined) return;
  const sections = `%environment
    export GREETING="from the image"
%runscript
    echo "$#:$*"
    exit 9
`;
  await buildSmallImage(lab, "image.sif", sections);
  mustSucceed(await lab.run(["apptainer", "build", "--sandbox", "image", "image.sif"]));
});

describe.each(ENGINES)("%s", (engine) => {
  const version = engine === "singularity" ? "3.11.5" : "1.5.3";

  test.each([
    ["through PATH", engine],
    ["by its full path", `${lab.bin}/${engine}`],
    ["by a relative path", `./${engine}`],
    ["by a link to a link", `links/below/${engine}`],
    ["by a path with dots", `links/../links/below/../below/${engine}`],
  ])("is itself %s", async (_, program) => {
    const named = await lab.run([program, "--version"]);
    expect(named).toEqual({ code: 0, stdout: `${engine} version ${version}\n`, stderr: "" });
    const bare = await lab.run([program, "version"]);
    expect(bare).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("is itself with an empty environment, and when PATH holds a relative directory", async () => {
    const words = ["--version"];
    const emptied = await lab.run(["/usr/bin/env", "-i", `${lab.bin}/${engine}`, ...words]);
    expect(emptied.stdout).toBe(`${engine} version ${version}\n`);
    const relative = await lab.sh(`PATH=links/below:$PATH ${engine} ${words}`);
    expect(relative.stdout).toBe(`${engine} version ${version}\n`);
  });

  test("puts help on standard output and mistakes on standard error, without colour", async () => {
    const help = await lab.run([engine, "exec", "--help"]);
    expect({ code: help.code, stderr: help.stderr }).toEqual({ code: 0, stderr: "" });
    expect(help.stdout).toContain(`${engine} [global options...] exec`);
    const missing = await lab.run([engine, "exec", "none.sif", "true"]);
    expect({ code: missing.code, stdout: missing.stdout }).toEqual({ code: 255, stdout: "" });
    expect(missing.stderr).toMatch(/^FATAL: {3}.*none\.sif/);
    const wrong = await lab.run([engine, "exec", "--bogus"]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toStartWith('Error for command "exec": unknown flag: --bogus\n');
    for (const { stdout, stderr } of [help, missing, wrong]) {
      expect(stdout + stderr).not.toContain("\u001b");
    }
  });

  testImage("takes stacked global flags, glued short options and doubled blanks", async () => {
    for (const line of [
      `-s -q exec -B"${lab.dir}:/mnt" image.sif ls /mnt/image.sif`,
      `--silent --quiet  exec -eB${lab.dir}:/mnt   --no-home  image.sif  ls /mnt/image.sif`,
      `-q exec --bind=${lab.dir}:/mnt:ro -c image.sif ls /mnt/image.sif`,
      `--quiet --nocolor exec -eCB ${lab.dir}:/mnt image.sif ls /mnt/image.sif`,
    ]) {
      const done = await lab.sh(`${engine} ${line}`);
      expect(done).toEqual({ code: 0, stdout: "/mnt/image.sif\n", stderr: "" });
    }
    const loud = await lab.sh(`${engine} -d -v exec image.sif echo out`);
    expect({ code: loud.code, stdout: loud.stdout }).toEqual({ code: 0, stdout: "out\n" });
    expect(loud.stderr).toContain("DEBUG");
  });

  testImage("reads the variables of both names", async () => {
    const script = 'printf "%s," "$A" "$B" "$C" "$(ls /mnt/image.sif)"';
    const done = await lab.run([engine, "-q", "exec", "image.sif", "sh", "-c", script], {
      extraEnv: {
        SINGULARITYENV_A: "old",
        APPTAINERENV_B: "new",
        SINGULARITYENV_C: "old",
        APPTAINERENV_C: "new",
        SINGULARITY_BIND: `${lab.dir}:/mnt`,
        APPTAINER_CLEANENV: "1",
      },
    });
    mustSucceed(done);
    expect(done.stdout).toBe("old,new,new,/mnt/image.sif,");
  });

  for (const verb of ["exec", "run"]) {
    testImage(
      `ends ${verb} with the program's status, or 255 for a failure of its own`,
      async () => {
        const words = verb === "exec" ? ["image.sif", "sh", "-c", "exit 9"] : ["image.sif"];
        expect((await lab.run([engine, verb, ...words])).code).toBe(9);
        expect((await lab.run([engine, verb, "-B", "/nonexistent", ...words])).code).toBe(255);
        expect((await lab.run([engine, verb])).code).toBe(1);
      },
    );
  }

  testImage("ends as the signal ended the program", async () => {
    const killed = 'echo "$$"; kill -TERM "$$"; sleep 60';
    for (const options of [[], ["--pid"]]) {
      const done = await lab.sh(
        `${engine} exec ${options.join(" ")} image.sif bash -c '${killed}' >/dev/null; echo $?`,
      );
      expect(done.stdout).toBe("143\n");
    }
  });

  testImage("keeps inherited descriptors open, as MPI launchers need", async () => {
    lab.write("inherited.txt", "inherited\n");
    for (const options of ["", "--pid", "--containall --bind /dev/null:/mnt/null"]) {
      const done = await lab.sh(
        `exec 3<inherited.txt 9<inherited.txt 42>written.txt
         ${engine} exec ${options} image.sif bash -c 'cat <&3; cat <&9; echo written >&42; ls /proc/self/fd | wc -l'
         cat written.txt; rm written.txt`,
      );
      mustSucceed(done);
      // Its three streams, the three that were inherited, and the directory being listed.
      expect(done.stdout).toBe("inherited\ninherited\n7\nwritten\n");
    }
  });

  testImage("mounts files of any name by --mount, quoted as in CSV", async () => {
    const names = ["a,b", "a:b", "a b", 'a"b', "a'b", "a\\b", "a$b", "a=b", "ä", "a;b"];
    for (const name of names) {
      lab.write(name, `${name}\n`);
      const field = (key: string, path: string): string => {
        const text = `${key}=${path}`;
        return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
      };
      const mount = [
        "type=bind",
        field("source", `${lab.dir}/${name}`),
        field("target", `/mnt/${name}`),
        "readonly",
      ].join(",");
      const options = ["--contain", "--ipc", "--cleanenv", "--no-eval", `--mount=${mount}`];
      const words = [engine, "--quiet", "exec", ...options, "image.sif", "cat", `/mnt/${name}`];
      expect(await lab.run(words)).toEqual({ code: 0, stdout: `${name}\n`, stderr: "" });
    }
  });

  testImage("runs a step as newer cwltool asks for it", async () => {
    lab.makeDir("step out");
    const words = [
      engine,
      "--quiet",
      "run",
      "--contain",
      "--ipc",
      "--cleanenv",
      "--no-eval",
      "--userns",
    ];
    const mounts = [
      "--home",
      `${lab.dir}/step out:/Job`,
      `--mount=type=bind,source=${lab.dir},target=/tmp`,
    ];
    const rest = ["--pwd", "/Job", "--net", "--network", "none", "image.sif", "a b", "$HOME"];
    const done = await lab.run([...words, ...mounts, ...rest]);
    expect(done).toEqual({ code: 9, stdout: "2:a b $HOME\n", stderr: "" });
    const kept = ["--env", "X=$(echo no)", "image.sif", "sh", "-c", 'echo "$X" >out; pwd'];
    const exec = words.map((word) => (word === "run" ? "exec" : word));
    const wrote = await lab.run([...exec, ...mounts, "--pwd", "/Job", ...kept]);
    expect(wrote).toEqual({ code: 0, stdout: "/Job\n", stderr: "" });
    expect(readFileSync(`${lab.dir}/step out/out`, "utf8")).toBe("$(echo no)\n");
  });
});

describe("an image called as a program", () => {
  testImage("finds run-singularity by PATH, and passes on words and status", async () => {
    const done = await lab.run(["./image.sif", "a b", "--help"]);
    expect(done).toEqual({ code: 9, stdout: "2:a b --help\n", stderr: "" });
  });

  testImage("is what run-singularity takes as its first word", async () => {
    for (const image of ["image.sif", "image"]) {
      const done = await lab.run(["run-singularity", image, "one"]);
      expect(done).toEqual({ code: 9, stdout: "1:one\n", stderr: "" });
    }
  });

  testImage("is known by content, whatever its name", async () => {
    for (const name of ["image.simg", "image.img", "image with blank", "image.tar"]) {
      mustSucceed(await lab.run(["cp", "image.sif", name]));
      const done = await lab.run(["apptainer", "exec", name, "sh", "-c", "echo $APPTAINER_NAME"]);
      expect(done).toEqual({ code: 0, stdout: `${name}\n`, stderr: "" });
    }
  });
});
