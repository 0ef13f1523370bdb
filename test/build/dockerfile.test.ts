import { afterAll, beforeAll, describe, expect } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { layerArchive } from "../oci/layer-archive.ts";
import { writeLayout } from "../oci/oci-layout.ts";
import { noSubIds, noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { type Finished, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";

/*
 * Dockerfiles built for real, by an ordinary user.
 */

const dir = scratch();
const lack = firstReason(noUserNamespaces(), noSubIds(), noTool("mksquashfs"), noTool("busybox"));
/** Several builds each, on a machine that may be busy. */
const testBuild = (name: string, body: () => Promise<void>): void =>
  testUnless(lack)(name, body, 60_000);
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: () =>
    new Response("from the net\n", {
      headers: { "last-modified": "Sat, 01 Jan 2022 00:00:00 GMT" },
    }),
});
const extraEnv = {
  SKIFF_CACHEDIR: `${dir}/cache`,
  TOKEN: "from-variable",
};

/** An image with busybox, of which most others here are made. */
const FROM = "FROM oci:layout:base\n";

async function build(name: string, text: string, args: readonly string[] = []): Promise<Finished> {
  writeFileSync(`${dir}/${name}`, text);
  return await skiff(["build", "--force", "--no-cache", ...args, `${name}.out`, name], {
    cwd: dir,
    extraEnv,
  });
}

/** Builds a sandbox; it must succeed. */
async function sandbox(name: string, text: string, args: readonly string[] = []): Promise<string> {
  const built = await build(name, text, ["--sandbox", ...args]);
  expect(`${built.code} ${built.stderr}`).toContain(`Build complete: ${name}.out`);
  return `${dir}/${name}.out`;
}

const read = (path: string): string => readFileSync(path, "utf8");

beforeAll(() => {
  if (lack !== undefined) return;
  mkdirSync(`${dir}/cache`, { mode: 0o777 });
  Bun.spawnSync(["chmod", "777", `${dir}/cache`]);
  copyFileSync("/usr/bin/busybox", `${dir}/busybox`);
  writeFileSync(`${dir}/file`, "file\n");
  writeFileSync(`${dir}/secret`, "from-file");
  writeFileSync(`${dir}/.dockerignore`, "busybox\ncache\nlayout\n*.out\n");
  const names = ["sh", "cat", "id", "ls", "env", "touch", "mkdir", "test", "grep", "sleep", "rm"];
  writeLayout(`${dir}/layout`, [
    {
      tag: "base",
      layers: [
        {
          archive: layerArchive([
            { path: "bin/busybox", mode: 0o755, content: readFileSync("/usr/bin/busybox") },
            ...names.map((name) => ({
              path: `bin/${name}`,
              kind: "symlink" as const,
              link: "busybox",
            })),
            {
              path: "etc/passwd",
              content: "root:x:0:0::/root:/bin/sh\nann:x:1000:1001::/home/ann:/bin/sh\n",
            },
            { path: "tmp", kind: "dir", mode: 0o1777 },
          ]),
          packing: "gzip",
        },
      ],
      config: {
        Env: ["PATH=/bin", "BASE=base"],
        Cmd: ["/bin/sh"],
        OnBuild: ["RUN touch /triggered"],
      },
    },
  ]);
});

afterAll(() => server.stop(true));

