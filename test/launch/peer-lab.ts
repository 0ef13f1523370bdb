import { afterAll, beforeAll, expect } from "bun:test";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { noTool } from "../support/host-lacks.ts";
import { isRoot } from "../support/ordinary-user.ts";
import { enterPeerPlace, noPeer, type PeerPlace } from "../support/peer.ts";
import { type Finished, run } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { BARE_TREE, BUSYBOX, giveTo, IMAGE_TREE, makeTree, writeTree } from "./image-tree.ts";

/** A command line that both tools get. `@lab`, `@img`, `@sif`, `@own` in words, environment and scripts are filled in. */
export interface Comparison {
  /** Words after the program's name. */
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory; default `@lab/data`. */
  readonly cwd?: string;
  readonly stdin?: string;
  /** Host commands before the tool starts, and after: what these print is compared too. */
  readonly before?: string;
  readonly after?: string;
  /** What both must say on standard error. */
  readonly says?: RegExp;
  /** Exit status that both must have; default: only equal. */
  readonly code?: number;
  /** What the output must hold, so that two equal failures are no success. */
  readonly prints?: string | RegExp;
  /** With no variables at all but those of `env`. */
  readonly emptyEnv?: true;
  /** Run as root. */
  readonly asRoot?: true;
}

/** Why nothing can be compared here. */
export const noLab: string | undefined = firstReason(
  noPeer(),
  existsSync(BUSYBOX) ? undefined : noTool("busybox"),
);

/** Runs a shell command in the lab's directory on this side, as the directory's owner. */
export async function make(lab: PeerPlace, command: string): Promise<void> {
  const { uid, gid } = statSync(lab.outside);
  const prefix = isRoot ? ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"] : [];
  const made = await run([...prefix, "sh", "-c", command], { as: "self", cwd: lab.outside });
  if (made.code !== 0) throw new Error(`${command}: ${made.stderr}`);
}

/** What is compared of one run. */
interface Outcome {
  readonly stdout: string;
  readonly code: number;
}

/**
 * With SHOW_COMPARED in the environment, the whole output of both is printed.
 *
 * A directory with images and data in the peer's root, and tests that run a command line in both
 * tools there. To be called once in a test file.
 */
export function peerLab(prepare?: (lab: PeerPlace) => Promise<void> | void): {
  /** Declares a test: same output and exit status from both. */
  readonly same: (name: string, comparison: Comparison) => void;
  /** Declares a test of an intended difference: both outcomes are given to `judge`. */
  readonly differ: (
    name: string,
    comparison: Comparison,
    judge: (peer: Finished, skiff: Finished) => void,
  ) => void;
} {
  let place: PeerPlace;
  let count = 0;

  beforeAll(async () => {
    if (noLab !== undefined) return;
    place = enterPeerPlace();
    const { outside } = place;
    makeTree(`${outside}/img`, IMAGE_TREE);
    makeTree(`${outside}/bare`, BARE_TREE);
    writeTree(`${outside}/data`, {
      "/file": "hello\n",
      "/other": "other\n",
      "/sub/x": "x\n",
      "/a:b/f": "colon\n",
      "/c,d/f": "comma\n",
      '/q"e/f': "quote\n",
      "/s p/f": "space\n",
      "/own": { mode: 0o755 },
    });
    if (isRoot) giveTo(outside, statSync(outside));
    const built = await place.run(
      [place.peer, "--silent", "build", `${place.inside}/img.sif`, `${place.inside}/img`],
      { timeoutMs: 60_000 },
    );
    if (built.code !== 0) throw new Error(built.stderr);
    await prepare?.(place);
  }, 120_000);
  afterAll(() => place?.leave());

  const runOne = async (tool: "peer" | "skiff", c: Comparison, id: number): Promise<Finished> => {
    const own = `${place.inside}/own/${id}-${tool}`;
    mkdirSync(`${place.outside}/own/${id}-${tool}`, { recursive: true });
    if (isRoot) {
      for (const dir of ["own", `own/${id}-${tool}`]) {
        giveTo(`${place.outside}/${dir}`, statSync(place.outside));
      }
    }
    const fill = (text: string): string =>
      text
        .replaceAll("@lab", place.inside)
        .replaceAll("@img", `${place.inside}/img`)
        .replaceAll("@sif", `${place.inside}/img.sif`)
        .replaceAll("@own", own);
    const script = `${fill(c.before ?? ":")}
cd ${fill(c.cwd ?? "@lab/data")} || exit 99
"$@"
code=$?
cd /
${fill(c.after ?? ":")}
exit $code`;
    const env = Object.entries(c.env ?? {}).map(([name, value]) => `${name}=${fill(value)}`);
    const program = tool === "peer" ? place.peer : place.skiff;
    const finished = await place.run(
      [
        "sh",
        "-c",
        script,
        "sh",
        "env",
        ...(c.emptyEnv === true ? ["-i"] : []),
        ...env,
        program,
        ...c.words.map(fill),
      ],
      {
        as: c.asRoot === true ? "self" : "user",
        ...(c.stdin === undefined ? {} : { stdin: c.stdin }),
        timeoutMs: 30_000,
      },
    );
    const normal = (text: string): string =>
      text
        .replaceAll(own, "@own")
        .replaceAll(`${id}-${tool}`, "@own")
        .replaceAll(place.inside, "@lab");
    return {
      code: finished.code,
      stdout: normal(finished.stdout),
      stderr: normal(finished.stderr),
    };
  };
  const runBoth = async (c: Comparison): Promise<[Finished, Finished]> => {
    count += 1;
    const id = count;
    const [peer, skiff] = await Promise.all([runOne("peer", c, id), runOne("skiff", c, id)]);
    if (process.env["SHOW_COMPARED"] !== undefined) {
      const text = (f: Finished): string => `${f.stdout}${f.stderr}[${f.code}]\n`;
      console.error(`${c.words.join(" ")}\npeer: ${text(peer)}skiff: ${text(skiff)}`);
    }
    return [peer, skiff];
  };

  return {
    same: (name, c) =>
      testUnless(noLab)(name, async () => {
        const [peer, skiff] = await runBoth(c);
        const outcome = (f: Finished): Outcome => ({ code: f.code, stdout: f.stdout });
        const context = `peer: ${peer.stderr}\nskiff: ${skiff.stderr}`;
        expect(outcome(skiff), context).toEqual(outcome(peer));
        if (c.code !== undefined) expect(skiff.code, context).toBe(c.code);
        if (c.prints !== undefined) expect(skiff.stdout).toMatch(c.prints);
        if (c.says !== undefined) {
          expect(peer.stderr).toMatch(c.says);
          expect(skiff.stderr).toMatch(c.says);
        }
      }),
    differ: (name, c, judge) =>
      testUnless(noLab)(name, async () => {
        const [peer, skiff] = await runBoth(c);
        judge(peer, skiff);
      }),
  };
}
