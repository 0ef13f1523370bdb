import { beforeAll, describe, expect } from "bun:test";
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { noSubIds, noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { type Finished, run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";
import { writeDefinition } from "./base-definition.ts";

/*
 * Definition files built for real, by an ordinary user.
 */

const dir = scratch();
const lack = firstReason(noUserNamespaces(), noTool("mksquashfs"));
const testBuild = testUnless(lack);
const build = (args: readonly string[], extraEnv: Record<string, string> = {}): Promise<Finished> =>
  skiff(["build", "--force", ...args], { cwd: dir, extraEnv });

/** Builds a sandbox of the base definition and `sections`; it must succeed. */
async function sandbox(
  name: string,
  sections: string,
  args: readonly string[] = [],
): Promise<string> {
  writeDefinition(dir, `${name}.def`, sections);
  const built = await build(["--sandbox", ...args, name, `${name}.def`]);
  expect(built.stderr).toContain(`Build complete: ${name}`);
  expect(built.code).toBe(0);
  return `${dir}/${name}`;
}

/** Builds what must fail, and gives its last words. */
async function failure(name: string, text: string, args: readonly string[] = []): Promise<string> {
  writeFileSync(`${dir}/${name}.def`, text);
  const built = await build([...args, `${name}.sif`, `${name}.def`]);
  expect(built.code).toBe(255);
  return built.stderr.slice(built.stderr.indexOf("FATAL"));
}

beforeAll(() => {
  mkdirSync(`${dir}/data/sub`, { recursive: true });
  for (const name of ["data/one", "data/two", "data/sub/three", "sp ace"]) {
    writeFileSync(`${dir}/${name}`, `${name}\n`);
  }
});

describe("sections", () => {
  testBuild(
    "%post runs as root in / with the build's variables and leaves environment and labels",
    async () => {
      const root = await sandbox(
        "post",
        `%post
    echo "$PWD $HOME $UID" > /seen
    umask >> /seen
    echo "\${HOST_ONLY-unset}" >> /seen
    echo 'export FROM_POST=1' >> $APPTAINER_ENVIRONMENT
    echo "from-post yes" >> $SINGULARITY_LABELS
    : > /.post.seen
%environment
    export FROM_ENVIRONMENT=1
%test
    [ "$FROM_POST$FROM_ENVIRONMENT" = 11 ]
`,
      );
      expect(readFileSync(`${root}/seen`, "utf8")).toBe("/ /root 0\n0002\nunset\n");
      expect(readFileSync(`${root}/.singularity.d/env/91-environment.sh`, "utf8")).toBe(
        "export FROM_POST=1\n",
      );
      expect(JSON.parse(readFileSync(`${root}/.singularity.d/labels.json`, "utf8"))).toMatchObject({
        "from-post": "yes",
      });
      expect(statSync(`${root}/.post.script`, { throwIfNoEntry: false })).toBeUndefined();
      expect(statSync(`${root}/.build.labels`, { throwIfNoEntry: false })).toBeUndefined();
    },
  );

  testBuild("%post -c chooses the shell, and a shell's own words are passed on", async () => {
    const root = await sandbox("shell", "%post -c /bin/sh -u\n    echo $- > /flags\n");
    expect(readFileSync(`${root}/flags`, "utf8")).toContain("u");
  });

  testBuild("%setup runs on the host in the caller's directory", async () => {
    const root = await sandbox(
      "setup",
      '%setup\n    pwd > "$APPTAINER_ROOTFS/where"\n    [ "$SINGULARITY_ROOTFS" = "$APPTAINER_ROOTFS" ]\n',
    );
    expect(readFileSync(`${root}/where`, "utf8")).toBe(`${dir}\n`);
  });

  testBuild(
    "%files copies files, globs, names with blanks and into directories to be made",
    async () => {
      const root = await sandbox(
        "files",
        '%files\n    data/{one,two} /new/dir/\n    data/s* /\n    "sp ace" "/quoted name"\n    data/one ../../escape\n',
      );
      expect(readFileSync(`${root}/new/dir/one`, "utf8")).toBe("data/one\n");
      expect(readFileSync(`${root}/new/dir/two`, "utf8")).toBe("data/two\n");
      expect(readFileSync(`${root}/sub/three`, "utf8")).toBe("data/sub/three\n");
      expect(readFileSync(`${root}/quoted name`, "utf8")).toBe("sp ace\n");
      expect(readFileSync(`${root}/escape`, "utf8")).toBe("data/one\n");
    },
  );

  testBuild("stages: files and links come from an earlier one", async () => {
    const first =
      "Bootstrap: scratch\nStage: one\n%files\n data/one /a/file\n%setup\n ln -s /a/file $APPTAINER_ROOTFS/link\n\n";
    writeDefinition(dir, "stages.def", "%files from one\n    /link /b/\n    /a /copy\n");
    writeFileSync(`${dir}/stages.def`, first + readFileSync(`${dir}/stages.def`, "utf8"));
    const built = await build(["--sandbox", "stages", "stages.def"]);
    expect(built.stderr).toContain("Build complete: stages");
    expect(readFileSync(`${dir}/stages/b/link`, "utf8")).toBe("data/one\n");
    expect(readFileSync(`${dir}/stages/copy/file`, "utf8")).toBe("data/one\n");
    expect(readFileSync(`${dir}/stages/.singularity.d/Singularity`, "utf8")).toContain(
      "Stage: one",
    );
  });

  testBuild(
    "apps have their directories, scripts and variables, and %appinstall runs in them",
    async () => {
      const root = await sandbox(
        "apps",
        `%appinstall my-app
    echo "$SCIF_APPNAME $PWD" > bin/installed
%apprun my-app
    echo running
%appenv my-app
    export OWN=1
%appfiles my-app
    data/one
%applabels my-app
    Key value
`,
      );
      const app = `${root}/scif/apps/my-app`;
      expect(readFileSync(`${app}/bin/installed`, "utf8")).toBe("my-app /scif/apps/my-app\n");
      expect(readFileSync(`${app}/scif/runscript`, "utf8")).toBe(
        "#!/bin/sh\n\n    echo running\n\n",
      );
      expect(readFileSync(`${app}/data/one`, "utf8")).toBe("data/one\n");
      expect(readFileSync(`${app}/scif/labels.json`, "utf8")).toBe(
        '{\n\t"Key": "value",\n\t"SCIF_APP_NAME": "my-app"\n}',
      );
      expect(readFileSync(`${root}/.singularity.d/env/94-appsbase.sh`, "utf8")).toContain(
        'export SCIF_APPENV_my_app="/scif/apps/my_app/scif/env/90-environment.sh"\n',
      );
    },
  );

  testBuild(
    "build arguments fill templates; unused ones end the build unless only warned of",
    async () => {
      const sections = "%arguments\n    WHO=world\n%help\nhello {{ WHO }} {{ MORE }}\n";
      writeFileSync(`${dir}/args`, "MORE=file\nnonsense\n");
      const root = await sandbox("args", sections, [
        "--build-arg-file",
        "args",
        "--build-arg",
        "WHO=you",
      ]);
      expect(readFileSync(`${root}/.singularity.d/runscript.help`, "utf8")).toBe(
        "hello you file\n\n",
      );
      const unused = ["--sandbox", "--build-arg", "MORE=1", "--build-arg", "NO=2"];
      const refused = await build([...unused, "args", "args.def"]);
      expect(refused.stderr).toContain(
        "FATAL:   unused build args: NO. Use option --warn-unused-build-args",
      );
      const warned = await build([...unused, "--warn-unused-build-args", "args", "args.def"]);
      expect([warned.code, warned.stderr]).toEqual([
        0,
        expect.stringContaining("WARNING: Unused build args: NO"),
      ]);
    },
  );

  testBuild(
    "--section lets only the named in, but %post runs anyway; --notest only stores",
    async () => {
      const sections = "%post\n : > /posted\n%help\n h\n%runscript\n r\n%test\n exit 7\n";
      const root = await sandbox("section", sections, [
        "--section",
        "files,runscript,test",
        "--notest",
      ]);
      expect(statSync(`${root}/posted`).isFile()).toBe(true);
      expect(statSync(`${root}/.singularity.d/test`).isFile()).toBe(true);
      expect(
        statSync(`${root}/.singularity.d/runscript.help`, { throwIfNoEntry: false }),
      ).toBeUndefined();
    },
  );

  testBuild("--update runs the sections over the sandbox that is there", async () => {
    const root = await sandbox(
      "update",
      "%post\n : > /first\n%labels\n L 1\n%environment\n export A=1\n",
    );
    writeDefinition(
      dir,
      "update2.def",
      "%post\n : > /second\n%labels\n L 2\n%environment\n export B=2\n",
    );
    const again = await skiff(["build", "--sandbox", "--update", "update", "update2.def"], {
      cwd: dir,
    });
    expect(again.stderr).toContain(
      "Label: L already exists and force option is false, not overwriting",
    );
    expect([statSync(`${root}/first`).isFile(), statSync(`${root}/second`).isFile()]).toEqual([
      true,
      true,
    ]);
    const environment = readFileSync(`${root}/.singularity.d/env/90-environment.sh`, "utf8");
    expect(environment).toMatch(/export A=1\n[\s\S]*export B=2\n/);
    expect(readFileSync(`${root}/.singularity.d/bootstrap_history/Apptainer0`, "utf8")).toContain(
      "/first",
    );
  });

  testUnless(firstReason(lack, noSubIds(), noTool("busybox")))(
    "with sub-ids files can be given to any owner",
    async () => {
      const sections = "%files\n /bin/busybox /bin/chown\n%post\n : > /f\n chown 5:7 /f\n";
      writeDefinition(dir, "owner.def", sections);
      const built = await build(["owner.sif", "owner.def"]);
      expect(built.stderr).toContain("Build complete: owner.sif");
      const listed = await skiff(
        ["exec", "--fakeroot", "owner.sif", "/bin/sh", "-c", "[ -e /f ]"],
        { cwd: dir },
      );
      expect(listed.code).toBe(0);
    },
  );
});

testBuild(
  "called as apptainer the build keeps that name to its end, and says the peer's lines",
  async () => {
    symlinkSync(skiffPath, `${dir}/apptainer`);
    writeDefinition(dir, "named.def", "%post\n    echo $APPTAINER_NAME\n");
    const built = await run([`${dir}/apptainer`, "build", "named.sif", "named.def"], { cwd: dir });
    const lines = built.stderr.split("\n").filter((line) => line.startsWith("INFO"));
    expect(lines).toEqual([
      "INFO:    Starting build...",
      `INFO:    Copying ${dir}/static-shell to /bin/sh`,
      "INFO:    Running post scriptlet",
      "INFO:    Creating SIF file...",
      "INFO:    Build complete: named.sif",
    ]);
    expect(built.stdout).toBe("rootfs\n");
  },
);

describe("failures name the section and end with 255", () => {
  const scratchBase = "Bootstrap: scratch\n";

  testBuild("in %post", async () => {
    writeDefinition(dir, "bad-post.def", "%post\n    exit 3\n");
    const built = await build(["bad-post.sif", "bad-post.def"]);
    expect(built.code).toBe(255);
    expect(built.stderr).toContain(
      "FATAL:   While performing build: while running engine: while running %post section: exit status 3",
    );
  });

  testBuild("in %test", async () => {
    writeDefinition(dir, "bad-test.def", "%test\n    exit 4\n");
    const built = await build(["bad-test.sif", "bad-test.def"]);
    expect(built.stderr).toContain(
      "FATAL:   While performing build: failed to execute %test script: exit status 4",
    );
  });

  testBuild("in %setup", async () => {
    expect(await failure("bad-setup", `${scratchBase}%setup\n false\n`)).toStartWith(
      "FATAL:   While performing build: failed to run %setup script: exit status 1",
    );
  });

  testBuild("in %files", async () => {
    const words = await failure("bad-files", `${scratchBase}%files\n /nosuch /x\n`);
    expect(words).toContain("while copying [/nosuch] to /x: cp: cannot stat");
  });

  testBuild("for a base image that is not there", async () => {
    const words = await failure("bad-base", "Bootstrap: localimage\nFrom: nosuch.sif\n");
    expect(words).toContain("While performing build: ");
    expect(words).toContain("no such file or directory");
  });

  testBuild("in the file itself: every error with its line", async () => {
    const words = await failure("bad-file", "Bootstrap: scratch\nFrm: x\n%pots\n");
    expect(words).toContain("Unable to build from bad-file.def: while parsing definition");
    expect(words).toContain("bad-file.def:2:1: error: invalid header keyword found: frm");
    expect(words).toContain("bad-file.def:3:2: error: invalid section(s) specified: pots");
  });

  testBuild("for a target that is there", async () => {
    writeFileSync(`${dir}/there.sif`, "");
    writeFileSync(`${dir}/there.def`, scratchBase);
    const built = await skiff(["build", "there.sif", "there.def"], { cwd: dir });
    expect([built.code, built.stderr]).toEqual([
      255,
      expect.stringContaining(
        "build target 'there.sif' already exists. Use --force if you want to overwrite it",
      ),
    ]);
  });

  testBuild("and leave no temporary directory and no target", async () => {
    const temporary = `${dir}/temporary`;
    mkdirSync(temporary);
    writeDefinition(dir, "leave.def", "%post\n    : > /x\n    exit 1\n");
    const built = await build(["--tmpdir", temporary, "leave.sif", "leave.def"]);
    expect(built.code).toBe(255);
    expect(Array.from(new Bun.Glob("**/*").scanSync({ cwd: temporary, dot: true }))).toEqual([]);
    expect(statSync(`${dir}/leave.sif`, { throwIfNoEntry: false })).toBeUndefined();
  });
});

testBuild(
  "a build argument that is missing is the first thing said, not what the gap leads to",
  async () => {
    const said = await failure("gap", "Bootstrap: localimage\nFrom: {{ IMAGE }}\n");
    expect(said.split("\n")[0]).toContain("build var IMAGE is not defined");
  },
);

testBuild("%files leaves devices out, which an ordinary user cannot make", async () => {
  const lines = "%files\n    /dev/null /etc/none\n    data/one /etc/one\n";
  writeDefinition(dir, "device.def", lines);
  const { code, stderr } = await build(["--sandbox", "device", "device.def"]);
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(/^WARNING: +Left out \/dev\/null: .*\/etc\/none$/m);
  expect(readFileSync(`${dir}/device/etc/one`)).toEqual(readFileSync(`${dir}/data/one`));
});

testBuild("%files below a file is refused in one line that names both", async () => {
  writeDefinition(dir, "below.def", "%files\n    data/one /bin/sh/below/one\n");
  const built = await build(["below.sif", "below.def"]);
  expect(built.code).toBe(255);
  expect(built.stderr).toMatch(
    /while copying \[data\/one\]: .*"\/bin\/sh\/below".*a file is in the way/,
  );
});
