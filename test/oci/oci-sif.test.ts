import { beforeAll, expect } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { noTool } from "../support/host-lacks.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, run, skiff } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { layeredLab } from "./layered-lab.ts";

const { dir, lack, ociLack } = layeredLab();
const user = ordinaryUser();
const layout = `${dir}/layout`;

const call = (...args: string[]): Promise<Finished> =>
  skiff(args, { cwd: dir, extraEnv: { SKIFF_CACHEDIR: `${dir}/cache` } });
const pull = (file: string, tag: string, ...flags: string[]): Promise<Finished> =>
  call("pull", "--oci", "--force", ...flags, file, `oci:${layout}:${tag}`);

beforeAll(async () => {
  if (lack !== undefined) return;
  for (const tag of ["many", "app", "root", "nobody", "4294967296", "1000700000"])
    await pull(`${tag}.sif`, tag);
  await pull("layers.sif", "many", "--keep-layers");
});

const LOOK = "cat /etc/word; ls /over /srv; test -e /etc/gone || echo gone; echo $WORDS";
const SEEN = "above\n/over:\nnew\n\n/srv:\ntop\ngone\ntwo words, $HOME `x`\n";

for (const file of ["many.sif", "layers.sif"]) {
  testUnless(lack)(
    `${file} runs natively: files, environment, entrypoint and arguments`,
    async () => {
      const looked = await call("exec", file, "sh", "-c", LOOK);
      expect([looked.code, looked.stdout], looked.stderr).toEqual([0, SEEN]);
      expect((await call("run", file)).stdout).toBe("entry $HOME with words\n");
      expect((await call("run", file, "mine")).stdout).toBe("entry $HOME mine\n");
    },
  );

  testUnless(lack)(`${file} takes mounts on what a layer removed`, async () => {
    const looked = await call("exec", file, "sh", "-c", "ls /home/below; ls -d /home/*");
    expect([looked.code, looked.stdout]).toEqual([0, expect.stringMatching(/^\/home\/[^/\n]+\n$/)]);
    expect(looked.stderr).not.toContain("Skipping");
  });

  testUnless(ociLack)(
    `${file} runs by an OCI runtime: its directory, its words as they are`,
    async () => {
      const looked = await call("exec", "--oci", file, "sh", "-c", `pwd; ${LOOK}; echo $PATH`);
      expect([looked.code, looked.stdout], looked.stderr).toEqual([
        0,
        `/work\n${SEEN}/usr/local/bin:/bin\n`,
      ]);
      expect((await call("run", "--oci", file, "$HOME")).stdout).toBe("entry $HOME $HOME\n");
      const fresh = await call("exec", "--oci", file, "sh", "-c", "echo x > /over/x && ls /over");
      expect([fresh.code, fresh.stdout], fresh.stderr).toEqual([0, "new\nx\n"]);
    },
  );
}

testUnless(lack)("an image for another architecture than the wanted one is told of", async () => {
  const words = ["pull", "--force", "--disable-cache", "--arch", "arm64", "arm.sif"];
  const done = await call(...words, `oci:${layout}:many`);
  expect(done.code, done.stderr).toBe(0);
  expect(done.stderr).toMatch(/Architecture \w+ does not match build arch arm64/);
});

testUnless(ociLack)("an image that is fetched for one launch is gone after it", async () => {
  const folder = `${dir}/for-one`;
  await run(["mkdir", folder]);
  const words = ["exec", "--oci", "--disable-cache", "--tmpdir", folder, `oci:${layout}:many`];
  const done = await call(...words, "cat", "/etc/word");
  expect([done.code, done.stdout], done.stderr).toEqual([0, "above\n"]);
  expect(readdirSync(folder)).toEqual([]);
});

const unpackLack = firstReason(ociLack, noTool("unsquashfs"));
testUnless(unpackLack)(
  "--oci unpacks an image that cannot be mounted, and takes it away",
  async () => {
    const folder = `${dir}/unpacked`;
    await run(["mkdir", folder]);
    const words = ["--unsquash", "many.sif", "sh", "-c", "cat /etc/word; echo x > /new && exit 3"];
    const done = await skiff(["exec", "--oci", ...words], {
      cwd: dir,
      extraEnv: { TMPDIR: folder },
    });
    expect([done.code, done.stdout], done.stderr).toEqual([3, "above\n"]);
    expect(readdirSync(folder)).toEqual([]);
  },
);

