import { beforeAll, describe, expect } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { noFuse, noTool } from "../support/host-lacks.ts";
import { type Finished, type RunOptions, run, skiff } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";
import { launchLab } from "./launch-lab.ts";

/** What cannot be started ends with one clear line and status 255, never with a crash. */
const { dir, lack } = launchLab();

beforeAll(async () => {
  if (lack !== undefined) return;
  const built = await skiff(["build", `${dir}/img.sif`, `${dir}/img`]);
  if (built.code !== 0) throw new Error(built.stderr);
});

const bash = (command: string, options: RunOptions = {}): Promise<Finished> =>
  run(["bash", "-c", command], { cwd: dir, ...options });

/** One FATAL line that names the matter, status 255, nothing on standard output. */
function expectFault(done: Finished, says: RegExp): void {
  const fatal = done.stderr
    .split("\n")
    .filter((line) => line !== "" && !/^(INFO|WARNING):/.test(line));
  expect(fatal.length, done.stderr).toBe(1);
  expect(fatal[0]).toMatch(/^FATAL: {3}/);
  expect(fatal[0]).toMatch(says);
  expect([done.code, done.stdout]).toEqual([255, ""]);
}

function patched(name: string, change: (bytes: Buffer) => Buffer | undefined): string {
  const bytes = readFileSync(`${dir}/img.sif`);
  const path = `${dir}/${name}.sif`;
  writeFileSync(path, change(bytes) ?? bytes);
  return path;
}

/** Offset of the descriptors, and the place of a u64 in descriptor `index` (format: sif.md). */
const DESCRIPTORS = 4096;
const DESCRIPTOR_BYTES = 585;
/** The first descriptor that is a partition: its data type is 0x4004. */
function partition(bytes: Buffer): number {
  for (let at = DESCRIPTORS; at < 32768; at += DESCRIPTOR_BYTES) {
    if (bytes.readUInt32LE(at) === 0x4004) return at;
  }
  throw new Error("the image has no partition");
}
const OFFSET_AT = 17;
const SIZE_AT = 25;

describe("damaged and hostile SIF files", () => {
  const rows: readonly (readonly [string, (bytes: Buffer) => Buffer | undefined])[] = [
    ["cut in the header", (b) => b.subarray(0, 100)],
    ["cut in the descriptors", (b) => b.subarray(0, 5000)],
    ["cut in the root", (b) => b.subarray(0, b.length - 200_000)],
    ["empty", () => Buffer.alloc(0)],
    [
      "a partition past the end",
      (b) => void b.writeBigUInt64LE(1n << 40n, partition(b) + OFFSET_AT),
    ],
    ["a size past the end", (b) => void b.writeBigUInt64LE(1n << 40n, partition(b) + SIZE_AT)],
    [
      "a size that overflows",
      (b) => void b.writeBigUInt64LE((1n << 64n) - 4096n, partition(b) + SIZE_AT),
    ],
    ["a negative offset", (b) => void b.writeBigInt64LE(-4096n, partition(b) + OFFSET_AT)],
    [
      "a root that is no SquashFS",
      (b) =>
        void b.fill(
          0,
          Number(b.readBigUInt64LE(partition(b) + OFFSET_AT)),
          Number(b.readBigUInt64LE(partition(b) + OFFSET_AT)) + 4096,
        ),
    ],
    ["huge counts", (b) => void b.fill(0x7f, 72, 120)],
  ];
  for (const [name, change] of rows) {
    testUnless(lack)(name, async () => {
      const path = patched(name.replaceAll(" ", "-"), change);
      const done = await skiff(["exec", path, "true"], { timeoutMs: 20_000 });
      expectFault(done, new RegExp(path.replaceAll(/[.]/g, "\\.")));
    });
  }

  testUnless(firstReason(lack, noFuse()))(
    "damage in the data is an I/O error of the program",
    async () => {
      const path = patched("scratched", (b) => {
        const at = Number(b.readBigUInt64LE(partition(b) + OFFSET_AT));
        b.fill(0x55, at + 96, at + 400_000);
        return undefined;
      });
      const done = await skiff(["exec", path, "/bin/busybox", "echo", "x"], { timeoutMs: 20_000 });
      expect(done.code).not.toBe(0);
      expect(done.stdout).toBe("");
    },
  );
});

