import { describe, expect } from "bun:test";
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { noTool, notRoot, noUserNamespaces } from "../support/host-lacks.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { run, skiff, start } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath, treeRoot } from "../support/tree.ts";
import { convertLocal, partitionOffset } from "./convert-layout.ts";
import { LAYER_TIME, type LayerEntry, layerArchive } from "./layer-archive.ts";
import { writeLayout } from "./oci-layout.ts";

const dir = scratch();
const user = ordinaryUser();
const lack = firstReason(noTool("mksquashfs"), noTool("unsquashfs"));
const layout = `${dir}/layout`;

const BASE: readonly LayerEntry[] = [
  // A static one: programs of the image run without libraries.
  { path: "bin/sh", mode: 0o755, content: readFileSync(`${treeRoot}/dist/libexec/skiff/bash`) },
  { path: "etc/hosts", content: "1.2.3.4 image\n" },
  { path: "etc/owned", uid: 1234, gid: 70_000, mode: 0o4750, content: "owned" },
  {
    path: "etc/capable",
    content: "c",
    xattrs: new Map([
      ["security.capability", Uint8Array.from([1, 0, 0, 2, 0, 0x20, ...new Array(14).fill(0)])],
    ]),
  },
  { path: "dev/null", kind: "char", mode: 0o666, major: 1, minor: 3 },
  { path: "large", content: new Uint8Array(3_000_000).map((_, i) => (i * 7919) >> 5) },
];
const UPPER: readonly LayerEntry[] = [
  { path: "./", kind: "dir", mode: 0o751, uid: 12, gid: 34, mtimeSeconds: LAYER_TIME + 5 },
  { path: "again", kind: "hardlink", link: "etc/owned" },
];

function writeImage(): void {
  writeLayout(layout, [
    {
      tag: "one",
      layers: [
        { archive: layerArchive(BASE), packing: "gzip" },
        { archive: layerArchive(UPPER), packing: "zstd" },
      ],
      config: {
        Env: ["PATH=/image/bin:/bin", 'ODD=a "b" $c `d` \\e', "NOT A NAME=1", "EMPTY="],
        Entrypoint: ["/bin/sh", "-c", 'echo "$0" "$@"'],
        Cmd: ["first", "$HOME"],
        Labels: { "org.example.label": "va<l>ue", maintainer: "someone" },
        User: "1000",
        WorkingDir: "/etc",
      },
    },
    { tag: "two", layers: [{ archive: layerArchive(UPPER.slice(0, 1)), packing: "plain" }] },
  ]);
  chmodSync(dir, 0o755);
}
writeImage();

const bytesOf = (path: string): Buffer => readFileSync(path);

testUnless(lack)(
  "the same image gives the same bytes, whatever the time and the processors",
  async () => {
    await convertLocal("oci", `${layout}:one`, `${dir}/a.sif`, { processors: 1 });
    await Bun.sleep(1100);
    await convertLocal("oci", `${layout}:one`, `${dir}/b.sif`, { processors: 2 });
    expect(bytesOf(`${dir}/a.sif`).equals(bytesOf(`${dir}/b.sif`))).toBe(true);
  },
);

testUnless(firstReason(lack, notRoot(), noUserNamespaces()))(
  "an ordinary user gets the bytes that root gets: owners, attributes and devices are the image's",
  async () => {
    const place = `${dir}/as`;
    mkdirSync(place);
    if (user !== undefined) chownSync(place, user.uid, user.gid);
    for (const [as, name] of [
      ["self", "root"],
      ["user", "user"],
    ] as const) {
      const argv = ["build", `${place}/${name}.sif`, `oci:${layout}:one`];
      const end = await skiff(argv, { as, cwd: place });
      expect(end.stderr).toContain("Build complete");
    }
    expect(bytesOf(`${place}/root.sif`).equals(bytesOf(`${place}/user.sif`))).toBe(true);
    const offset = String(await partitionOffset(`${place}/user.sif`));
    const list = await run(["unsquashfs", "-o", offset, "-lln", "-d", "", `${place}/user.sif`]);
    const lines = list.stdout.split("\n").map((line) => line.replace(/ +/g, " "));
    expect(lines.find((line) => line.endsWith(" /etc/owned"))).toStartWith(
      "-rwsr-x--- 1234/70000 5 2001-09-09",
    );
    expect(lines.find((line) => line.endsWith(" /dev/null"))).toStartWith("crw-rw-rw- 0/0 1, 3");
    expect(lines.find((line) => line.startsWith("drwxr-x--x"))).toStartWith("drwxr-x--x 12/34 ");
  },
);

