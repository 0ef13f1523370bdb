import { beforeAll, describe, expect } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { noFuse, noTool } from "../support/host-lacks.ts";
import { asOrdinaryUser } from "../support/ordinary-user.ts";
import { loginEnv, run } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";
import { launchLab } from "./launch-lab.ts";

/** Launches killed at random moments leave nothing behind: no mount, no process, no file. */
const { dir, lack } = launchLab((place) => {
  for (const name of ["tmp", "cache", "over", "unpacked"]) mkdirSync(`${place}/${name}`);
});

beforeAll(async () => {
  if (lack !== undefined) return;
  await run(
    [
      "sh",
      "-c",
      "truncate -s 16M img.ext3 && mke2fs -q -t ext3 -d img img.ext3; mkdir -p o/upper o/work; truncate -s 16M over.ext3 && mke2fs -q -t ext3 -d o over.ext3; rm -r o",
    ],
    {
      cwd: dir,
    },
  );
});

const KINDS: Readonly<Record<string, readonly string[]>> = {
  directory: ["img"],
  "packed image": ["img.sqfs"],
  "--pid": ["--pid", "img.sqfs"],
  "--contain": ["--containall", "--scratch", "/scr", "img.sqfs"],
  "--overlay": ["--overlay", "over", "img.sqfs"],
  "--writable-tmpfs": ["--writable-tmpfs", "img.sqfs"],
  ext3: ["img.ext3"],
  "an ext3 overlay": ["--overlay", "over.ext3", "img.sqfs"],
  "--unsquash": ["--unsquash", "img.sqfs"],
  "--underlay": ["--underlay", "-B", "/tmp:/new/place", "img.sqfs"],
};

/** Starts one and kills it: the process that was started, or its whole group. */
async function killOne(words: readonly string[], afterMs: number, group: boolean): Promise<void> {
  const child = Bun.spawn(
    [
      ...[...asOrdinaryUser(), "setsid", skiffPath, "exec", ...words],
      ...["sh", "-c", "sleep 0.02; cat /bin/mounts >/dev/null; sleep 5"],
    ],
    {
      cwd: dir,
      env: { ...loginEnv(), TMPDIR: `${dir}/tmp`, SKIFF_CACHEDIR: `${dir}/cache` },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    },
  );
  await Bun.sleep(afterMs);
  signal(group ? -child.pid : child.pid);
  await child.exited;
}

function signal(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** Processes and mounts that still know the scratch directory, in words. */
function leftRunning(): string[] {
  const out: string[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) {
    const read = (name: string): string => {
      try {
        return readFileSync(`/proc/${pid}/${name}`, "utf8");
      } catch {
        return "";
      }
    };
    if (Number(pid) === process.pid) continue;
    const words = read("cmdline").replaceAll("\0", " ");
    if (words.includes(dir)) out.push(`process ${pid}: ${words}`);
    if (read("mountinfo").includes(dir)) out.push(`mounts of ${pid}: ${words}`);
  }
  return out;
}

async function untilNone(list: () => string[]): Promise<string[]> {
  const end = Date.now() + 15_000;
  let left = list();
  while (left.length > 0 && Date.now() < end) {
    await Bun.sleep(200);
    left = list();
  }
  return left;
}

/** Files below a directory, parents included. */
function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true }).map(String);
}

