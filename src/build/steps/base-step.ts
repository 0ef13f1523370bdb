import { lstatSync, mkdirSync, readdirSync } from "node:fs";
import type { StageRecipe } from "../../format/deffile/recipe.ts";
import { imageHost } from "../../host/image-host.ts";
import { openImage } from "../../image/open.ts";
import { TELLING_RUNSCRIPT } from "../agents/agent.ts";
import { baseInputs } from "../agents/base-inputs.ts";
import { findAgent } from "../agents/find-agent.ts";
import { runChild } from "../child.ts";
import { OCI_AGENTS } from "../oci/image-of-stage.ts";
import { requireRoom } from "../require-room.ts";
import { editRoot } from "../root/apply-edits.ts";
import { planSkeleton } from "../root/skeleton.ts";
import { planApps } from "../sections/apps.ts";
import type { Stage } from "../stage.ts";
import type { Step } from "../step.ts";
import { unpackImage } from "../unpack/unpack-image.ts";

/** Bootstraps the root by the agent that the header names, and gives it what every image has. */
export function baseStep(recipe: StageRecipe): Step {
  const { bootstrap = "", from, osversion } = recipe.header;
  const what = from ?? osversion;
  return {
    title: what === undefined ? `base ${bootstrap}` : `base ${bootstrap} ${what}`,
    line: recipe.line,
    async inputs(stage) {
      const agent = findAgent(bootstrap);
      const own = await (agent.inputs ?? baseInputs)(stage);
      if (own === undefined) return undefined;
      const fix = stage.options.fixPermissions ? [["fix-perms", "yes"] as const] : [];
      return new Map([["agent", bootstrap], ...own, ...fix]);
    },
    async run(stage) {
      mkdirSync(stage.root, { recursive: true, mode: 0o755 });
      const agent = findAgent(bootstrap);
      await requireRoom(stage);
      await agent.bootstrap(stage);
      if (stage.options.fixPermissions) await openToOwner(stage);
      else if (stage.options.isSandbox && OCI_AGENTS.includes(bootstrap)) warnOfClosed(stage);
      editRoot(stage.root, (view) => {
        planSkeleton(view, !agent.keepsFiles, agent.runscript);
        planApps(view, []);
      });
    },
  };
}

/** Begins with a copy of a sandbox that is to be updated. */
export function updateStep(recipe: StageRecipe, sandbox: string): Step {
  return {
    title: `base ${sandbox}`,
    line: recipe.line,
    inputs: () => undefined,
    async run(stage) {
      mkdirSync(stage.root, { recursive: true, mode: 0o755 });
      stage.ports.talk.info(`Building into existing container: ${sandbox}`);
      await unpackImage(openImage(sandbox, imageHost), stage.root, stage.ports);
      editRoot(stage.root, (view) => {
        planSkeleton(view, false, TELLING_RUNSCRIPT);
        planApps(view, []);
      });
    },
  };
}

/** `--fix-perms`: the owner may read and write everything and search every directory. */
async function openToOwner(stage: Stage): Promise<void> {
  const argv = ["chmod", "-R", "u+rwX", "--", stage.root];
  const { signal } = stage.ports;
  await runChild({ argv, stdin: "none", stdout: "drop", stderr: "pass", signal });
}

/** Says, in the peer's words, that a directory of an image lets not even its owner remove what is in it. */
function warnOfClosed(stage: Stage): void {
  if (!hasClosedDirectory(stage.root)) return;
  const { talk } = stage.ports;
  talk.warning("The sandbox contain files/dirs that cannot be removed with 'rm'.");
  talk.warning("Use 'chmod -R u+rwX' to set permissions that allow removal.");
  talk.warning(
    "Use the '--fix-perms' option to 'apptainer build' to modify permissions at build time.",
  );
}

function hasClosedDirectory(path: string): boolean {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return false;
  if ((stat.mode & 0o700) !== 0o700) return true;
  return readdirSync(path).some((name) => hasClosedDirectory(`${path}/${name}`));
}
