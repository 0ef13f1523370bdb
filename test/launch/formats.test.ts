import { describe, expect } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { noFuse, noTool } from "../support/host-lacks.ts";
import { type Finished, run, skiff } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";
import { BARE_TREE, makeTree } from "./image-tree.ts";
import { launchLab } from "./launch-lab.ts";

/** Every form an image can have is started as it is, as the ordinary user. */
const { dir, lack } = launchLab((place) => makeTree(`${place}/bare`, BARE_TREE));

const bash = (command: string): Promise<Finished> => run(["bash", "-c", command], { cwd: dir });
async function make(command: string): Promise<void> {
  const made = await bash(command);
  if (made.code !== 0) throw new Error(`${command}: ${made.stderr}`);
}

const hello = ["sh", "-c", "echo $E2; touch /new || echo read-only"];
const GREETING = "image-two\nread-only\n";

describe("SquashFS", () => {
  for (const compression of ["gzip", "xz", "lzo", "lz4", "zstd", "lzma"]) {
    testUnless(firstReason(lack, noFuse(), noTool("squashfuse_ll")))(
      `${compression} runs`,
      async () => {
        const made = await bash(
          `mksquashfs img ${compression}.sqfs -comp ${compression} -quiet -no-progress >/dev/null`,
        );
        if (made.code !== 0 && compression === "lzma") return;
        expect(made.code).toBe(0);
        const { code, stdout, stderr } = await skiff([
          "exec",
          `${dir}/${compression}.sqfs`,
          ...hello,
        ]);
        // A file server without this compression is no fault of ours, but must be told.
        if (code === 255) expect(stderr).toMatch(/compress/i);
        else expect([code, stdout]).toEqual([0, GREETING]);
      },
    );
  }

  testUnless(firstReason(lack, noFuse()))("behind a launch line of 31 bytes runs", async () => {
    await make("{ printf '#!/usr/bin/env run-singularity\\n'; cat img.sqfs; } > old.img");
    expect(readFileSync(`${dir}/old.img`).indexOf("hsqs")).toBe(31);
    const { code, stdout } = await skiff(["exec", "old.img", ...hello], { cwd: dir });
    expect([code, stdout]).toEqual([0, GREETING]);
  });

  testUnless(firstReason(lack, noFuse()))("without any suffix runs", async () => {
    await make("cp img.sqfs noname");
    const { stdout } = await skiff(["run", "noname", "x"], { cwd: dir });
    expect(stdout).toBe("run 1: x\n");
  });
});

describe("ext3", () => {
  testUnless(firstReason(lack, noFuse(), noTool("mke2fs"), noTool("fuse2fs")))(
    "as a file runs",
    async () => {
      await make("truncate -s 16M img.ext3 && mke2fs -q -t ext3 -d img img.ext3");
      const { code, stdout, stderr } = await skiff(["exec", "img.ext3", ...hello], { cwd: dir });
      expect([code, stdout], stderr).toEqual([0, GREETING]);
    },
  );

  testUnless(firstReason(lack, noFuse(), noTool("mke2fs"), noTool("fuse2fs")))(
    "as the root partition of a SIF runs, and takes overlay writes",
    async () => {
      await make("truncate -s 16M part.ext3 && mke2fs -q -t ext3 -d img part.ext3");
      const arch = process.arch === "arm64" ? "4" : "2";
      const words = ["--datatype", "4", "--parttype", "2", "--partfs", "2", "--partarch", arch];
      const sif = `${dir}/ext3.sif`;
      expect((await skiff(["sif", "new", sif])).code).toBe(0);
      const added = await skiff([
        "sif",
        "add",
        ...words,
        "--groupid",
        "1",
        sif,
        `${dir}/part.ext3`,
      ]);
      expect(added.code, added.stderr).toBe(0);
      const { code, stdout, stderr } = await skiff(["exec", sif, ...hello]);
      expect([code, stdout], stderr).toEqual([0, GREETING]);
      const write = await skiff([
        "exec",
        "--writable-tmpfs",
        sif,
        "sh",
        "-c",
        "echo x >/n; cat /n",
      ]);
      expect([write.code, write.stdout], write.stderr).toEqual([0, "x\n"]);
    },
  );
});