describe("images", () => {
  const arch = process.arch === "arm64" ? "02" : "04";
  testUnless(lack)("for another architecture", async () => {
    const path = patched("foreign", (b) => {
      const from = b.indexOf(process.arch === "arm64" ? "04\0" : "02\0", 32);
      b.write(arch, from);
      const extra = partition(b) + 201;
      const own = b.indexOf(process.arch === "arm64" ? "04\0" : "02\0", extra);
      if (own >= 0 && own < extra + 384) b.write(arch, own);
      return undefined;
    });
    const done = await skiff(["exec", path, "true"]);
    expectFault(done, /architecture \((arm64|amd64)\) could not run on the host's/);
  });

  testUnless(lack)("in a directory that may not be entered", async () => {
    await bash("mkdir -p shut/in && cp -a img shut/in/img && chmod 000 shut");
    expectFault(await skiff(["exec", `${dir}/shut/in/img`, "true"]), /shut\/in\/img/);
    await bash("chmod 755 shut");
  });
  for (const [name, word] of [
    ["a device", "/dev/null"],
    ["a text file", "/etc/passwd"],
    ["nothing", "/no/such"],
    ["a pipe", "/dev/stdin"],
    ["the root directory", "/"],
    ["an empty name", ""],
  ] as const) {
    testUnless(lack)(name, async () => {
      const done = await skiff(["exec", word, "true"], { stdin: "x", timeoutMs: 10_000 });
      expect(done.code).toBe(255);
      expect(done.stderr.trim().split("\n").length).toBe(1);
    });
  }
});

describe("missing tools", () => {
  const bin = `${dir}/bin`;
  const tools = async (...names: string[]): Promise<string> => {
    await bash(`rm -rf ${bin} && mkdir ${bin}`);
    for (const name of names) await bash(`ln -s "$(command -v ${name})" ${bin}/${name}`);
    const config = `${dir}/tools.conf`;
    writeFileSync(config, `binary path = ${bin}\nbind path = /etc/hosts\n`);
    return config;
  };

  testUnless(firstReason(lack, noTool("unsquashfs")))(
    "without squashfuse the image is unpacked, and that is said",
    async () => {
      const config = await tools("unsquashfs");
      const done = await skiff([
        "--config",
        config,
        "exec",
        `${dir}/img.sif`,
        "sh",
        "-c",
        "echo $E2",
      ]);
      expect([done.code, done.stdout], done.stderr).toEqual([0, "image-two\n"]);
      expect(done.stderr).toMatch(/INFO: {4}Converting SIF file to temporary sandbox/);
    },
  );
  testUnless(lack)("without unsquashfs too it cannot start", async () => {
    const config = await tools();
    const done = await skiff(["--config", config, "exec", `${dir}/img.sif`, "true"]);
    expectFault(done, /install the package squashfuse or squashfs-tools/);
  });
  testUnless(lack)("a directory needs none", async () => {
    const config = await tools();
    const done = await skiff(["--config", config, "exec", `${dir}/img`, "echo", "ok"]);
    expect([done.code, done.stdout]).toEqual([0, "ok\n"]);
  });
  testUnless(firstReason(lack, noTool("mke2fs")))("ext3 without fuse2fs cannot start", async () => {
    await bash("truncate -s 16M img.ext3 && mke2fs -q -t ext3 -d img img.ext3");
    const config = await tools();
    const done = await skiff(["--config", config, "exec", `${dir}/img.ext3`, "true"]);
    expectFault(done, /install the package fuse2fs/);
  });
  testUnless(lack)("--fakeroot without newuidmap maps only the caller", async () => {
    const config = await tools();
    const done = await skiff(["--config", config, "exec", "--fakeroot", `${dir}/img`, "id", "-u"]);
    expect([done.code, done.stdout], done.stderr).toEqual([0, "0\n"]);
    expect(done.stderr).toContain("INFO");
  });
});

describe("forbidden user namespaces", () => {
  testUnless(firstReason(lack, noTool("unshare")))(
    "a limit of zero is told with its sysctl",
    async () => {
      const done = await bash(
        `unshare -Ur --mount-proc -pf sh -c 'echo 0 > /proc/sys/user/max_user_namespaces; exec ${skiffPath} exec img true'`,
      );
      expectFault(done, /user\.max_user_namespaces/);
    },
  );
});

describe("configuration that forbids", () => {
  const rows: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["allow user ns = no", ["img"], /allow user ns = no/],
    ["allow container sif = no", ["img.sif"], /allow container sif = no/],
    ["allow container squashfs = no", ["img.sqfs"], /allow container squashfs = no/],
    ["allow container dir = no", ["img"], /allow container dir = no/],
    ["enable overlay = no", ["--writable-tmpfs", "img"], /enable overlay = no/],
    ["user bind control = no", ["--home", "/tmp", "img"], /user bind control = no/],
    ["mount dev = maybe", ["img"], /mount dev/],
  ];
  for (const [line, words, says] of rows) {
    testUnless(lack)(`${line}: ${words.join(" ")}`, async () => {
      writeFileSync(`${dir}/one.conf`, `${line}\n`);
      const done = await skiff(["--config", `${dir}/one.conf`, "exec", ...words, "true"], {
        cwd: dir,
      });
      expectFault(done, says);
    });
  }
  testUnless(lack)("namespaces that are only wanted are left out, with a warning", async () => {
    writeFileSync(`${dir}/one.conf`, "allow pid ns = no\n");
    const done = await skiff(
      ["--config", `${dir}/one.conf`, "exec", "--pid", "img", "echo", "ok"],
      {
        cwd: dir,
      },
    );
    expect([done.code, done.stdout]).toEqual([0, "ok\n"]);
    expect(done.stderr).toMatch(/WARNING: Not virtualizing pid namespace by configuration/);
  });
  testUnless(lack)("binds are left out, with a warning", async () => {
    writeFileSync(`${dir}/one.conf`, "user bind control = no\n");
    const done = await skiff(
      [
        "--config",
        `${dir}/one.conf`,
        "exec",
        "-B",
        "/tmp:/x",
        "img",
        "sh",
        "-c",
        "test -e /x || echo none",
      ],
      { cwd: dir },
    );
    expect([done.code, done.stdout]).toEqual([0, "none\n"]);
    expect(done.stderr).toContain("WARNING");
  });
  testUnless(lack)("a missing configuration file", async () => {
    expectFault(
      await skiff(["--config", "/no/such.conf", "exec", `${dir}/img`, "true"]),
      /such\.conf/,
    );
  });
});

