import { dirName } from "../base/path.ts";
import type { Recipe } from "../format/deffile/recipe.ts";
import { hostFiles } from "../host/host-files.ts";
import { buildStage } from "./build-stage.ts";
import { inspectMetadata } from "./metadata/inspect-metadata.ts";
import { type PackOptions, packImage } from "./pack/pack-image.ts";
import { packDirectly } from "./pack-directly.ts";
import { replaceTree } from "./replace-tree.ts";
import type { BuildPorts, Stage, StageOptions } from "./stage.ts";
import { plainRoot } from "./stage-root.ts";
import type { StagePlan } from "./step.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

/** What to build. */
export interface BuildRequest {
  /** Text that the image keeps as its definition. */
  readonly text: string;
  readonly stages: readonly StagePlan[];
  /** The definition that the stages were made of; absent when they were written otherwise. */
  readonly recipe?: Recipe;
  /** Absolute path. */
  readonly target: string;
  readonly format: "sif" | "sandbox";
  /** Run the last stage over the sandbox at `target` instead of bootstrapping. */
  readonly update: boolean;
  /** Where temporary roots go. */
  readonly tempFolder: string;
  readonly cleanUp: boolean;
  readonly options: StageOptions;
  readonly pack: PackOptions;
}

/** Builds an image or a sandbox. Whatever fails or stops it, nothing half-made stays behind. */
export async function build(request: BuildRequest, ports: BuildPorts): Promise<void> {
  const { talk } = ports;
  talk.info("Starting build...");
  const oldUmask = process.umask(0o002);
  const spaces: Workspace[] = [];
  const open = (parent: string): Workspace => {
    const space = openWorkspace(parent);
    spaces.push(space);
    return space;
  };
  try {
    const temporary = open(request.tempFolder);
    // What is finished is made where it will be, so that putting it in place is one rename; and a
    // target that cannot be written is known before the work.
    const folder = dirName(request.target);
    const beside = folder === request.tempFolder ? temporary : open(folder);
    if (await packDirectly(request, temporary, beside, ports, oldUmask)) return;
    const isSandbox = request.format === "sandbox";
    const roots = new Map<string, string>();
    let objects = new Map<string, string>();
    let root = "";
    for (const [index, plan] of request.stages.entries()) {
      const isLast = index === request.stages.length - 1;
      const space = isLast && isSandbox ? beside : temporary;
      root = `${space.folder(String(index))}/rootfs`;
      objects = new Map();
      const stage: Stage = {
        recipe: plan.recipe,
        root,
        folder: temporary.folder(`files-${index}`),
        options: request.options,
        ports,
        rootOf: (name) => Promise.resolve(roots.get(name)),
        objects,
      };
      await buildStage(plan, stage, plainRoot());
      for (const name of plan.names) roots.set(name, root);
    }
    process.umask(oldUmask);
    if (isSandbox) {
      talk.info("Creating sandbox directory...");
      replaceTree(root, request.target, beside);
      return;
    }
    const view = hostFiles(root);
    await packImage(
      {
        source: root,
        pseudoEdits: [],
        folder: temporary.folder("pack"),
        image: `${beside.path}/image`,
        target: request.target,
      },
      { deffile: request.text, inspect: inspectMetadata(view), objects, view },
      request.pack,
      ports,
    );
  } finally {
    process.umask(oldUmask);
    if (request.cleanUp) for (const space of spaces) space.remove();
    else {
      for (const space of spaces) space.keep();
      const paths = spaces.map((space) => space.path).join(" ");
      talk.info(`Build performed with no clean up option, build bundle(s) located at: [${paths}]`);
    }
  }
}