testUnless(lack)(
  "an image that says itself how to run has room for it, also where a name comes twice",
  async () => {
    const script = (value: string): LayerEntry => ({
      path: ".singularity.d/env/91-environment.sh",
      mode: 0o755,
      content: `export LONG=${value.repeat(20_000)}\n`,
    });
    const large = "0123456789".repeat(300_000);
    const lower = [
      { path: "dir", kind: "dir" as const },
      script("x"),
      { path: "dir/a", content: large },
    ];
    const twice = { path: "dir/b", content: "second" };
    const file = `${dir}/own.sif`;
    for (const [tag, upper] of [
      ["own", [twice]],
      [
        "own-twice",
        [{ path: "dir", kind: "dir" as const }, { path: "dir/b", content: large }, twice],
      ],
    ] as const) {
      writeLayout(`${dir}/${tag}`, [
        {
          tag,
          layers: [lower, upper].map((entries) => ({
            archive: layerArchive(entries),
            packing: "gzip" as const,
          })),
        },
      ]);
      await convertLocal("oci", `${dir}/${tag}:${tag}`, file);
      const offset = String(await partitionOffset(file));
      expect(Number(offset)).toBeGreaterThan(50_000);
      const read = async (path: string): Promise<string> =>
        (await run(["unsquashfs", "-o", offset, "-cat", file, path], { as: "self" })).stdout;
      expect(await read("dir/a")).toBe(large);
      expect(await read("dir/b")).toBe("second");
      expect(await read(".singularity.d/env/91-environment.sh")).toHaveLength(20_013);
    }
  },
);

testUnless(lack)("SOURCE_DATE_EPOCH is the latest time in an image", async () => {
  await convertLocal("oci", `${layout}:one`, `${dir}/epoch.sif`, { epoch: LAYER_TIME + 2 });
  const offset = String(await partitionOffset(`${dir}/epoch.sif`));
  const argv = ["unsquashfs", "-UTC", "-o", offset, "-lln", "-d", "", `${dir}/epoch.sif`];
  const times = [...(await run(argv)).stdout.matchAll(/ (20\d\d-\d\d-\d\d \d\d:\d\d) /g)];
  expect(new Set(times.map(([, time]) => time))).toEqual(new Set(["2001-09-09 01:46"]));
});

testUnless(firstReason(lack, noUserNamespaces()))(
  "environment, runscript and labels are those of the configuration",
  async () => {
    await convertLocal("oci", `${layout}:one`, `${dir}/run.sif`);
    chmodSync(`${dir}/run.sif`, 0o755);
    const ran = async (...words: string[]): Promise<string> => {
      const end = await skiff(["run", ...words.slice(0, 1), "run.sif", ...words.slice(1)], {
        cwd: dir,
      });
      return end.stdout;
    };
    expect(await ran("--no-home")).toBe("first $HOME\n");
    expect(await ran("--no-home", "one", "two  words")).toBe("one two  words\n");
    // Words of the caller are read by a shell once more, unless that is turned off.
    expect(await ran("--no-home", "$ODD")).toBe('a "b" $c `d` \\e\n');
    expect(await ran("--no-eval", "$ODD")).toBe("$ODD\n");
    const labels = await skiff(["inspect", "--labels", "--json", `${dir}/run.sif`]);
    expect(JSON.parse(labels.stdout).data.attributes.labels).toMatchObject({
      "org.example.label": "va<l>ue",
      maintainer: "someone",
      "org.label-schema.build-date": "Sunday_2_February_2020_2:2:2_UTC",
      "org.label-schema.usage.singularity.deffile.bootstrap": "oci",
    });
    const environment = await skiff(["inspect", "--environment", `${dir}/run.sif`]);
    expect(environment.stdout).toContain('export PATH="/image/bin:/bin"');
    expect(environment.stdout).toContain('export ODD="${ODD:-"a \\"b\\" \\$c \\`d\\` \\\\e"}"');
    expect(environment.stdout).toContain("export EMPTY=");
    expect(environment.stdout).not.toContain("NOT A NAME");
    const objects = await skiff(["sif", "list", `${dir}/run.sif`]);
    expect(objects.stdout.match(/JSON\.Generic/g)?.length).toBe(2);
    const config = await skiff(["sif", "dump", "3", `${dir}/run.sif`]);
    expect(JSON.parse(config.stdout)).toMatchObject({ User: "1000", WorkingDir: "/etc" });
    const definition = await skiff(["sif", "dump", "1", `${dir}/run.sif`]);
    expect(definition.stdout).toBe("bootstrap: oci\nfrom: test\n\n");
  },
);