testUnless(ociLack)("oci-sif: before a path says that it is such a file", async () => {
  for (const word of ["oci-sif:many.sif", `oci-sif:${dir}/many.sif`]) {
    const done = await call("exec", "--oci", word, "cat", "/etc/word");
    expect([done.code, done.stdout], done.stderr).toEqual([0, "above\n"]);
  }
  expect((await call("exec", "oci-sif:many.sif", "cat", "/etc/word")).stdout).toBe("above\n");
  const lost = await call("exec", "oci-sif:lost.sif", "true");
  expect([lost.code, lost.stderr]).toEqual([255, expect.stringContaining(`${dir}/lost.sif`)]);
});

testUnless(ociLack)("libraries of the host are found, natively and by an OCI runtime", async () => {
  const libs = "/.singularity.d/libs";
  for (const [flags, seen] of [
    [[], libs],
    [["--env", "LD_LIBRARY_PATH=/mine"], `/mine:${libs}`],
  ] as const) {
    for (const mode of [[], ["--oci"]]) {
      const words = ["many.sif", "sh", "-c", "echo $LD_LIBRARY_PATH"];
      expect((await call("exec", ...mode, ...flags, ...words)).stdout).toBe(`${seen}\n`);
    }
  }
});

testUnless(ociLack)("--oci leaves out the pseudo terminals, but not /dev", async () => {
  const look = ["many.sif", "sh", "-c", "ls -d /dev/pts /dev/null"];
  const done = await call("exec", "--oci", "--no-mount", "devpts", ...look);
  expect(done.stdout, done.stderr).toBe("/dev/null\n");
  const refused = await call("exec", "--oci", "--no-mount", "dev", ...look);
  expect([refused.code, refused.stderr]).toEqual([255, expect.stringContaining("leave out dev")]);
});

const overlayLack = firstReason(ociLack, ...["fuse2fs", "fuse-overlayfs", "mkfs.ext3"].map(noTool));
testUnless(overlayLack)("--oci writes to an overlay image of the caller's", async () => {
  const made = await call("overlay", "create", "--sparse", "--size", "64", "over.img");
  expect(made.code, made.stderr).toBe(0);
  const words = ["exec", "--oci", "--overlay", "over.img", "many.sif", "sh", "-c"];
  const written = await call(...words, "echo mine > /new; rm /over/new; stat -c %u /new");
  expect([written.code, written.stdout], written.stderr).toEqual([0, `${user?.uid}\n`]);
  expect((await call(...words, "cat /new; ls /over")).stdout).toBe("mine\n");
});

testUnless(ociLack)(
  "--no-compat keeps the caller's directory and a root that is read-only",
  async () => {
    const words = ["sh", "-c", "pwd; touch /x || echo read-only"];
    const done = await call("exec", "--oci", "--no-compat", "many.sif", ...words);
    expect([done.code, done.stdout], done.stderr).toEqual([0, `${dir}\nread-only\n`]);
  },
);

testUnless(ociLack)(
  "--oci runs as the user that the image names, natively it is the caller",
  async () => {
    const who = async (...words: string[]): Promise<string> => {
      const done = await call("exec", ...words, "sh", "-c", "id -u; echo $HOME");
      expect(done.code, done.stderr).toBe(0);
      return done.stdout;
    };
    expect(await who("--oci", "app.sif")).toBe("1234\n/home/app\n");
    expect(await who("--oci", "root.sif")).toStartWith("0\n");
    expect(await who("--oci", "--fakeroot", "app.sif")).toStartWith("0\n");
    expect(await who("--oci", "many.sif")).toStartWith(`${user?.uid}\n`);
    expect(await who("app.sif")).toStartWith(`${user?.uid}\n`);
    for (const name of ["nobody", "4294967296"]) {
      const refused = await call("exec", "--oci", `${name}.sif`, "true");
      expect(refused.code).toBe(255);
      expect(refused.stderr).toMatch(new RegExp(`^FATAL: [^\\n]*has no user "${name}"[^\\n]*\\n$`));
    }
    const homed = await call("exec", "--oci", "--home", "/tmp", "app.sif", "true");
    expect([homed.code, homed.stderr]).toEqual([255, expect.stringContaining("names its user")]);
    const far = await call("exec", "--oci", "1000700000.sif", "true");
    expect([far.code, far.stderr]).toEqual([255, expect.stringContaining("sub-ids do not reach")]);
  },
);

testUnless(lack)(
  "inspect shows labels, environment and runscript of the configuration",
  async () => {
    const shown = await call("inspect", "--json", "--all", "many.sif");
    const { attributes } = JSON.parse(shown.stdout).data;
    expect(attributes.labels).toEqual({ "org.example.label": "value 1" });
    expect(attributes.runscript).toContain("OCI_ENTRYPOINT");
    expect(Object.values(attributes.environment)[0]).toContain('export PATH="/usr/local/bin:/bin"');
  },
);

