import { rmSync, writeFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { encodeOsText } from "../../base/os-text.ts";
import { type Script, scriptArgv } from "../../format/deffile/script.ts";
import { POST_LABELS } from "../metadata/plan-metadata.ts";
import type { Stage } from "../stage.ts";
import { appInstallText } from "./apps.ts";
import { postEnvironment } from "./host-script.ts";

/**
 * Runs `%post`, followed by the `%appinstall` sections, in the root.
 *
 * @param mounts of the staged resolv.conf and hosts.
 */
export async function runPost(stage: Stage, mounts: readonly string[]): Promise<void> {
  const script = postScript(stage);
  if (script === undefined) return;
  const path = `${stage.root}/.post.script`;
  writeFileSync(path, encodeOsText(script.text), { mode: 0o755, flag: "wx" });
  try {
    const argv = scriptArgv("post", script, "/.post.script");
    stage.ports.talk.info("Running post scriptlet");
    const end = await stage.ports.runInContainer({
      action: "exec",
      root: stage.root,
      argv,
      env: {
        ...postEnvironment(),
        APPTAINER_LABELS: POST_LABELS,
        SINGULARITY_LABELS: POST_LABELS,
      },
      mounts: [...mounts, ...stage.options.mounts],
      writable: true,
      cleanEnvironment: true,
      signal: stage.ports.signal,
    });
    if (end.status !== 0) {
      throw new Fault("failed", `while running engine: while running %post section: ${end.words}`, {
        hint: `the last line that begins with "+" is the command that failed; the section begins in line ${script.line}`,
      });
    }
  } finally {
    rmSync(path, { force: true });
  }
}

function postScript(stage: Stage): Script | undefined {
  const { post, apps } = stage.recipe;
  const text = (post?.text ?? "") + appInstallText(apps);
  if (text === "") return undefined;
  return { arguments: post?.arguments ?? "", text, line: post?.line ?? stage.recipe.line };
}