testUnless(firstReason(lack, noUserNamespaces()))(
  "a definition file on top of an OCI image runs its %post, and keeps the configuration",
  async () => {
    writeFileSync(
      `${dir}/on-top.def`,
      `Bootstrap: oci\nFrom: ${layout}:one\n\n%post\n    echo made > /made\n%environment\n    export MINE=1\n%labels\n    mine yes\n`,
    );
    const end = await skiff(["build", "on-top.sif", "on-top.def"], { cwd: dir });
    expect(end.stderr).toContain("Build complete");
    const labels = await skiff(["inspect", "--labels", `${dir}/on-top.sif`]);
    expect(labels.stdout).toContain("mine: yes");
    expect(labels.stdout).toContain("maintainer: someone");
    const seen = await skiff(
      ["exec", "on-top.sif", "sh", "-c", 'read x < /made; echo "$x $MINE"'],
      {
        cwd: dir,
      },
    );
    expect(seen.stdout).toBe("made 1\n");
    const objects = await skiff(["sif", "dump", "3", "on-top.sif"], { cwd: dir });
    expect(JSON.parse(objects.stdout)).toMatchObject({ User: "1000" });
    const sandbox = await skiff(["build", "--sandbox", "box", `oci:${layout}:one`], { cwd: dir });
    expect(sandbox.stderr).toContain("Build complete");
    expect(readFileSync(`${dir}/box/etc/capable`, "utf8")).toBe("c");
    expect(readFileSync(`${dir}/box/large`).length).toBe(3_000_000);
    expect(readFileSync(`${dir}/box/.singularity.d/runscript`, "utf8")).toContain("OCI_ENTRYPOINT");
  },
);

testUnless(lack)(
  "a conversion that is killed leaves nothing that looks whole, and the next one cleans up",
  async () => {
    const place = `${dir}/killed`;
    mkdirSync(place);
    if (user !== undefined) chownSync(place, user.uid, user.gid);
    for (const delay of [150, 300, 450, 600]) {
      const argv = [skiffPath, "build", "--force", "x.sif", `oci:${layout}:one`];
      const building = start(argv, { cwd: place });
      await Bun.sleep(delay);
      building.kill("SIGKILL");
      await building.exited;
      const left = readdirSync(place).filter((name) => !name.startsWith("skiff-build-"));
      for (const name of left) {
        // Done before it was killed.
        expect(name).toBe("x.sif");
        expect(await partitionOffset(`${place}/x.sif`)).toBeGreaterThan(0);
      }
    }
    const end = await skiff(["build", "--force", "x.sif", `oci:${layout}:one`], { cwd: place });
    expect(end.stderr).toContain("Build complete");
    await Bun.sleep(300);
    expect(readdirSync(place).filter((name) => name.startsWith("skiff-build-"))).toEqual([]);
  },
);

