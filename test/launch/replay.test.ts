import { afterEach, beforeAll, describe, expect } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { checksum } from "../../src/runtime/replay/record.ts";
import { type Finished, type RunOptions, run, skiff } from "../support/run.ts";
import { testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";
import { launchLab } from "./launch-lab.ts";

const { dir, lack: why } = launchLab((place) => {
  mkdirSync(`${place}/data`, { recursive: true });
  writeFileSync(`${place}/data/file`, "one\n");
});
const records = `${dir}/cachedir/cache/launch`;
const SETTLE_MS = 3100;

/** A launch with records of its own, in the place that the tests look at. */
function launch(
  words: readonly string[],
  extraEnv: Record<string, string> = {},
  options: RunOptions = {},
): Promise<Finished> {
  return skiff(words, {
    cwd: dir,
    ...options,
    extraEnv: { SKIFF_CACHEDIR: `${dir}/cachedir`, ...extraEnv },
  });
}

function recordNames(): string[] {
  return existsSync(records) ? readdirSync(records).filter((name) => name.length === 32) : [];
}

/** Launches until there is a record more, so that the next one is a replay. */
async function warmUp(
  words: readonly string[],
  extraEnv: Record<string, string> = {},
): Promise<void> {
  const before = recordNames().length;
  // A file that changed just now, in a test before, is not trusted yet.
  for (let i = 0; i < 8 && recordNames().length === before; i++) {
    if (i > 1) await Bun.sleep(700);
    await launch(words, extraEnv);
  }
  expect(recordNames().length).toBe(before + 1);
}

describe("a launch that is started again", () => {
  beforeAll(() => Bun.sleep(SETTLE_MS));

  afterEach(() => {
    for (const name of recordNames())
      expect(readFileSync(`${records}/${name}`).length).toBeGreaterThan(100);
  });

  const it = testUnless(why);

  it("is kept from the second time on, for the owner only", async () => {
    const words = ["exec", "img", "sh", "-c", "echo kept"];
    const before = recordNames().length;
    expect((await launch(words)).stdout).toBe("kept\n");
    expect(recordNames().length).toBe(before);
    await warmUp(words);
    expect((await launch(words)).stdout).toBe("kept\n");
  });

  it("gives the same environment, mounts and status as a planned one", async () => {
    const words = [
      "exec",
      "-B",
      `${dir}/data:/mnt:ro`,
      "img",
      "sh",
      "-c",
      "env | sort; cut -d' ' -f5,6 /proc/self/mountinfo; exit 7",
    ];
    await warmUp(words, { COLOUR: "green" });
    const replayed = await launch(words, { COLOUR: "green" });
    const planned = await launch(words, { COLOUR: "green", SKIFF_NO_REPLAY: "1" });
    expect(replayed.code).toBe(7);
    expect(replayed.stdout).toContain("COLOUR=green\n");
    expect(replayed.stdout).toBe(planned.stdout.replace("SKIFF_NO_REPLAY=1\n", ""));
  });

  it("is planned anew when an environment script of a directory image changes", async () => {
    const words = ["exec", "img", "sh", "-c", "echo $FLAVOUR"];
    mkdirSync(`${dir}/img/.singularity.d/env`, { recursive: true });
    writeFileSync(`${dir}/img/.singularity.d/env/90-environment.sh`, "export FLAVOUR=sour\n");
    await Bun.sleep(SETTLE_MS);
    await warmUp(words);
    expect((await launch(words)).stdout).toBe("sour\n");
    writeFileSync(`${dir}/img/.singularity.d/env/90-environment.sh`, "export FLAVOUR=salt\n");
    expect((await launch(words)).stdout).toBe("salt\n");
    writeFileSync(`${dir}/img/.singularity.d/env/91-more.sh`, "export FLAVOUR=more\n");
    expect((await launch(words)).stdout).toBe("more\n");
  });

  it("is planned anew when the source of a bind goes away or becomes another", async () => {
    const words = ["exec", "-B", `${dir}/data:/mnt`, "img", "cat", "/mnt/file"];
    await Bun.sleep(SETTLE_MS);
    await warmUp(words);
    renameSync(`${dir}/data`, `${dir}/data-old`);
    const gone = await launch(words);
    expect(gone.code).toBe(255);
    expect(gone.stderr).toContain(`${dir}/data`);
    renameSync(`${dir}/data-old`, `${dir}/data`);
    expect((await launch(words)).stdout).toBe("one\n");
  });

  it("is planned anew for another variable, another directory and other words", async () => {
    const words = ["exec", "img", "sh", "-c", 'echo "$X $PWD"'];
    await warmUp(words, { X: "1" });
    expect((await launch(words, { X: "2" })).stdout).toBe(`2 ${dir}\n`);
    expect((await launch(words, { X: "1" }, { cwd: `${dir}/data` })).code).toBe(255);
    expect((await launch(words, { X: "1" })).stdout).toBe(`1 ${dir}\n`);
  });

  it("keeps the name by which the working directory was reached apart from its other names", async () => {
    mkdirSync(`${dir}/real`, { recursive: true });
    symlinkSync("real", `${dir}/link`);
    const words = ["exec", `${dir}/img`, "sh", "-c", "echo $PWD"];
    const at = (name: string): Promise<Finished> =>
      launch(words, { PWD: `${dir}/${name}` }, { cwd: `${dir}/real` });
    await Bun.sleep(SETTLE_MS);
    for (let i = 0; i < 3; i++) expect((await at("link")).stdout).toBe(`${dir}/link\n`);
    expect((await at("real")).stdout).toBe(`${dir}/real\n`);
  });

  const variants: readonly Record<string, string>[] = [
    { COLOUR: "red" },
    { COLOUR: "" },
    {},
    { COLOUR: "green", RANK: "3", "BASH_FUNC_f%%": "() { :; }" },
    { E1: "host", E2: "host" },
    { TERM: "vt100", http_proxy: "http://proxy.example:1", LANG: "de_DE" },
    { LD_LIBRARY_PATH: "/x", UID: "5", PWD: "/elsewhere" },
    { PROMPT_COMMAND: "date" },
    { APPTAINERENV_NEW: "injected" },
  ];
  for (const flags of [[], ["--cleanenv"], ["--no-env", "COLOUR"], ["--contain"]]) {
    it(`hands on the caller's variables of each time, ${flags.join(" ")}`, async () => {
      const words = ["exec", ...flags, "img", "sh", "-c", "env | grep -v ^_= | sort"];
      await warmUp(words, { COLOUR: "green" });
      const kept = recordNames().length;
      for (const extra of variants) {
        const again = await launch(words, extra);
        const planned = await launch(words, { ...extra, SKIFF_NO_REPLAY: "1" });
        expect(again.stdout).toBe(planned.stdout.replace("SKIFF_NO_REPLAY=1\n", ""));
        expect(again.code).toBe(0);
      }
      // Most of them needed no record of their own.
      expect(recordNames().length).toBe(kept);
    });
  }

  it("does not trust a record that is damaged or open to others", async () => {
    const words = ["exec", "img", "echo", "whole"];
    await warmUp(words);
    for (const name of recordNames()) {
      const bytes = readFileSync(`${records}/${name}`);
      bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 0xff;
      writeFileSync(`${records}/${name}`, bytes);
    }
    expect((await launch(words)).stdout).toBe("whole\n");
    for (const name of recordNames()) {
      writeFileSync(`${records}/${name}`, readFileSync(`${records}/${name}`).subarray(0, 150));
    }
    expect((await launch(words)).stdout).toBe("whole\n");
    for (const name of recordNames()) chmodSync(`${records}/${name}`, 0o644);
    expect((await launch(words)).stdout).toBe("whole\n");
  });

  it("does not trust a record from a time when the clock was ahead", async () => {
    const words = ["exec", "img", "echo", "later"];
    const before = recordNames();
    await warmUp(words);
    const path = `${records}/${recordNames().find((one) => !before.includes(one))}`;
    const known = new Uint32Array(new Uint8Array(readFileSync(path)).buffer);
    const EXPIRY = 5;
    for (const hoursAhead of [0, 24]) {
      const expiresMs = Date.now() + (hoursAhead + 1) * 3600_000;
      known.set([expiresMs % 2 ** 32, expiresMs / 2 ** 32], EXPIRY);
      known.set(checksum(known), 2);
      writeFileSync(path, new Uint8Array(known.buffer));
      expect((await launch(words)).stdout).toBe("later\n");
      // A launch that was planned anew is kept anew.
      const isKeptAsItWas = readFileSync(path).equals(new Uint8Array(known.buffer));
      expect(isKeptAsItWas).toBe(hoursAhead === 0);
    }
  });

  it("does not wait for a record that is a pipe", async () => {
    const words = ["exec", "img", "echo", "no", "pipe"];
    const before = recordNames();
    await warmUp(words);
    const name = recordNames().find((one) => !before.includes(one)) ?? "";
    rmSync(`${records}/${name}`);
    await run(["mkfifo", "-m", "600", `${records}/${name}`]);
    const { stdout } = await launch(words, {}, { timeoutMs: 10_000 });
    rmSync(`${records}/${name}`);
    expect(stdout).toBe("no pipe\n");
  });

  it("keeps no values of the caller's variables on disk", async () => {
    const words = ["exec", "img", "sh", "-c", "echo $TOKEN"];
    await warmUp(words, {
      TOKEN: "hush-hush-1",
      SINGULARITYENV_INNER: "hush-hush-2",
      APPTAINERENV_INNER: "hush-hush-2",
    });
    for (const name of recordNames()) {
      expect(readFileSync(`${records}/${name}`, "latin1")).not.toContain("hush-hush");
    }
    const env = {
      TOKEN: "hush-hush-1",
      SINGULARITYENV_INNER: "hush-hush-2",
      APPTAINERENV_INNER: "hush-hush-2",
    };
    expect((await launch(words, env)).stdout).toBe("hush-hush-1\n");
  });

  it("takes nothing from a variable that only bears the name of an origin", async () => {
    const words = ["exec", "img", "sh", "-c", "echo $HOME"];
    const home = (await launch(words, { SKIFF_NO_REPLAY: "1" })).stdout;
    await warmUp(words, { runtime: home.trim() });
    expect((await launch(words, { runtime: "/elsewhere" })).stdout).toBe(home);
  });

  it("is planned anew when a link in the image leads elsewhere, also with the inode of the old one", async () => {
    const words = ["exec", "-B", `${dir}/data:/spot`, "img", "cat", "/one/file"];
    const link = `${dir}/img/spot`;
    mkdirSync(`${dir}/img/one`, { recursive: true });
    mkdirSync(`${dir}/img/two`, { recursive: true });
    symlinkSync("/one", link);
    await Bun.sleep(SETTLE_MS);
    await warmUp(words);
    expect((await launch(words)).stdout).toBe("one\n");
    rmSync(link);
    symlinkSync("/two", link);
    expect((await launch(words)).code).toBe(1);
  });

  it("is another launch with another skiff of the same name", async () => {
    const words = ["img", "sh", "-c", "echo which"];
    const bin = `${dir}/bin`;
    mkdirSync(`${bin}/libexec/skiff`, { recursive: true });
    copyFileSync(skiffPath, `${bin}/skiff`);
    const inside = "libexec/skiff/starter";
    copyFileSync(`${dirname(skiffPath)}/${inside}`, `${bin}/${inside}`);
    const by = (path: string): Promise<Finished> =>
      run(["bash", "-c", `exec -a skiff ${path} exec "$@"`, "sh", ...words], {
        cwd: dir,
        extraEnv: { SKIFF_CACHEDIR: `${dir}/cachedir` },
      });
    await Bun.sleep(SETTLE_MS);
    for (let i = 0; i < 3; i++) expect((await by(skiffPath)).stdout).toBe("which\n");
    const before = recordNames().length;
    for (let i = 0; i < 2; i++) expect((await by(`${bin}/skiff`)).stdout).toBe("which\n");
    expect(recordNames().length).toBe(before + 1);
  });

  it("trusts no directory of records that others may write to", async () => {
    const words = ["exec", "img", "echo", "open"];
    await warmUp(words);
    chmodSync(records, 0o777);
    const kept = recordNames().map((name) => statSync(`${records}/${name}`).ctimeMs);
    const others = ["exec", "img", "echo", "more"];
    for (let i = 0; i < 3; i++) {
      expect((await launch(words)).stdout).toBe("open\n");
      expect((await launch(others)).stdout).toBe("more\n");
    }
    expect(recordNames().map((name) => statSync(`${records}/${name}`).ctimeMs)).toEqual(kept);
    chmodSync(records, 0o700);
    await warmUp(others);
  });

  it("is not kept with a bind of a descriptor, which is another file each time", async () => {
    const before = recordNames().length;
    const line = `${skiffPath} exec -B /proc/self/fd/7:/mnt img ls /mnt`;
    const at = (name: string): Promise<Finished> =>
      run(["bash", "-c", `${line} 7<${dir}/${name}`], {
        cwd: dir,
        extraEnv: { SKIFF_CACHEDIR: `${dir}/cachedir` },
      });
    for (let i = 0; i < 3; i++) expect((await at("data")).stdout).toBe("file\n");
    expect((await at("img/etc")).stdout).toContain("passwd\n");
    expect(recordNames().length).toBe(before);
  });

  it("is not kept in a user namespace whose map of ids counts: its name is given to the next one", async () => {
    const before = recordNames().length;
    const words = `${skiffPath} exec --fakeroot img cat /proc/self/uid_map`;
    const thrice = `${words}; ${words}; ${words}`;
    const done = await run(["unshare", "--user", "--map-current-user", "sh", "-c", thrice], {
      cwd: dir,
      extraEnv: { SKIFF_CACHEDIR: `${dir}/cachedir` },
    });
    expect(done.stdout.trim().split("\n")).toHaveLength(3);
    expect(recordNames().length).toBe(before);
  });

  it("is not kept when values stand on the command line", async () => {
    const before = recordNames().length;
    for (let i = 0; i < 3; i++) await launch(["exec", "--env", "A=1", "img", "true"]);
    expect(recordNames().length).toBe(before);
  });

  it("works where no record can be written", async () => {
    for (let i = 0; i < 3; i++) {
      expect(
        (await launch(["exec", "img", "echo", "ok"], { SKIFF_CACHEDIR: "/proc/nowhere" })).stdout,
      ).toBe("ok\n");
    }
  });
});