describe("SIGKILL at a random moment", () => {
  for (const [name, words] of Object.entries(KINDS)) {
    const reason = firstReason(
      lack,
      words.includes("img.sqfs") && !words.includes("--unsquash") ? noFuse() : undefined,
      words.includes("img.ext3")
        ? firstReason(noFuse(), noTool("fuse2fs"), noTool("mke2fs"))
        : undefined,
      words.includes("--unsquash") ? noTool("unsquashfs") : undefined,
    );
    testUnless(reason)(
      `${name}: 25 launches leave nothing behind`,
      async () => {
        // The kernel closes the work directory of an overlay to everybody.
        await run(["chmod", "-R", "u+rwx", `${dir}/over`]);
        rmSync(`${dir}/over/work`, { recursive: true, force: true });
        const moments = Array.from({ length: 25 }, (_, i) => i);
        const one = async (): Promise<void> => {
          for (let i = moments.pop(); i !== undefined; i = moments.pop()) {
            await killOne(words, Math.random() * 90, i % 2 === 0);
          }
        };
        // An overlay directory serves one launch at a time.
        await Promise.all(Array.from({ length: name === "--overlay" ? 1 : 4 }, one));
        expect(await untilNone(leftRunning)).toEqual([]);
        expect(await untilNone(() => filesBelow(`${dir}/tmp`))).toEqual([]);
        const cached = filesBelow(`${dir}/cache`).filter((path) => /\.[0-9]+$/.test(path));
        expect(cached).toEqual([]);
        const here = readdirSync(dir).filter(
          (file) => !/^(img|img.sqfs|(img|over).ext3)$/.test(file),
        );
        expect(here.sort()).toEqual(["cache", "over", "tmp", "unpacked"]);
      },
      60_000,
    );
  }
});

describe("a normal end", () => {
  for (const [name, words] of Object.entries(KINDS)) {
    const reason = firstReason(lack, noFuse(), noTool("fuse2fs"), noTool("unsquashfs"));
    testUnless(reason)(`${name} leaves nothing behind`, async () => {
      const { code, stderr } = await run(
        [skiffPath, "exec", ...words, "sh", "-c", "cat /bin/mounts > /dev/null"],
        { cwd: dir, extraEnv: { TMPDIR: `${dir}/tmp` } },
      );
      expect(code, stderr).toBe(0);
      expect(await untilNone(leftRunning)).toEqual([]);
      expect(await untilNone(() => filesBelow(`${dir}/tmp`))).toEqual([]);
    });
  }
});

describe("an image that is unpacked is gone when the status is known", () => {
  const ends: readonly (readonly [name: string, words: string, status: number])[] = [
    ["at the end", "img.sqfs sh -c 'exit 7'", 7],
    ["in a PID namespace", "--pid img.sqfs sh -c 'exit 7'", 7],
    ["after a signal to the program", "img.sqfs sh -c 'kill -TERM $$'", 143],
    ["when the program is not there", "img.sqfs nosuch", 255],
    ["with changes", "--writable img.sqfs sh -c 'mkdir /new/ /new/sub; chmod 0 /new; exit 7'", 7],
  ];
  for (const [name, words, status] of ends) {
    testUnless(firstReason(lack, noTool("unsquashfs")))(name, async () => {
      const { code, stdout, stderr } = await run(
        [
          "bash",
          "-c",
          `TMPDIR=${dir}/unpacked ${skiffPath} exec --unsquash ${words}; code=$?; ls unpacked; exit $code`,
        ],
        { cwd: dir },
      );
      expect([code, stdout], stderr).toEqual([status, ""]);
      expect(stderr).toMatch(/INFO: {4}Cleaning up image\.\.\.$/m);
    });
  }
  for (const flags of ["", "--pid", "--pid --no-init"]) {
    testUnless(firstReason(lack, noTool("unsquashfs")))(
      `after a signal that the program is sent ${flags}`,
      async () => {
        const program = "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
        const script = `mkfifo ready; export TMPDIR=${dir}/unpacked
          ${skiffPath} exec ${flags} --unsquash img.sqfs sh -c "${program}" >ready 2>/dev/null & pid=$!
          { read -r; kill -TERM $pid; cat; } <ready
          wait $pid; code=$?; rm ready; ls unpacked; exit $code`;
        const { code, stdout, stderr } = await run(["bash", "-c", script], { cwd: dir });
        expect([code, stdout], stderr).toEqual([5, "caught\n"]);
      },
    );
  }
  testUnless(firstReason(lack, noTool("unsquashfs")))("after a signal from outside", async () => {
    const { code, stdout, stderr } = await run(
      [
        "bash",
        "-c",
        `TMPDIR=${dir}/unpacked timeout -s INT 1 ${skiffPath} exec --unsquash img.sqfs sleep 20; code=$?; ls unpacked; exit $code`,
      ],
      { cwd: dir },
    );
    expect([code, stdout], stderr).toEqual([124, ""]);
  });
});
