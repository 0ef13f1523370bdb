import { afterAll, beforeAll, expect } from "bun:test";
import { chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type LocalRegistry, noRegistry, startRegistry } from "../registry/local-registry.ts";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { treeRoot } from "../support/tree.ts";
import { layerArchive } from "./layer-archive.ts";
import { writeLayout } from "./oci-layout.ts";

const dir = scratch();
const lack = firstReason(noRegistry(), noTool("skopeo"), noTool("mksquashfs"), noUserNamespaces());
let registry: LocalRegistry | undefined;
const extraEnv = { SKIFF_CACHEDIR: `${dir}/cache`, TMPDIR: "/var/tmp" };

beforeAll(async () => {
  if (lack !== undefined) return;
  for (const name of ["registry", "cache"]) {
    mkdirSync(`${dir}/${name}`);
    const user = ordinaryUser();
    if (isRoot && user !== undefined) chownSync(`${dir}/${name}`, user.uid, user.gid);
  }
  registry = await startRegistry({ folder: `${dir}/registry` });
  const shell = readFileSync(`${treeRoot}/dist/libexec/skiff/bash`);
  const base = layerArchive([
    { path: "bin/sh", mode: 0o755, content: shell },
    { path: "base", content: "base\n" },
  ]);
  const top = layerArchive([{ path: ".wh.base" }, { path: "top", content: "top\n" }]);
  writeLayout(`${dir}/layout`, [
    {
      tag: "v1",
      layers: [
        { archive: base, packing: "gzip" },
        { archive: top, packing: "gzip" },
      ],
      config: { Env: ["PATH=/bin", "FROM_IMAGE=1"], Cmd: ["/bin/sh", "-c", "echo default"] },
    },
  ]);
  const to = `docker://${registry.host}/some/image:v1`;
  const argv = ["skopeo", "copy", "--insecure-policy", "--dest-tls-verify=false"];
  const copied = await run([...argv, `oci:${dir}/layout:v1`, to], { as: "self" });
  if (copied.code !== 0) throw new Error(copied.stderr);
});

afterAll(() => registry?.stop());

testUnless(lack)("build makes a SIF of an image in a registry", async () => {
  const from = `docker://${registry?.host}/some/image:v1`;
  const end = await skiff(["build", "image.sif", from], { cwd: dir, extraEnv });
  expect(end.stderr).toContain("Build complete");
  const ran = await skiff(["run", "image.sif"], { cwd: dir, extraEnv });
  expect(ran.stdout).toBe("default\n");
  const seen = await skiff(
    ["exec", "image.sif", "sh", "-c", "read x < /top; echo $x; test -e /base"],
    {
      cwd: dir,
      extraEnv,
    },
  );
  expect([seen.stdout, seen.code]).toEqual(["top\n", 1]);
});

testUnless(lack)(
  "Bootstrap: docker puts registry and namespace before the name, and runs %post",
  async () => {
    writeFileSync(
      `${dir}/docker.def`,
      `Bootstrap: docker
From: image:v1
Registry: ${registry?.host}
Namespace: some

%post
    echo "$FROM_IMAGE" > /made
%runscript
    read x < /made; echo "mine $x"
`,
    );
    const end = await skiff(["build", "docker.sif", "docker.def"], { cwd: dir, extraEnv });
    expect(end.stderr).toContain("Build complete");
    const ran = await skiff(["run", "docker.sif"], { cwd: dir, extraEnv });
    expect(ran.stdout).toBe("mine 1\n");
    const config = await skiff(["sif", "dump", "3", "docker.sif"], { cwd: dir });
    expect(JSON.parse(config.stdout)).toMatchObject({ Env: ["PATH=/bin", "FROM_IMAGE=1"] });
  },
);

testUnless(lack)("an image that the registry lacks ends the build with its answer", async () => {
  const from = `docker://${registry?.host}/some/image:none`;
  const end = await skiff(["build", "none.sif", from], { cwd: dir, extraEnv });
  expect(end.code).toBe(255);
  expect(end.stderr).toContain("some/image:none");
});

