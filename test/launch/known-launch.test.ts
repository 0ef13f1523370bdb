import { beforeAll, describe, expect } from "bun:test";
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { type Finished, run } from "../support/run.ts";
import { testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";
import { IMAGE_TREE, makeTree } from "./image-tree.ts";
import { launchLab } from "./launch-lab.ts";

/** A launch that the launcher starts again without Bun must be the same as one that was planned. */
const { dir, lack: why } = launchLab((place) => {
  makeTree(`${place}/nameless`, IMAGE_TREE);
  rmSync(`${place}/nameless/etc/passwd`);
});
const SETTLE_MS = 3100;
const TRIES = 8;

beforeAll(() => Bun.sleep(SETTLE_MS));

/** A line of bash, `skiff` being the program under test, with records in a directory of this scene. */
function line(scene: string, command: string, extraEnv: Record<string, string> = {}) {
  return run(["bash", "-c", `skiff() { command ${skiffPath} "$@"; }; ${command}`], {
    cwd: dir,
    extraEnv: { SKIFF_CACHEDIR: `${dir}/${scene}`, ...extraEnv },
  });
}

/** When the only record of a scene was written; undefined while there is none. */
function recordTime(scene: string): number | undefined {
  const records = `${dir}/${scene}/cache/launch`;
  const name = existsSync(records)
    ? readdirSync(records).find((one) => /^[0-9a-f]{32}$/.test(one))
    : undefined;
  return name === undefined ? undefined : statSync(`${records}/${name}`, { bigint: false }).ctimeMs;
}

/** The launch as it was planned, and as the launcher started it; a planned one would write the record again. */
async function bothWays(scene: string, command: string): Promise<readonly [Finished, Finished]> {
  const planned = await line(scene, command, { SKIFF_NO_REPLAY: "1" });
  for (let i = 0; i < TRIES && recordTime(scene) === undefined; i++) {
    if (i > 1) await Bun.sleep(700);
    await line(scene, command);
  }
  const written = recordTime(scene);
  expect(written).toBeDefined();
  const known = await line(scene, command);
  expect(recordTime(scene)).toBe(written as number);
  return [planned, known];
}

const SCENES: readonly (readonly [name: string, command: string])[] = [
  ["its words and status", `skiff exec img sh -c 'echo "$0" "$@"; exit 9' 'a b' ''`],
  ["a closed standard input", "skiff exec img sh -c 'ls /proc/self/fd; cat' <&-"],
  ["all streams closed but one", "skiff exec img sh -c 'ls /proc/self/fd >&2' <&- >&-"],
  [
    "descriptors of the caller",
    "skiff exec img sh -c 'echo seven >&7; ls /proc/self/fd' 7>&1 9</dev/null",
  ],
  ["the limit on open files", "ulimit -n 333; skiff exec img sh -c 'ulimit -n'"],
  [
    "signals that are ignored",
    "trap '' HUP INT USR1; skiff exec img grep SigIgn /proc/self/status",
  ],
  ["the mask for new files", "umask 027; skiff exec img sh -c umask"],
  ["a message", "skiff exec nameless echo said"],
  [
    "its program when nobody reads the messages any more",
    "{ sleep 0.3; skiff exec nameless sh -c 'echo ran >&3'; echo $? >&3; } 3>&1 2> >(:)",
  ],
  ["silence", "skiff -s exec nameless echo unsaid"],
  ["another name of the program", `exec -a apptainer ${skiffPath} exec img sh -c "env | sort"`],
  ["flags before and behind the verb", "skiff -q exec --containall --pwd /tmp img pwd"],
  [
    "a variable set twice or without a name",
    `env -u A -- =x B=1 ${skiffPath} exec img sh -c 'env | sort'`,
  ],
  ["a runscript", "skiff run img one 'two words'"],
  ["death by a signal", `exec ${skiffPath} exec img sh -c "kill -9 \\$\\$"`],
];

describe("started again without Bun, a launch keeps", () => {
  SCENES.forEach(([name, command], i) => {
    testUnless(why)(name, async () => {
      const [planned, known] = await bothWays(`scene-${i}`, command);
      const plain = (text: string): string => text.replace("SKIFF_NO_REPLAY=1\n", "");
      expect(known.stdout).toBe(plain(planned.stdout));
      expect(known.stderr).toBe(planned.stderr);
      expect(known.code).toBe(planned.code);
    });
  });
});

testUnless(why)(
  "a launch that is known starts under a limit on the size of files, too",
  async () => {
    const command = "skiff exec img sh -c 'ulimit -f; echo started'";
    await bothWays("file-limit", command);
    const { code, stdout, stderr } = await line("file-limit", `ulimit -f 4; ${command}`);
    expect([code, stdout], stderr).toEqual([0, "8\nstarted\n"]);
  },
);