describe("directories", () => {
  testUnless(lack)("one static program and nothing else starts", async () => {
    await make("mkdir -p one && cp -f /bin/busybox one/busybox");
    const { code, stdout, stderr } = await skiff(["exec", "one", "/busybox", "echo", "alone"], {
      cwd: dir,
    });
    expect([code, stdout], stderr).toEqual([0, "alone\n"]);
  });

  testUnless(lack)("it is left as it was", async () => {
    await make("mkdir -p two && cp /bin/busybox two/busybox");
    await skiff(["exec", "two", "/busybox", "true"], { cwd: dir });
    expect((await bash("ls -A two")).stdout).toBe("busybox\n");
  });

  testUnless(lack)("it sees /proc, /dev and the working directory", async () => {
    await make("mkdir -p one && cp -f /bin/busybox one/busybox");
    const { stdout } = await skiff(
      ["exec", "one", "/busybox", "sh", "-c", "/busybox ls -d /proc/1 /dev/null; /busybox pwd"],
      { cwd: dir },
    );
    expect(stdout).toContain("/dev/null\n");
    expect(stdout).toContain("/proc/1\n");
    expect(stdout).toContain(`${dir}\n`);
  });

  testUnless(lack)("an image without a shell runs programs, with its environment", async () => {
    await make("cp -a img mute && rm mute/bin/sh");
    const { code, stdout, stderr } = await skiff(["exec", "mute", "env"], { cwd: dir });
    expect([code, stdout], stderr).toEqual([0, expect.stringContaining("E2=image-two\n")]);
  });
});

describe("names", () => {
  const names = [
    "a b",
    "a,b",
    "a:b",
    'a"b',
    "a'b",
    "a\\b",
    "a$b",
    "a%sb%",
    "a\nb",
    "ä€😀",
    "-a",
    "a?offset=1",
    "a=b",
  ];
  for (const name of names) {
    testUnless(firstReason(lack, noFuse()))(`an image called ${JSON.stringify(name)}`, async () => {
      await run(["cp", "--", "img.sqfs", `./${name}`], { cwd: dir });
      const path = `${dir}/${name}`;
      const { code, stdout, stderr } = await skiff([
        "exec",
        path,
        "sh",
        "-c",
        'echo "$APPTAINER_CONTAINER"',
      ]);
      expect([code, stdout], stderr).toEqual([0, `${path}\n`]);
    });

    testUnless(lack)(
      `a directory called ${JSON.stringify(name)}, as image and in a bind`,
      async () => {
        const path = `${dir}/dir-${name}`;
        await run(["cp", "-a", "--", `${dir}/img`, path]);
        const field = `src=${path}`.replaceAll('"', '""');
        const { code, stdout, stderr } = await skiff([
          ...["exec", "--mount", `type=bind,"${field}",dst=/mnt/x`, path],
          ...["sh", "-c", 'echo "$APPTAINER_NAME"; test -d /mnt/x/bin && echo bound'],
        ]);
        expect([code, stdout], stderr).toEqual([0, `dir-${name}\nbound\n`]);
      },
    );
  }

  testUnless(lack)("bytes that are no UTF-8, in image, bind, word and environment", async () => {
    const { code, stdout, stderr } = await bash(
      `n=$'\\xff\\xfe-\\xc3'; cp -a img "$n"; mkdir "b$n"; echo in > "b$n/f$n"
       V="v$n" ${skiffPath} exec -B "b$n:/mnt/$n" "$n" sh -c 'cat "/mnt/$1/f$1"; printf %s "$V|$1|$APPTAINER_NAME" | od -An -tx1' sh "$n"`,
    );
    expect(code, stderr).toBe(0);
    expect(stdout.replaceAll(/\s+/g, " ").trim()).toBe(
      "in 76 ff fe 2d c3 7c ff fe 2d c3 7c ff fe 2d c3",
    );
  });
});

describe("an image as a program", () => {
  testUnless(firstReason(lack, noFuse()))(
    "a SIF starts its runscript by run-singularity",
    async () => {
      await make(`mkdir -p path && ln -sf ${skiffPath} path/run-singularity`);
      const built = await skiff(["build", `${dir}/prog.sif`, `${dir}/img`], { timeoutMs: 60_000 });
      expect(built.code, built.stderr).toBe(0);
      expect(statSync(`${dir}/prog.sif`).mode & 0o111).not.toBe(0);
      const { code, stdout, stderr } = await bash(`PATH=${dir}/path:$PATH ./prog.sif a 'b c'`);
      expect([code, stdout], stderr).toEqual([0, "run 2: a b c\n"]);
    },
  );
});
