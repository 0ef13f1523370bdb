import { mkdirSync } from "node:fs";
import { hostFiles } from "../host/host-files.ts";
import { imageHost } from "../host/image-host.ts";
import { openImage } from "../image/open.ts";
import { TELLING_RUNSCRIPT } from "./agents/agent.ts";
import { findAgent } from "./agents/find-agent.ts";
import { runChild } from "./child.ts";
import { planMetadata } from "./metadata/plan-metadata.ts";
import { applyEdits } from "./root/apply-edits.ts";
import { type EditedView, editedView } from "./root/edited-view.ts";
import { planSkeleton } from "./root/skeleton.ts";
import { createApps } from "./sections/apps.ts";
import { copyFiles } from "./sections/copy-files.ts";
import { runHostScript } from "./sections/host-script.ts";
import { runPost } from "./sections/post.ts";
import { stageHostFiles } from "./sections/staged-files.ts";
import { runTest } from "./sections/test.ts";
import { hasSection, type Stage } from "./stage.ts";
import { unpackImage } from "./unpack/unpack-image.ts";

/**
 * Builds one stage in the peer's order (reference: deffile.md section 5):
 *
 *   %pre ─► bootstrap ─► skeleton ─► apps ─► %files from ─► %setup ─► %files ─► %post
 *        ─► metadata ─► %test
 *
 * @param text of the whole definition, kept in the image.
 * @param updated a sandbox that stands for the bootstrap, copied first.
 */
export async function buildStage(
  stage: Stage,
  text: string,
  updated: string | undefined,
): Promise<void> {
  const { recipe, ports, options } = stage;
  await runHostScript(stage, "pre", recipe.pre);
  mkdirSync(stage.root, { recursive: true, mode: 0o755 });
  const isUpdate = updated !== undefined && !options.force;
  if (isUpdate) {
    ports.talk.info(`Building into existing container: ${updated}`);
    await unpackImage(openImage(updated, imageHost), stage.root, ports);
    edit(stage, (view) => planSkeleton(view, false, TELLING_RUNSCRIPT));
  } else {
    const agent = findAgent(recipe.header["bootstrap"] ?? "");
    await agent.bootstrap(stage);
    if (options.fixPermissions) await openToOwner(stage);
    edit(stage, (view) => planSkeleton(view, !agent.keepsFiles, agent.runscript));
  }
  await createApps(stage);
  await copyFiles(stage, "stages");
  await runHostScript(stage, "setup", recipe.setup);
  await copyFiles(stage, "host");
  const mounts = stageHostFiles(stage);
  await runPost(stage, mounts);
  edit(stage, (view) =>
    planMetadata(
      view,
      {
        recipe,
        text,
        time: options.time,
        arch: options.arch,
        version: options.version,
        peerVersion: options.peerVersion,
        force: options.force,
        withHeader: !isUpdate,
        hasSection: (name) => hasSection(options, name),
      },
      ports.talk,
    ),
  );
  await runTest(stage, mounts);
}

/** `--fix-perms`: the owner may read and write everything and search every directory. */
async function openToOwner(stage: Stage): Promise<void> {
  const argv = ["chmod", "-R", "u+rwX", "--", stage.root];
  const { signal } = stage.ports;
  await runChild({ argv, stdin: "none", stdout: "drop", stderr: "pass", signal });
}

function edit(stage: Stage, plan: (view: EditedView) => void): void {
  const view = editedView(hostFiles(stage.root));
  plan(view);
  applyEdits(stage.root, view.edits);
}