testUnless(lack)(
  "the root's owner and time are the image's beside thousands of owners and attributes",
  async () => {
    const files = Array.from(
      { length: 5000 },
      (_, i): LayerEntry => ({
        path: `many/${i}`,
        uid: 100 + i,
        content: `${i}`,
        ...(i % 7 === 0 ? { xattrs: new Map([["user.n", new TextEncoder().encode(`${i}`)]]) } : {}),
      }),
    );
    const root: LayerEntry = {
      path: "./",
      kind: "dir",
      mode: 0o711,
      uid: 77,
      gid: 88,
      mtimeSeconds: 9,
    };
    writeLayout(`${dir}/many`, [
      { tag: "t", layers: [{ archive: layerArchive([root, ...files]), packing: "zstd" }] },
    ]);
    await convertLocal("oci", `${dir}/many:t`, `${dir}/many.sif`);
    const offset = String(await partitionOffset(`${dir}/many.sif`));
    const list = await run([
      "unsquashfs",
      "-UTC",
      "-o",
      offset,
      "-lln",
      "-d",
      "",
      `${dir}/many.sif`,
    ]);
    const lines = list.stdout.split("\n").map((line) => line.replace(/ +/g, " "));
    expect(lines.find((line) => line.startsWith("drwx--x--x"))).toMatch(
      / 77\/88 \d+ 1970-01-01 00:00 $/,
    );
    for (const i of [0, 2047, 2048, 4999]) {
      expect(lines.find((line) => line.endsWith(` /many/${i}`))).toContain(` ${100 + i}/0 `);
    }
    // Read through another reader: contents and attributes hang together with the moved tables.
    const seen = await run(["unsquashfs", "-o", offset, "-cat", `${dir}/many.sif`, "many/4998"]);
    expect(seen.stdout).toBe("4998");
  },
);

testUnless(firstReason(lack, noUserNamespaces()))(
  "Bootstrap: docker-daemon has the engine write the image",
  async () => {
    const layer = layerArchive(BASE);
    const diff = `sha256:${new Bun.CryptoHasher("sha256").update(layer).digest("hex")}`;
    const saved = layerArchive([
      { path: "c.json", content: JSON.stringify({ rootfs: { diff_ids: [diff] } }) },
      { path: "l.tar", content: layer },
      {
        path: "manifest.json",
        content: JSON.stringify([{ Config: "c.json", RepoTags: ["a:b"], Layers: ["l.tar"] }]),
      },
    ]);
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) =>
        request.url.endsWith("/images/get?names=a%3Ab")
          ? new Response(saved)
          : new Response('{"message":"no such image"}', { status: 404 }),
    });
    const extraEnv = { DOCKER_HOST: `tcp://127.0.0.1:${server.port}` };
    try {
      const made = await skiff(["build", "engine.sif", "docker-daemon:a:b"], {
        cwd: dir,
        extraEnv,
      });
      expect(made.stderr).toContain("Build complete");
      const none = await skiff(["build", "none.sif", "docker-daemon:c:d"], { cwd: dir, extraEnv });
      expect([none.code, none.stderr]).toEqual([255, expect.stringContaining("no such image")]);
    } finally {
      await server.stop(true);
    }
  },
);

describe("the architecture of an image is that of", () => {
  const elf = new Uint8Array(64);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  elf[18] = 62;
  const rows = [
    ["its programs, whatever it says", [{ path: "bin/sh", content: elf, mode: 0o755 }], "amd64"],
    ["its words, where it has no programs", [{ path: "bin/data", content: elf }], "arm64"],
  ] as const;
  for (const [name, entries, expected] of rows) {
    testUnless(lack)(name, async () => {
      const place = `${dir}/arch-${expected}`;
      writeLayout(place, [
        { tag: "t", arch: "arm64", layers: [{ archive: layerArchive(entries), packing: "plain" }] },
      ]);
      await convertLocal("oci", `${place}:t`, `${place}.sif`);
      const { stdout } = await run([skiffPath, "sif", "list", `${place}.sif`]);
      expect(stdout).toContain(`System/${expected})`);
    });
  }
});
