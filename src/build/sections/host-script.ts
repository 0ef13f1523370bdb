import { rmSync, writeFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { encodeOsText } from "../../base/os-text.ts";
import { type Script, scriptArgv } from "../../format/deffile/script.ts";
import { runChild } from "../child.ts";
import { hasSection, type Stage } from "../stage.ts";

/** Runs `%pre` or `%setup` on the host, in the caller's directory. */
export async function runHostScript(
  stage: Stage,
  name: "pre" | "setup",
  script: Script | undefined,
): Promise<void> {
  if (script === undefined || !hasSection(stage.options, name)) return;
  const path = `${stage.folder}/${name}`;
  writeFileSync(path, encodeOsText(script.text), { mode: 0o755, flag: "wx" });
  try {
    const argv = scriptArgv(name, script, path);
    stage.ports.talk.info(`Running ${name} scriptlet`);
    const end = await runChild({
      argv,
      env: { ...stage.ports.env, ...postEnvironment(), ...rootEnvironment(stage.root) },
      cwd: stage.ports.cwd,
      stdin: "pass",
      stdout: "pass",
      stderr: "pass",
      signal: stage.ports.signal,
    });
    if (end.status !== 0) {
      throw new Fault("failed", `failed to run %${name} script: ${end.words}`, {
        hint: `the last line that begins with "+" is the command that failed; the section begins in line ${script.line}`,
      });
    }
  } finally {
    rmSync(path, { force: true });
  }
}

/** Where scripts of a build leave environment lines. */
export function postEnvironment(): Readonly<Record<string, string>> {
  const path = "/.singularity.d/env/91-environment.sh";
  return { APPTAINER_ENVIRONMENT: path, SINGULARITY_ENVIRONMENT: path };
}

function rootEnvironment(root: string): Readonly<Record<string, string>> {
  return { APPTAINER_ROOTFS: root, SINGULARITY_ROOTFS: root };
}