describe("options that cannot be had", () => {
  const rows: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["a missing bind source", ["-B", "/no/such:/x", "img", "true"], /\/no\/such/],
    ["a missing overlay", ["--overlay", "/no/such", "img", "true"], /\/no\/such/],
    ["a missing working directory", ["--cwd", "/no/such", "img", "true"], /\/no\/such/],
    [
      "a missing work directory",
      ["--contain", "--workdir", "/no/such", "img", "true"],
      /\/no\/such/,
    ],
    ["a missing environment file", ["--env-file", "/no/such", "img", "true"], /\/no\/such/],
    ["a network", ["--network", "bridge", "img", "true"], /network/],
    ["an AppArmor profile", ["--security", "apparmor:x", "img", "true"], /apparmor/],
    ["a uid that is no number", ["--security", "uid:x", "img", "true"], /uid:x/],
    ["a limit that is none", ["--memory", "lots", "img", "true"], /--memory lots/],
    ["a duration", ["--runscript-timeout", "soon", "img", "true"], /runscript-timeout/],
  ];
  for (const [name, words, says] of rows) {
    testUnless(lack)(name, async () => {
      expectFault(await skiff(["exec", ...words], { cwd: dir }), says);
    });
  }
  testUnless(lack)("a script of the image that never ends", async () => {
    await bash("cp -a img slow && printf 'sleep 98765\\n' > slow/.singularity.d/env/92-slow.sh");
    const done = await skiff(["exec", "--runscript-timeout", "1s", "slow", "true"], { cwd: dir });
    expectFault(done, /runscript-timeout/);
    expect((await bash("pgrep -x -f 'sleep 98765'")).stdout).toBe("");
  });
  testUnless(lack)("too long a command line", async () => {
    const done = await bash(
      `${skiffPath} exec img true "$(head -c 130000 /dev/zero | tr '\\0' x)"`,
    );
    expect(done.code, done.stderr).toBe(0);
  });
});
