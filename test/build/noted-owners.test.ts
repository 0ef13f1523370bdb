import { expect } from "bun:test";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { imageHost } from "../../src/host/image-host.ts";
import { openImage } from "../../src/image/open.ts";
import { layerArchive } from "../oci/layer-archive.ts";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { type Finished, run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { writeDefinition } from "./base-definition.ts";

/*
 * Owners where one id exists: noted on the files when they are given away, and right in the image.
 */

const dir = scratch();

/** Calls that wait for an answer are of Linux 5.0, attributes of users not on every file system. */
async function noNotes(): Promise<string | undefined> {
  const words = ["setfattr", "-n", "user.test", "-v", "x", `${dir}/probe`];
  writeFileSync(`${dir}/probe`, "");
  const tried = await run(words, { as: "self" }).catch(() => undefined);
  if (tried?.code !== 0) return "no attributes of users can be set here (setfattr)";
  const [, major = 0] = /^([0-9]+)/.exec(readFileSync("/proc/sys/kernel/osrelease", "utf8")) ?? [];
  return Number(major) < 5 ? "this kernel hands on no system calls" : undefined;
}

const lack = firstReason(
  noUserNamespaces(),
  noTool("mksquashfs"),
  noTool("busybox"),
  await noNotes(),
);

async function build(...args: readonly string[]): Promise<Finished> {
  copyFileSync("/bin/busybox", `${dir}/busybox`);
  await run(["chown", "-R", "--reference", dir, dir], { as: "self" });
  return await skiff(["build", "--force", "--ignore-subuid", ...args], {
    cwd: dir,
    extraEnv: { SKIFF_CACHEDIR: `${dir}/kept` },
  });
}

/** `uid:gid` of paths in an image. */
function owners(image: string, paths: readonly string[]): readonly (string | undefined)[] {
  const { tree } = openImage(`${dir}/${image}`, imageHost);
  return paths.map((path) => {
    const entry = tree.lstat(path);
    return entry && `${entry.uid}:${entry.gid}`;
  });
}

const PATHS = ["/a", "/a/b", "/a/moved", "/a/late", "/setup", "/bare"];

testUnless(lack)(
  "scripts, tools of the host and later steps give files away",
  async () => {
    const sections = `%files
    ${dir}/busybox /bin/busybox
%setup
    mkdir $APPTAINER_ROOTFS/bound
    touch $APPTAINER_ROOTFS/setup
    chown 9:9 $APPTAINER_ROOTFS/setup
%post
    /bin/busybox mkdir -p /a/b
    echo x > /a/f
    /bin/busybox chown -R 5:7 /a
    /bin/busybox chown 0:0 /a/b
    /bin/busybox chgrp 3 /a/f
    # skiff: step
    cd /a
    /bin/busybox chown 8:3 f
    /bin/busybox mv f moved
    /bin/busybox ln -s moved link
    /bin/busybox chown -h 4:4 link
    echo late > late
    /bin/busybox chown 6:6 late
    ! /bin/busybox chown 1:1 /nosuch
    : > /bare
    /bin/busybox ln -s bare /alias
    /bin/busybox mkdir -p /lib/apk/db
    printf 'P:x\\nV:1\\nF:\\nR:alias\\na:5:7:777\\n' > /lib/apk/db/installed
    : > /bound/f
    /bin/busybox chown 11:11 /bound/f
%test
    echo tested
`;
    const expected = ["5:7", "0:0", "8:3", "6:6", "9:9", "0:0"];
    await run(["mkdir", "-p", `${dir}/bound`], { as: "self" });
    const words = ["--bind", `${dir}/bound:/bound`];
    writeDefinition(dir, "one.def", sections);
    for (const [image, ...flags] of [["one.sif"], ["two.sif", "--no-cache"]]) {
      const built = await build(...flags, ...words, image ?? "", "one.def");
      expect([built.code, built.stderr]).toEqual([0, expect.stringContaining("Build complete")]);
      expect(owners(image ?? "", PATHS)).toEqual(expected);
    }
    // What is bound to the container is the host's.
    const bound = await run(["getfattr", "-d", `${dir}/bound/f`], { as: "self" });
    expect(bound.stdout).toBe("");
    expect(readFileSync(`${dir}/one.sif`).includes("user.skiff")).toBe(false);

    const next =
      "Bootstrap: localimage\nFrom: one.sif\n%post\n    /bin/busybox chown 0:0 /a/late\n";
    writeFileSync(`${dir}/next.def`, next);
    expect((await build("next.sif", "next.def")).code).toBe(0);
    expect(owners("next.sif", PATHS)).toEqual(["5:7", "0:0", "8:3", "0:0", "9:9", "0:0"]);
  },
  60_000,
);

testUnless(lack)(
  "COPY --chown and COPY --from keep them",
  async () => {
    writeDefinition(dir, "unused.def", "");
    const file =
      "FROM scratch AS one\nCOPY --chown=5:6 static-shell /bin/sh\nFROM scratch\nCOPY --from=one /bin /x\nCOPY --chown=8:0 static-shell /y\n";
    writeFileSync(`${dir}/Dockerfile`, file);
    expect((await build("docker.sif", "Dockerfile")).code).toBe(0);
    expect(owners("docker.sif", ["/x/sh", "/y"])).toEqual(["5:6", "8:0"]);
  },
  60_000,
);

for (const rung of [[], ["--ignore-subuid"]]) {
  const name = rung.length === 0 ? "" : ", with one id too";
  testUnless(lack)(
    `archives say nothing by attributes that look like notes${name}`,
    async () => {
      writeDefinition(dir, "unused.def", "");
      const note = new Map([["user.skiff.owner", new TextEncoder().encode("a:-7")]]);
      const entries = [
        { path: "f", xattrs: note },
        { path: "line\nf m 777 9 9", uid: 5, gid: 5 },
      ];
      writeFileSync(`${dir}/noted.tar`, layerArchive(entries));
      const file =
        "FROM scratch AS one\nADD noted.tar /a/\nFROM scratch\nCOPY static-shell /bin/sh\nCOPY --from=one /a /a\n";
      writeFileSync(`${dir}/Dockerfile`, file);
      await run(["chown", "-R", "--reference", dir, dir], { as: "self" });
      const options = { cwd: dir, extraEnv: { SKIFF_CACHEDIR: `${dir}/kept` } };
      const words = ["build", "--force", ...rung, "noted.sif", "Dockerfile"];
      const built = await skiff(words, options);
      expect([built.code, built.stderr]).toEqual([0, expect.stringContaining("Build complete")]);
      expect(owners("noted.sif", ["/a/f"])).toEqual(["0:0"]);
    },
    60_000,
  );
}