describe("a Dockerfile", () => {
  testBuild(
    "becomes a SIF that runs as its ENTRYPOINT and CMD say, and keeps its text",
    async () => {
      const text = `# syntax=example/dockerfile:1\n${FROM}ENV OWN="$BASE and own"\nLABEL who=me\nENTRYPOINT ["/bin/sh", "-c", "echo $OWN: $@", "sh"]\nCMD ["a", "b"]\n`;
      const built = await build("Dockerfile", text);
      expect(built.stderr).toContain("Build complete: Dockerfile.out");
      const run = (...args: string[]) => skiff([...args], { cwd: dir, extraEnv });
      expect((await run("run", "Dockerfile.out")).stdout).toBe("base and own: a b\n");
      expect((await run("run", "Dockerfile.out", "c")).stdout).toBe("base and own: c\n");
      expect((await run("inspect", "--deffile", "Dockerfile.out")).stdout.trim()).toBe(text.trim());
      expect((await run("inspect", "Dockerfile.out")).stdout).toContain("who: me\n");
      expect((await run("exec", "Dockerfile.out", "ls", "/triggered")).code).toBe(0);
    },
  );

  testBuild(
    "runs commands as its user, with its environment and nothing of the caller's",
    async () => {
      // A SIF: a tree with owners of the sub-ids could not be removed here.
      const built = await build(
        "user.Dockerfile",
        `${FROM}ARG UID=7\nENV X=1\nUSER ann\nWORKDIR /home/ann/job\nRUN env > env; id > id; touch x; ls -dln . x /home/ann > ls; ls /tmp > tmp\n`,
      );
      expect(built.stderr).toContain("Build complete");
      const show = async (name: string): Promise<string> =>
        (
          await skiff(["exec", "user.Dockerfile.out", "cat", `/home/ann/job/${name}`], {
            cwd: dir,
            extraEnv,
          })
        ).stdout;
      const variables = (await show("env")).split("\n").sort();
      expect(variables.filter((line) => !/^(SHLVL|)(=|$)/.test(line))).toEqual([
        "BASE=base",
        "HOME=/home/ann",
        "PATH=/bin",
        "PWD=/home/ann/job",
        "UID=7",
        "X=1",
      ]);
      expect(await show("id")).toContain("uid=1000(ann) gid=1001");
      expect((await show("ls")).match(/ 1000 +1001 /g)?.length).toBe(3);
      expect(await show("tmp")).toBe("");
    },
  );

  testBuild("takes secrets from files and variables, and leaves none in the image", async () => {
    const root = await sandbox(
      "secret.Dockerfile",
      `${FROM}RUN --mount=type=secret,id=a --mount=type=secret,id=b,target=/b,mode=0440 cat /run/secrets/a /b > /seen; ls -l /b >> /seen\nRUN --mount=type=secret,id=c,env=C echo -n $C > /c\nRUN --mount=type=secret,id=none test ! -e /run/secrets/none\n`,
      ["--secret", "id=a,src=secret", "--secret", "id=b,env=TOKEN", "--secret", "id=c,src=secret"],
    );
    expect(read(`${root}/seen`)).toMatch(/^from-filefrom-variable-r--r----- /);
    expect(read(`${root}/c`)).toBe("from-file");
    expect([existsSync(`${root}/b`), existsSync(`${root}/run/secrets`)]).toEqual([false, false]);
    const missing = await build(
      "secret2.Dockerfile",
      `${FROM}RUN --mount=type=secret,id=x,required=true cat /run/secrets/x\n`,
    );
    expect(missing.stderr).toContain('the secret "x" is required and was not given');
  });

  testBuild("keeps what is in a cache mount from build to build", async () => {
    const text = `${FROM}RUN --mount=type=cache,target=/c ls /c > /list; touch /c/first\n`;
    expect(read(`${await sandbox("cache.Dockerfile", text)}/list`)).toBe("");
    const root = await sandbox("cache.Dockerfile", text.replace("touch", ": again; touch"));
    expect([read(`${root}/list`), existsSync(`${root}/c`)]).toEqual(["first\n", false]);
  });

  testBuild("lets one build after the other use a locked cache", async () => {
    const text = (name: string): string =>
      `${FROM}RUN --mount=type=cache,target=/c,sharing=locked [ ! -e /c/busy ] && touch /c/busy && sleep 1 && rm /c/busy && echo ${name} > /ok\n`;
    const built = await Promise.all(
      ["l1", "l2"].map((name) => build(`${name}.Dockerfile`, text(name), ["--sandbox"])),
    );
    expect(built.map(({ code }) => code)).toEqual([0, 0]);
    expect(built.filter(({ stderr }) => stderr.includes("Waiting for another build")).length).toBe(
      1,
    );
  });

  testBuild("builds only the stages that its target needs", async () => {
    const text = `${FROM.trim()} AS one\nRUN echo one > /name\nFROM nowhere.example/never AS two\nRUN fails\nFROM one AS three\nCOPY --from=0 /name /copied\n`;
    const root = await sandbox("stages.Dockerfile", text);
    expect(read(`${root}/copied`)).toBe("one\n");
    const first = await sandbox("stages.Dockerfile", text, ["--target", "one"]);
    expect([existsSync(`${first}/copied`), read(`${first}/name`)]).toEqual([false, "one\n"]);
    const none = await build("stages.Dockerfile", text, ["--target", "four"]);
    expect(none.stderr).toContain('there is no stage "four"; stages: one, two, three');
  });

  testBuild("fills arguments in, and warns of those that nothing takes", async () => {
    const text =
      "ARG TAG=none\nFROM oci:layout:${TAG}\nARG A=1\nRUN echo $A $TARGETARCH > /a\nARG TARGETARCH\nRUN echo $A $TARGETARCH > /b\n";
    const root = await sandbox("args.Dockerfile", text, [
      "--build-arg",
      "TAG=base",
      "--build-arg",
      "A=2",
    ]);
    expect([read(`${root}/a`), read(`${root}/b`)]).toEqual([
      "2\n",
      expect.stringMatching(/^2 (amd64|arm64)\n$/),
    ]);
    const built = await build("args.Dockerfile", text, [
      "--sandbox",
      "--build-arg",
      "TAG=base",
      "--build-arg",
      "NO=1",
    ]);
    expect(built.stderr).toContain("WARNING: Unused build arg: NO");
  });

  testBuild("adds files of the web, checked where a digest is given", async () => {
    const url = `http://127.0.0.1:${server.port}/dir/name.txt`;
    const digest = `sha256:${new Bun.CryptoHasher("sha256").update("from the net\n").digest("hex")}`;
    const root = await sandbox(
      "add.Dockerfile",
      `${FROM}ADD ${url} /here/\nADD --checksum=${digest} --chmod=644 ${url} /there\n`,
    );
    expect(read(`${root}/here/name.txt`)).toBe("from the net\n");
    expect(statSync(`${root}/here/name.txt`).mode & 0o777).toBe(0o600);
    expect(statSync(`${root}/there`).mode & 0o777).toBe(0o644);
    const bad = await build("add2.Dockerfile", `${FROM}ADD --checksum=sha256:00 ${url} /x\n`);
    expect(bad.stderr).toContain("has the digest sha256:");
  });

  testBuild("takes its files from --context, and not what .dockerignore names", async () => {
    mkdirSync(`${dir}/ctx/sub`, { recursive: true });
    for (const name of ["a", "b.log", "sub/c", "sub/d.log"])
      writeFileSync(`${dir}/ctx/${name}`, name);
    writeFileSync(`${dir}/ctx/.dockerignore`, "**/*.log\n!sub/d.log\n");
    const root = await sandbox("context.Dockerfile", `${FROM}COPY . /all/\n`, ["--context", "ctx"]);
    expect(
      Array.from(new Bun.Glob("**/*").scanSync({ cwd: `${root}/all`, dot: true })).sort(),
    ).toEqual([".dockerignore", "a", "sub/c", "sub/d.log"]);
  });

  const failures: readonly (readonly [string, string, string])[] = [
    ["a failing command", `${FROM}RUN exit 3\n`, 'line 2: "RUN exit 3": exit status 3'],
    [
      "a missing file",
      `${FROM}COPY nosuch /x\n`,
      'Cannot copy "nosuch": there is no such file in the context',
    ],
    ["an ignored file", `${FROM}COPY busybox /x\n`, "the .dockerignore file may leave it out"],
    [
      "a user without entry",
      `${FROM}USER bob\nRUN id\n`,
      'there is no user "bob" in /etc/passwd of the image',
    ],
    ["several sources to a file", `${FROM}COPY file secret /x\n`, "end the target with a slash"],
    [
      "another platform",
      "FROM --platform=linux/s390x scratch\n",
      "Cannot take an image for linux/s390x",
    ],
    ["a base without name", "FROM $NO\n", "base name ($NO) should not be blank"],
    ["an open quote", `${FROM}ENV a="b\nRUN x\n`, "a closing double quote is missing"],
    ["a repository", `${FROM}ADD https://host.example/x.git /x\n`, "Cannot add the repository"],
    [
      "a secret that is malformed",
      `${FROM}RUN --mount=type=secret,ids=a x\n`,
      'has no field "ids"',
    ],
  ];
  for (const [name, text, words] of failures) {
    testBuild(`ends with one clear line for ${name}`, async () => {
      const built = await build("bad.Dockerfile", text);
      expect(built.stderr).toContain(words);
      expect(built.stderr.match(/FATAL/g)?.length).toBe(1);
      expect([built.code, existsSync(`${dir}/bad.Dockerfile.out`)]).toEqual([255, false]);
    });
  }

  testBuild("is checked without being built, every finding with its line", async () => {
    writeFileSync(`${dir}/check.Dockerfile`, "FROM a\nRUNN x\nCOPY --form=b c d\nMAINTAINER me\n");
    const checked = await skiff(["build", "--check", "check.Dockerfile"], { cwd: dir, extraEnv });
    expect(checked.code).toBe(255);
    expect(checked.stdout).toContain("check.Dockerfile:2:1: error: unknown instruction: RUNN");
    expect(checked.stdout).toContain("check.Dockerfile:3:1: error: unknown flag: --form");
    expect(checked.stdout).toContain("check.Dockerfile:4:1: warning: MAINTAINER is deprecated");
  });
});

testBuild("a definition file goes on with a Dockerfile", async () => {
  writeFileSync(
    `${dir}/inner.Dockerfile`,
    `${FROM.trim()} AS a\nRUN echo one > /one\nFROM a\nENV E=1\nRUN echo two > /two\n`,
  );
  const text =
    "Bootstrap: buildkit\nFrom: inner.Dockerfile\n%post\n    cat /one /two > /three; echo $E >> /three\n";
  const root = await sandbox("outer.def", text);
  expect(read(`${root}/three`)).toBe("one\ntwo\n1\n");
  mkdirSync(`${dir}/context`);
  writeFileSync(`${dir}/context/file`, "of the context\n");
  const stages = `${FROM.trim()} AS a\nARG WORD\nCOPY file /\nRUN echo $WORD > /word\nFROM a\nRUN false\n`;
  writeFileSync(`${dir}/context/Other`, stages);
  const header =
    "Bootstrap: buildkit\nFrom: context\nFilename: Other\nTarget: a\nBuildArgs: WORD=given\n";
  const other = await sandbox("context.def", header);
  expect(read(`${other}/file`) + read(`${other}/word`)).toBe("of the context\ngiven\n");
});
