import { rmSync, writeFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { resolveIn } from "../../base/file-view.ts";
import { encodeOsText } from "../../base/os-text.ts";
import { hostFiles } from "../../host/host-files.ts";
import { freeBytes } from "../../image/cache/space.ts";
import { bindInputs } from "../cache/bind-inputs.ts";
import { digestOf } from "../cache/digest.ts";
import { adviseOneId, hasOneId } from "../one-id.ts";
import { rootArchitecture } from "../pack/architecture.ts";
import { stageHostFiles } from "../sections/staged-files.ts";
import type { Stage } from "../stage.ts";
import type { Step } from "../step.ts";
import { toolHint } from "../tool-hint.ts";

/** A script that runs in the root. */
export interface ScriptInput {
  /** For failures: `while running %post section`. */
  readonly section: string;
  readonly title: string;
  /** Told when it begins. */
  readonly heading: string;
  readonly line: number;
  readonly text: string;
  /** Program and arguments that run the script at a path of the root. */
  argv(path: string): readonly string[];
  /** Variables over those of the root. */
  readonly env: Readonly<Record<string, string>>;
  /** Where it begins; `/` when absent. */
  readonly cwd?: string;
  /** A file of the root that goes when the script has succeeded. */
  readonly leftover?: string;
}

/** Less than this is no room at all. */
const FULL_BYTES = 1 << 20;

const SCRIPT = "/.post.script";

/** A step that runs a script in the root, as root, with the build's mounts and network. */
export function scriptStep(input: ScriptInput): Step {
  return {
    title: input.title,
    line: input.line,
    async inputs(stage) {
      const binds = await bindInputs(stage.options.binds, stage.ports.signal);
      if (binds === undefined) return undefined;
      return new Map([
        ["text", digestOf(input.text)],
        ["shell", input.argv(SCRIPT).join(" ")],
        ...Object.entries(input.env).map(([name, value]) => [`variable ${name}`, value] as const),
        ...(input.cwd === undefined ? [] : [["directory", input.cwd] as const]),
        ...injectedVariables(stage.ports.env),
        ...stage.options.containerFlags.map((flag) => [`--${flag}`, "yes"] as const),
        ...binds,
      ]);
    },
    async run(stage) {
      requireRunnable(input, stage);
      const path = stage.root + SCRIPT;
      writeFileSync(path, encodeOsText(input.text), { mode: 0o755, flag: "wx" });
      const endAdvice = adviseOneId(stage.root);
      try {
        stage.ports.talk.info(input.heading);
        const container = {
          action: "exec",
          root: stage.root,
          env: input.env,
          mounts: [...stageHostFiles(stage), ...stage.options.mounts],
          writable: true,
          cleanEnvironment: true,
          ...(input.cwd === undefined ? {} : { cwd: input.cwd }),
          signal: stage.ports.signal,
        } as const;
        const end = await stage.ports.runInContainer({ ...container, argv: input.argv(SCRIPT) });
        if (end.status === 0) {
          if (input.leftover !== undefined) rmSync(stage.root + input.leftover, { force: true });
          return;
        }
        const words = `while running ${input.section} section: ${end.words}`;
        if (stage.options.shellOnFailure) {
          stage.ports.talk.warning(`${words}; this shell shows the root as it was left`);
          await stage.ports.runInContainer({ ...container, argv: [shellOf(stage.root)] });
        }
        throw new Fault("failed", `while running engine: ${words}`, {
          hint: failureHint(input, stage.root, end.words),
        });
      } finally {
        endAdvice();
        rmSync(path, { force: true });
      }
    },
  };
}

/** The caller's variables for containers: they reach scripts of the build as well. */
function injectedVariables(
  env: Readonly<Record<string, string>>,
): readonly (readonly [string, string])[] {
  return (
    Object.entries(env)
      .filter(([name]) => /^(?:APPTAINER|SINGULARITY)ENV_/.test(name))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      // Its value may be a secret, and inputs are written down.
      .map(([name, value]) => [`variable ${name}`, digestOf(value)])
  );
}

/** Throws a Fault when the programs of the root are those of a machine that this one cannot stand for. */
function requireRunnable(input: ScriptInput, stage: Stage): void {
  const arch = rootArchitecture(hostFiles(stage.root));
  if (arch === undefined || stage.ports.canRun(arch)) return;
  throw new Fault(
    "unsupported",
    `while running engine: Cannot run ${input.section} section: the programs of the root are for ${arch}`,
    { hint: "an administrator can install qemu-user-static, with its binfmt support" },
  );
}

function failureHint(input: ScriptInput, root: string, end: string): string {
  // Its last words are on the terminal: whether the disk is full is seen by looking.
  const isFull = (freeBytes(root) ?? FULL_BYTES) < FULL_BYTES;
  const cause = toolHint(isFull ? "No space left" : "", end, input.section);
  if (cause !== undefined) return cause;
  const where = `the last line that begins with "+" is the command that failed; the section begins in line ${input.line}`;
  if (!hasOneId()) return where;
  return `${where}; only one user id exists in this build, so nothing is really given to another owner: an entry in /etc/subuid and /etc/subgid mends that`;
}

/** The best shell that a root has. */
export function shellOf(root: string): string {
  const view = hostFiles(root);
  const has = (path: string): boolean => resolveIn(view, path).entry?.kind === "file";
  return has("/bin/bash") ? "/bin/bash" : "/bin/sh";
}
