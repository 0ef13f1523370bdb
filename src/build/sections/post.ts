import { readFileSync, rmSync, writeFileSync } from "node:fs";
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
        hint: postHint(script.line),
      });
    }
  } finally {
    rmSync(path, { force: true });
  }
}

function postHint(line: number): string {
  const where = `the last line that begins with "+" is the command that failed; the section begins in line ${line}`;
  if (countIds() !== 1) return where;
  return `${where}; only one user id exists in this build, so nothing can be given to another owner: an entry in /etc/subuid and /etc/subgid mends that`;
}

/** How many user ids this process can give files to. */
function countIds(): number {
  const lines = readFileSync("/proc/self/uid_map", "utf8").trim().split("\n");
  return lines.reduce((sum, line) => sum + Number(line.trim().split(/ +/)[2] ?? 0), 0);
}

function postScript(stage: Stage): Script | undefined {
  const { post, apps } = stage.recipe;
  const text = (post?.text ?? "") + appInstallText(apps);
  if (text === "") return undefined;
  return { arguments: post?.arguments ?? "", text, line: post?.line ?? stage.recipe.line };
}