testUnless(lack)("Bootstrap: oras begins with the root of a SIF in a registry", async () => {
  const address = `${registry?.host}/some/sif:v1`;
  const image = `docker://${registry?.host}/some/image:v1`;
  const pulled = await skiff(["pull", "pushed.sif", image], { cwd: dir, extraEnv });
  expect(pulled.code).toBe(0);
  const pushed = await skiff(["push", "pushed.sif", `oras://${address}`], { cwd: dir, extraEnv });
  expect(pushed.code).toBe(0);
  writeFileSync(
    `${dir}/oras.def`,
    `Bootstrap: oras\nFrom: ${address}\n\n%post\n    read x < /top; echo "on $x" > /made\n`,
  );
  const end = await skiff(["build", "oras.sif", "oras.def"], { cwd: dir, extraEnv });
  expect(end.stderr).toContain("Build complete");
  const words = ["exec", "oras.sif", "sh", "-c", 'read x < /made; echo "$x"'];
  const seen = await skiff(words, { cwd: dir, extraEnv });
  expect(seen.stdout).toBe("on top\n");
});

testUnless(lack)("another %post does not fetch the base again", async () => {
  const write = (text: string): void =>
    writeFileSync(
      `${dir}/again.def`,
      `Bootstrap: docker\nFrom: ${registry?.host}/some/image:v1\n%post\n    echo ${text} > /text\n`,
    );
  const build = () =>
    skiff(["build", "--force", "again.sif", "again.def"], {
      cwd: dir,
      extraEnv: { ...extraEnv, SKIFF_CACHEDIR: `${dir}/again` },
    });
  mkdirSync(`${dir}/again`);
  await run(["chown", "--reference", `${dir}/cache`, `${dir}/again`], { as: "self" });
  write("one");
  expect((await build()).stderr).toContain("Build complete");
  // Neither layers nor kept blobs: only the manifest and the configuration are asked for.
  await run(["rm", "-rf", `${dir}/again/cache/blob`], { as: "self" });
  const before = registry?.requests().length ?? 0;
  write("two");
  const built = await build();
  expect(built.stderr).toMatch(/base docker .*: hit/);
  expect(built.stderr).toContain("%post: miss: text changed");
  const asked = registry?.requests().slice(before) ?? [];
  expect(asked.filter((request) => request.includes("/blobs/")).length).toBeLessThanOrEqual(1);
  expect(
    (await skiff(["exec", "again.sif", "sh", "-c", "read x < /text; echo $x"], { cwd: dir }))
      .stdout,
  ).toBe("two\n");
});

testUnless(firstReason(lack, noTool("unsquashfs")))(
  "with one id the owners of the base are those of the image",
  async () => {
    writeLayout(`${dir}/owned`, [
      {
        tag: "v1",
        layers: [
          {
            archive: layerArchive([
              {
                path: "bin/sh",
                content: readFileSync(`${treeRoot}/dist/libexec/skiff/bash`),
                mode: 0o755,
              },
              { path: "mine", content: "x", uid: 5, gid: 7, mode: 0o640 },
              { path: "gone", content: "x", uid: 5, gid: 7 },
            ]),
            packing: "gzip",
          },
        ],
        config: {},
      },
    ]);
    const post = "%post\n    echo more >> /mine\n";
    writeFileSync(`${dir}/owned.def`, `Bootstrap: oci\nFrom: ${dir}/owned:v1\n${post}`);
    const built = await skiff(["build", "--ignore-subuid", "owned.sif", "owned.def"], {
      cwd: dir,
      extraEnv,
    });
    expect(built.stderr).toContain("Build complete");
    const bytes = readFileSync(`${dir}/owned.sif`);
    const offset = bytes.indexOf("hsqs", 32768, "latin1");
    const argv = ["unsquashfs", "-lln", "-o", String(offset), `${dir}/owned.sif`];
    const listed = await run(argv, { as: "self" });
    expect(listed.stdout).toMatch(/^-rw-r----- 5\/7 .*squashfs-root\/mine$/m);
  },
);

testUnless(lack)("a sandbox of an image with closed directories is warned of", async () => {
  writeLayout(`${dir}/closed`, [
    {
      tag: "v1",
      layers: [
        {
          archive: layerArchive([{ path: "var/empty", kind: "dir", mode: 0o555 }]),
          packing: "gzip",
        },
      ],
      config: {},
    },
  ]);
  const words = "The sandbox contain files/dirs that cannot be removed with 'rm'.";
  const from = `oci:${dir}/closed:v1`;
  const built = await skiff(["build", "--sandbox", "closed-root", from], { cwd: dir, extraEnv });
  expect(built.stderr).toContain(words);
  const fixed = await skiff(["build", "--sandbox", "--fix-perms", "fixed-root", from], {
    cwd: dir,
    extraEnv,
  });
  expect([fixed.code, fixed.stderr]).toEqual([0, expect.not.stringContaining(words)]);
});
