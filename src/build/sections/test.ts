import { Fault } from "../../base/fault.ts";
import type { Stage } from "../stage.ts";
import { stageHostFiles } from "./staged-files.ts";

/** Runs `%test` in the finished root. */
export async function runTest(stage: Stage): Promise<void> {
  stage.ports.talk.info("Running testscript");
  const end = await stage.ports.runInContainer({
    action: "test",
    root: stage.root,
    argv: [],
    env: {},
    mounts: [...stageHostFiles(stage), ...stage.options.mounts],
    writable: false,
    cleanEnvironment: false,
    signal: stage.ports.signal,
  });
  if (end.status !== 0) {
    throw new Fault("failed", `failed to execute %test script: ${end.words}`, {
      hint: "--notest builds without running it",
    });
  }
}
