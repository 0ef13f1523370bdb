import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { resolveIn } from "../../base/file-view.ts";
import { encodeOsText } from "../../base/os-text.ts";
import type { RunAction } from "../../format/dockerfile/evaluate.ts";
import { PROXY_ARGUMENTS } from "../../format/dockerfile/evaluate.ts";
import { hostFiles } from "../../host/host-files.ts";
import { bindInputs } from "../cache/bind-inputs.ts";
import { digestOf } from "../cache/digest.ts";
import { adviseOneId } from "../one-id.ts";
import { stageHostFiles } from "../sections/staged-files.ts";
import type { Stage } from "../stage.ts";
import type { Step, StepInputs } from "../step.ts";
import { shellOf } from "../steps/script-step.ts";
import { findAccount } from "./account.ts";
import {
  type MountSources,
  makePoint,
  mountInputs,
  prepareMounts,
  removePoints,
} from "./run-mounts.ts";

/** A RUN as a step. */
export interface RunInput {
  readonly action: RunAction;
  /** The instruction in one line. */
  readonly title: string;
  readonly line: number;
  readonly sources: MountSources;
}

/** Where a script with an interpreter line lies while it runs. */
const SCRIPT = "/.run.script";

export function runStep(input: RunInput): Step {
  return {
    title: input.title,
    line: input.line,
    inputs: (stage) => runInputs(input, stage, false),
    portableInputs: (stage) => runInputs(input, stage, true),
    run: async (stage) => await runCommand(input, stage),
  };
}

async function runInputs(
  { action, sources }: RunInput,
  stage: Stage,
  isPortable: boolean,
): Promise<StepInputs | undefined> {
  const mounts = await mountInputs(action, stage, sources, isPortable);
  const binds = await bindInputs(stage.options.binds, stage.ports.signal);
  if (binds === undefined || mounts === undefined) return undefined;
  const variables = [...action.env].filter(([name]) => !PROXY_ARGUMENTS.includes(name));
  return new Map([
    ["command", digestOf(encodeOsText(JSON.stringify([action.argv, action.script])))],
    ["directory", action.workingDir],
    ["user", action.user],
    ["network", action.network],
    // Values may be secrets, and inputs are written down.
    ...variables.map(([name, value]) => [`variable ${name}`, digestOf(value)] as const),
    ...stage.options.containerFlags.map((flag) => [`--${flag}`, "yes"] as const),
    ...mounts,
    ...binds,
  ]);
}

async function runCommand({ action, line, sources, title }: RunInput, stage: Stage): Promise<void> {
  const view = hostFiles(stage.root);
  const account = action.user === "" ? undefined : findAccount(view, action.user);
  const made: string[] = [];
  // The kernel's file systems have their places even in an image that holds one program only.
  for (const path of ["/proc", "/sys", "/dev"]) makePoint(stage.root, path, true, []);
  for (const path of ["/etc/resolv.conf", "/etc/hosts"]) makePoint(stage.root, path, false, made);
  const endAdvice = adviseOneId(stage.root);
  const mounts = await prepareMounts(action, stage, sources);
  let { argv } = action;
  if (action.script !== undefined) {
    writeFileSync(stage.root + SCRIPT, encodeOsText(action.script), { flag: "wx" });
    chmodSync(stage.root + SCRIPT, 0o755);
    argv = [SCRIPT];
  }
  try {
    const cwd = resolveIn(view, action.workingDir);
    if (cwd.entry === undefined) mkdirSync(stage.root + cwd.path, { recursive: true, mode: 0o755 });
    stage.ports.talk.verbose(title);
    const container = {
      action: "exec",
      root: stage.root,
      env: {
        ...proxies(stage),
        HOME: account?.home ?? rootHome(stage),
        ...Object.fromEntries(action.env),
        ...Object.fromEntries(mounts.env),
      },
      mounts: [...stageHostFiles(stage), ...mounts.words, ...stage.options.mounts],
      writable: true,
      cleanEnvironment: true,
      cwd: action.workingDir,
      flags: flagsOf(action, account),
      signal: stage.ports.signal,
    } as const;
    const end = await stage.ports.runInContainer({ ...container, argv });
    if (end.status === 0) return;
    const words = `line ${line}: "${title}": ${end.words}`;
    if (stage.options.shellOnFailure) {
      stage.ports.talk.warning(`${words}; this shell shows the root as it was left`);
      await stage.ports.runInContainer({ ...container, argv: [shellOf(stage.root)] });
    }
    throw new Fault("failed", `while running engine: ${words}`, {
      hint: "the reason is in its last lines",
    });
  } finally {
    endAdvice();
    if (action.script !== undefined) rmSync(stage.root + SCRIPT, { force: true });
    mounts.finish();
    removePoints(made);
  }
}

/** Temporary files belong to the image here, and files that RUN makes have the modes it expects. */
function flagsOf(
  { network }: RunAction,
  account:
    | { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
    | undefined,
): readonly string[] {
  const flags = ["--only-env", "--no-mount", "tmp", "--no-umask", "--no-eval"];
  if (network === "none") flags.push("--net", "--network", "none");
  else if (network !== "default" && network !== "host") {
    throw new Fault("unsupported", `Cannot honour RUN --network=${network}`, {
      hint: "default, host or none",
    });
  }
  if (account !== undefined && (account.uid !== 0 || account.gid !== 0)) {
    const groups = [account.gid, ...account.groups].join(":");
    flags.push("--security", `uid:${account.uid}`, "--security", `gid:${groups}`);
  }
  return flags;
}

/** The caller's proxies: they reach commands of the build and never the image. */
function proxies(stage: Stage): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(stage.ports.env).filter(([name]) => PROXY_ARGUMENTS.includes(name)),
  );
}

function rootHome(stage: Stage): string {
  try {
    return findAccount(hostFiles(stage.root), "0").home;
  } catch {
    return "/root";
  }
}