testUnless(lack)("sif list and dump show its blobs", async () => {
  const listed = await call("sif", "list", "layers.sif");
  const types = [...listed.stdout.matchAll(/OCI\.\w+/g)].map(([type]) => type);
  expect(types).toEqual([...Array<string>(5).fill("OCI.Blob"), "OCI.RootIndex"]);
  const manifest = JSON.parse((await call("sif", "dump", "5", "layers.sif")).stdout);
  const type = "application/vnd.sylabs.image.layer.v1.squashfs";
  expect(manifest.layers.map((layer: { mediaType: string }) => layer.mediaType)).toEqual(
    Array(3).fill(type),
  );
  const config = JSON.parse((await call("sif", "dump", "4", "layers.sif")).stdout);
  expect(config.rootfs.diff_ids).toEqual(
    manifest.layers.map((layer: { digest: string }) => layer.digest),
  );
  expect(config.history[0].comment).toMatch(/^oci-sif created from [0-9a-f]{64}$/);
});

testUnless(lack)("the same image gives the same bytes", async () => {
  for (const flags of [[], ["--keep-layers"]]) {
    const file = flags.length === 0 ? "many.sif" : "layers.sif";
    const done = await pull("again.sif", "many", "--disable-cache", ...flags);
    expect(done.code, done.stderr).toBe(0);
    expect(readFileSync(`${dir}/again.sif`).equals(readFileSync(`${dir}/${file}`))).toBe(true);
  }
});

testUnless(lack)("other images are built of it, and it is unpacked, with all layers", async () => {
  const built = await call("build", "--force", "native.sif", "layers.sif");
  expect(built.code, built.stderr).toBe(0);
  const looked = await call("exec", "native.sif", "sh", "-c", LOOK);
  expect([looked.code, looked.stdout], looked.stderr).toEqual([0, SEEN]);
  expect((await call("run", "native.sif")).stdout).toBe("entry $HOME with words\n");
});

testUnless(lack)(
  "oci mount makes a bundle of a single layer that runs as the configuration says",
  async () => {
    const made = await call("oci", "mount", "app.sif", `${dir}/bundle`);
    expect(made.code, made.stderr).toBe(0);
    const { process } = JSON.parse(readFileSync(`${dir}/bundle/config.json`, "utf8"));
    expect(process.user).toEqual({ uid: 1234, gid: 1235 });
    expect(process.args).toEqual(["/bin/echo", "entry $HOME", "with", "words"]);
    expect(process.cwd).toBe("/work");
    expect((await call("oci", "umount", `${dir}/bundle`)).code).toBe(0);
    const many = await call("oci", "mount", "layers.sif", `${dir}/bundle`);
    expect([many.code, many.stderr.split("\n").length]).toEqual([255, 2]);
  },
);

testUnless(lack)("flags that only an OCI-SIF knows are refused elsewhere in one line", async () => {
  const keep = await call("pull", "--keep-layers", "x.sif", `oci:${layout}:many`);
  expect([keep.code, keep.stderr.split("\n").length]).toEqual([255, 2]);
  expect(keep.stderr).toContain("--keep-layers is only supported");
  const definition = `${dir}/it.def`;
  writeFileSync(definition, "Bootstrap: scratch\n");
  const built = await call("build", "--oci", "x.sif", "it.def");
  expect([built.code, built.stderr.split("\n").length]).toEqual([255, 2]);
  expect(built.stderr).toContain("the build source must be a Dockerfile");
  const writable = await call("exec", "--writable", "many.sif", "true");
  expect([writable.code, writable.stderr.split("\n").length]).toEqual([255, 2]);
});

testUnless(lack)("a damaged one is told of in one line", async () => {
  const good = readFileSync(`${dir}/many.sif`);
  const cases: readonly (readonly [Buffer, RegExp])[] = [
    [good.subarray(0, 600_000), /goes beyond the end of the file/],
    [flipped(good, good.indexOf('"rootfs"') + 2), /configuration has the digest/],
    [flipped(good, 4096 + 201 + 12), /layer 1 of 1 .* is missing/],
    [flipped(good, good.indexOf("hsqs")), /layer 1 is no SquashFS image/],
  ];
  for (const [bytes, why] of cases) {
    writeFileSync(`${dir}/bad.sif`, bytes);
    const done = await call("exec", "bad.sif", "true");
    expect([done.code, done.stderr.split("\n").length]).toEqual([255, 2]);
    expect(done.stderr).toMatch(why);
  }
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
