import { renameSync, rmSync } from "node:fs";
import { dirName } from "../base/path.ts";
import type { Recipe, StageRecipe } from "../format/deffile/recipe.ts";
import { hostFiles } from "../host/host-files.ts";
import { TELLING_RUNSCRIPT } from "./agents/agent.ts";
import { openLocalImage } from "./agents/localimage.ts";
import { buildStage } from "./build-stage.ts";
import { inspectMetadata } from "./metadata/inspect-metadata.ts";
import { planMetadata } from "./metadata/plan-metadata.ts";
import { convertOciImage } from "./oci/convert.ts";
import { imageOfStage, OCI_AGENTS } from "./oci/image-of-stage.ts";
import { type PackOptions, packImage } from "./pack/pack-image.ts";
import { replaceTree } from "./replace-tree.ts";
import { editedView } from "./root/edited-view.ts";
import { planSkeleton } from "./root/skeleton.ts";
import { type BuildPorts, hasSection, type Stage, type StageOptions } from "./stage.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

/** What to build. */
export interface BuildRequest {
  readonly recipe: Recipe;
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
    if (isBorrowable(request)) {
      await packBorrowed(request, temporary, beside, ports, oldUmask);
      return;
    }
    if (isStreamable(request)) {
      process.umask(oldUmask);
      await packStreamed(request, temporary.folder("image"), beside, ports);
      return;
    }
    const isSandbox = request.format === "sandbox";
    const earlier = new Map<string, string>();
    let objects = new Map<string, string>();
    let root = "";
    for (const [index, recipe] of request.recipe.stages.entries()) {
      const isLast = index === request.recipe.stages.length - 1;
      const space = isLast && isSandbox ? beside : temporary;
      root = `${space.folder(String(index))}/rootfs`;
      objects = new Map();
      const stage: Stage = {
        recipe,
        root,
        folder: temporary.folder(`files-${index}`),
        options: request.options,
        ports,
        earlier,
        objects,
      };
      await buildStage(
        stage,
        request.recipe.text,
        isLast && request.update ? request.target : undefined,
      );
      earlier.set(recipe.name, root);
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
      { deffile: request.recipe.text, inspect: inspectMetadata(view), objects, view },
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

/** Whether the SIF is just an OCI image with other metadata: then no root is unpacked at all. */
function isStreamable(request: BuildRequest): boolean {
  const [stage, ...more] = request.recipe.stages;
  if (stage === undefined || more.length > 0 || request.format !== "sif" || request.update) {
    return false;
  }
  if (!OCI_AGENTS.includes(stage.header["bootstrap"] ?? "") || stage.apps.length > 0) return false;
  return !isRunning(stage, request.options) && !request.options.fixPermissions;
}

async function packStreamed(
  request: BuildRequest,
  folder: string,
  beside: Workspace,
  ports: BuildPorts,
): Promise<void> {
  const [recipe] = request.recipe.stages;
  if (recipe === undefined) return;
  const { options, pack } = request;
  const image = await imageOfStage({ recipe, ports, options }, folder);
  const made = `${beside.path}/image`;
  await convertOciImage(image, made, {
    recipe: request.recipe,
    force: options.force,
    hasSection: (name) => hasSection(options, name),
    talk: ports.talk,
    progress: () => {},
    tool: ports.tool,
    hostArch: pack.hostArch,
    wantedArch: pack.arch,
    version: options.version,
    peerVersion: options.peerVersion,
    mksquashfsArgs: pack.extraArguments,
    processors: pack.processors,
    memory: pack.memory,
    sourceDateEpoch: pack.sourceDateEpoch,
    signal: ports.signal,
  });
  rmSync(request.target, { recursive: true, force: true });
  renameSync(made, request.target);
}

/** Whether the SIF is just a directory packed: then the directory itself is packed, not a copy. */
function isBorrowable(request: BuildRequest): boolean {
  const [stage, ...more] = request.recipe.stages;
  if (stage === undefined || more.length > 0 || request.format !== "sif" || request.update) {
    return false;
  }
  if (stage.header["bootstrap"] !== "localimage" || stage.apps.length > 0) return false;
  return !isRunning(stage, request.options);
}

/** Whether anything of a stage runs in or writes to its root. */
function isRunning(stage: StageRecipe, options: StageOptions): boolean {
  const runs =
    stage.pre ?? stage.setup ?? stage.post ?? (options.runTests ? stage.test : undefined);
  return runs !== undefined || (stage.files.length > 0 && hasSection(options, "files"));
}

async function packBorrowed(
  request: BuildRequest,
  space: Workspace,
  beside: Workspace,
  ports: BuildPorts,
  umask: number,
): Promise<void> {
  const [recipe] = request.recipe.stages;
  if (recipe === undefined) return;
  const image = openLocalImage({ recipe, ports });
  const folder = space.folder("pack");
  if (image.rootKind !== "directory") {
    const root = `${space.folder("0")}/rootfs`;
    const stage = { recipe, root, folder, options: request.options, ports, earlier: new Map() };
    await buildStage(stage, request.recipe.text, undefined);
    process.umask(umask);
    const view = hostFiles(root);
    const texts = { deffile: request.recipe.text, inspect: inspectMetadata(view), view };
    const place = {
      source: root,
      pseudoEdits: [],
      folder,
      image: `${beside.path}/image`,
      target: request.target,
    };
    return await packImage(place, texts, request.pack, ports);
  }
  const view = editedView(image.tree);
  planSkeleton(view, false, TELLING_RUNSCRIPT);
  planMetadata(
    view,
    {
      recipe,
      text: request.recipe.text,
      time: request.options.time,
      arch: request.options.arch,
      version: request.options.version,
      peerVersion: request.options.peerVersion,
      force: request.options.force,
      withHeader: true,
      hasSection: (name) => hasSection(request.options, name),
    },
    ports.talk,
  );
  process.umask(umask);
  await packImage(
    {
      source: image.path,
      pseudoEdits: view.edits,
      folder,
      image: `${beside.path}/image`,
      target: request.target,
    },
    { deffile: request.recipe.text, inspect: inspectMetadata(view), view },
    request.pack,
    ports,
  );
}
