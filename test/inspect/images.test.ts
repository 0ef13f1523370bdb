import { beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { Fault } from "../../src/base/fault.ts";
import {
  DATA_DEFFILE,
  DATA_GENERIC,
  DATA_JSON,
  DATA_PARTITION,
  FS_ENCRYPTED_SQUASHFS,
  FS_SQUASHFS,
} from "../../src/format/sif/codes.ts";
import { noTool } from "../support/host-lacks.ts";
import { run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { testUnless } from "../support/skip.ts";
import { call } from "./call.ts";
import { sifBytes } from "./sif-bytes.ts";

/*
 * Real images of every kind that hold the same tree: all answer alike.
 */

const dir = scratch("self");
const root = `${dir}/root`;
const META = "inspect-metadata.json";
const LAUNCH_2X = "#!/usr/bin/env run-singularity\n";

const FILES: Readonly<Record<string, string>> = {
  "/.singularity.d/Singularity": "bootstrap: docker\nfrom: lolcow\n\n",
  "/.singularity.d/runscript": "#!/bin/sh\necho <moo> & exit\n",
  "/.singularity.d/runscript.help": "Says moo\n",
  "/.singularity.d/labels.json": '{\n\t"b": "2",\n\t"a": "1"\n}',
  "/.singularity.d/env/10-docker2singularity.sh": "export OCI=1\n",
  "/.singularity.d/env/90-environment.sh": "export MOO=1\n",
  "/.singularity.d/env/99-base.sh": "common\n",
  "/scif/apps/foo/scif/runscript.help": "Foo help\n",
};

beforeAll(async () => {
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(`${root}${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    writeFileSync(root + path, text);
  }
  symlinkSync("/.singularity.d/runscript", `${root}/.singularity.d/startscript`);
  const squashfs = `${dir}/root.squashfs`;
  if (noTool("mksquashfs") === undefined) {
    await mustRun(["mksquashfs", root, squashfs, "-all-root", "-quiet", "-no-progress"]);
    const bytes = readFileSync(squashfs);
    writeFileSync(`${dir}/old.simg`, Buffer.concat([Buffer.from(LAUNCH_2X), bytes]));
    const partition = { dataType: DATA_PARTITION, content: bytes };
    const plain = { ...partition, fsType: FS_SQUASHFS };
    writeFileSync(`${dir}/plain.sif`, sifBytes([plain]));
    const def = { dataType: DATA_DEFFILE, content: "bootstrap: docker\nfrom: lolcow\n\n" };
    writeFileSync(`${dir}/def.sif`, sifBytes([def, plain]));
    const broken = { dataType: DATA_JSON, name: META, content: '{"data":[]}' };
    writeFileSync(`${dir}/broken.sif`, sifBytes([broken, plain]));
  }
  if (noTool("mke2fs") === undefined) {
    await mustRun(["mke2fs", "-q", "-t", "ext3", "-d", root, `${dir}/root.img`, "4M"]);
  }
});

async function mustRun(argv: readonly string[]): Promise<void> {
  const { code, stderr } = await run(argv, { as: "self" });
  if (code !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
}

function write(name: string, bytes: Uint8Array | string): string {
  writeFileSync(`${dir}/${name}`, bytes);
  return `${dir}/${name}`;
}

async function faultOf(words: readonly string[]): Promise<Fault> {
  try {
    await call(words);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error(`${words.join(" ")} did not fail`);
}

const KINDS: readonly (readonly [string, string, string | undefined])[] = [
  ["a directory", "root", undefined],
  ["a SquashFS", "root.squashfs", noTool("mksquashfs")],
  ["an image of version 2", "old.simg", noTool("mksquashfs")],
  ["an ext3 image", "root.img", noTool("mke2fs")],
  ["a SIF without a description", "plain.sif", noTool("mksquashfs")],
];

describe("inspect reads the files in", () => {
  for (const [kind, name, reason] of KINDS) {
    testUnless(reason)(kind, async () => {
      const path = `${dir}/${name}`;
      expect(await call(["inspect", path])).toEqual({
        code: 0,
        stdout: "a: 1\nb: 2\n",
        stderr: "",
      });
      const { stdout } = await call(["inspect", "-d", "-r", "-s", "-t", "-H", "-e", path]);
      const script = "#!/bin/sh\necho <moo> & exit\n";
      expect(stdout).toBe(
        `bootstrap: docker\nfrom: lolcow\n${script}${script}Says moo\n` +
          "=== /.singularity.d/env/10-docker2singularity.sh ===\nexport OCI=1\n\n" +
          "=== /.singularity.d/env/90-environment.sh ===\nexport MOO=1\n\n",
      );
      const all = await call(["inspect", "--all", "--app", "nope", path]);
      const { attributes } = JSON.parse(all.stdout).data;
      expect(attributes.runscript).toBe(script.trimEnd());
      expect(attributes.apps).toEqual({ foo: { helpfile: "Foo help" } });
      expect((await call(["run-help", path])).stdout).toBe("Says moo\n");
      expect((await call(["run-help", "--app", "foo", path])).stdout).toBe("Foo help\n");
    });
  }
});

testUnless(noTool("mksquashfs"))(
  "inspect shows the definition object of a SIF as it is, also for an application",
  async () => {
    const shown = { code: 0, stdout: "bootstrap: docker\nfrom: lolcow\n\n\n", stderr: "" };
    expect(await call(["inspect", "-d", `${dir}/def.sif`])).toEqual(shown);
    expect(await call(["inspect", "-d", "--app", "foo", `${dir}/def.sif`])).toEqual(shown);
  },
);

testUnless(noTool("mksquashfs"))(
  "inspect warns of a broken description and reads the files",
  async () => {
    const { stdout, stderr } = await call(["inspect", `${dir}/broken.sif`]);
    expect(stdout).toBe("a: 1\nb: 2\n");
    expect(stderr).toBe(
      `WARNING: Cannot use object 1 (${META}) of "${dir}/broken.sif": ` +
        "data is an array, not an object; its root file system is read instead\n",
    );
  },
);

const DESCRIBED = JSON.stringify({
  data: { attributes: { labels: { k: "v" }, deffile: "d", helpfile: "" } },
  type: "container",
});

test("inspect needs nothing but the description of a SIF", async () => {
  const meta = { dataType: DATA_JSON, name: META, content: DESCRIBED };
  const encrypted = {
    dataType: DATA_PARTITION,
    fsType: FS_ENCRYPTED_SQUASHFS,
    content: "not a file system",
  };
  for (const [name, objects] of Object.entries({
    "data.sif": [meta],
    "crypt.sif": [{ dataType: DATA_GENERIC, content: "x" }, meta, encrypted],
  })) {
    const path = write(name, sifBytes(objects));
    expect((await call(["inspect", path])).stdout).toBe("k: v\n");
    expect((await call(["inspect", "-d", path])).stdout).toBe("d\n");
    expect((await call(["run-help", path])).stdout).toBe(
      "No help sections were defined for this image\n",
    );
  }
});

test("inspect says nothing of a directory that is no image, with exit status 0", async () => {
  mkdirSync(`${dir}/bare`);
  writeFileSync(`${dir}/bare/program`, "");
  expect(await call(["inspect", `${dir}/bare`])).toEqual({ code: 0, stdout: "", stderr: "" });
  const json = await call(["inspect", "-e", "-d", "-l", "-r", "-H", "-t", "--json", `${dir}/bare`]);
  expect(JSON.parse(json.stdout)).toEqual({ data: { attributes: {} }, type: "container" });
  expect((await call(["run-help", `${dir}/bare`])).stdout).toBe(
    "No help sections were defined for this image\n",
  );
});

test("inspect and run-help fail with 255 and the reason for what is no image", async () => {
  const encrypted = { dataType: DATA_PARTITION, fsType: FS_ENCRYPTED_SQUASHFS, content: "x" };
  const empty = write("empty.sif", sifBytes([]));
  const crypt = write("secret.sif", sifBytes([encrypted]));
  const text = write("text", "hello\n");
  const cases: readonly (readonly [string, Fault["code"], string])[] = [
    [`${dir}/nowhere`, "not-found", "no such file"],
    [text, "invalid", "not recognized"],
    [write("nothing", ""), "invalid", "not recognized"],
    [empty, "invalid", "neither a root filesystem nor inspect-metadata.json"],
    [crypt, "unsupported", "its root is encrypted"],
  ];
  for (const [path, code, reason] of cases) {
    for (const words of [["inspect"], ["inspect", "--json"], ["run-help"]]) {
      const fault = await faultOf([...words, path]);
      expect([fault.code, fault.exitCode]).toEqual([code, 255]);
      expect(fault.message).toContain(path);
      expect(fault.message).toContain(reason);
    }
  }
});

testUnless(noTool("mksquashfs"))(
  "inspect names the image whose file system is damaged",
  async () => {
    const bytes = readFileSync(`${dir}/root.squashfs`);
    // Everything after the superblock: no table can be read.
    bytes.fill(0xff, 96);
    const path = write("damaged.squashfs", bytes);
    const fault = await faultOf(["inspect", path]);
    expect(fault.code).toBe("invalid");
    expect(fault.message).toContain(path);
  },
);
