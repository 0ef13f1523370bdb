import { renameSync, rmSync } from "node:fs";
import type { StageRecipe } from "../format/deffile/recipe.ts";
import type { ImageFacts } from "../plan/facts.ts";
import { TELLING_RUNSCRIPT } from "./agents/agent.ts";
import { openLocalImage } from "./agents/localimage.ts";
import type { BuildRequest } from "./build.ts";
import { inspectMetadata } from "./metadata/inspect-metadata.ts";
import { planMetadata } from "./metadata/plan-metadata.ts";
import { convertOciImage } from "./oci/convert.ts";
import { imageOfStage, OCI_AGENTS } from "./oci/image-of-stage.ts";
import { type PackedImage, packImage } from "./pack/pack-image.ts";
import { sumTree } from "./reproducible/settle-times.ts";
import { editedView } from "./root/edited-view.ts";
import { planSkeleton } from "./root/skeleton.ts";
import { type BuildPorts, hasSection, type StageOptions } from "./stage.ts";
import type { Workspace } from "./workspace.ts";

/*
 * Images that are packed straight from what they are built of, without a root of their own.
 */

/** Packs without a root of its own where that is possible; undefined where it is not. */
export async function packDirectly(
  request: BuildRequest,
  temporary: Workspace,
  beside: Workspace,
  ports: BuildPorts,
  umask: number,
): Promise<Partial<PackedImage> | undefined> {
  const recipe = onlyStage(request);
  if (recipe === undefined) return undefined;
  const agent = recipe.header["bootstrap"] ?? "";
  const isEncrypted = request.pack.encryption !== undefined;
  if (OCI_AGENTS.includes(agent) && !request.options.fixPermissions && !isEncrypted) {
    process.umask(umask);
    await packStreamed(request, recipe, temporary.folder("image"), beside, ports);
    return {};
  }
  if (agent !== "localimage" || (recipe.header["fingerprints"] ?? "") !== "") return undefined;
  const image = openLocalImage({ recipe, ports });
  if (image.rootKind !== "directory") return undefined;
  const folder = temporary.folder("pack");
  return await packBorrowed(request, recipe, image, folder, beside, ports, umask);
}

/** The stage of a SIF in whose root nothing runs and to which nothing is copied. */
function onlyStage(request: BuildRequest): StageRecipe | undefined {
  const [stage, ...more] = request.recipe?.stages ?? [];
  if (stage === undefined || more.length > 0) return undefined;
  if (request.format !== "sif" || request.update || stage.apps.length > 0) return undefined;
  return isRunning(stage, request.options) ? undefined : stage;
}

/** The SIF is an OCI image with other metadata: it is streamed into it. */
async function packStreamed(
  request: BuildRequest,
  recipe: StageRecipe,
  folder: string,
  beside: Workspace,
  ports: BuildPorts,
): Promise<void> {
  const { options, pack } = request;
  const image = await imageOfStage({ recipe, ports, options }, folder);
  const made = `${beside.path}/image`;
  await convertOciImage(image, made, {
    recipe: { stages: [recipe], text: request.text },
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
    ...(pack.sbomVersion === undefined ? {} : { sbomVersion: pack.sbomVersion }),
    signal: ports.signal,
  });
  rmSync(request.target, { recursive: true, force: true });
  renameSync(made, request.target);
}

/** Whether anything of a stage runs in or writes to its root. */
function isRunning(stage: StageRecipe, options: StageOptions): boolean {
  const runs =
    stage.pre ?? stage.setup ?? stage.post ?? (options.runTests ? stage.test : undefined);
  return runs !== undefined || (stage.files.length > 0 && hasSection(options, "files"));
}

/** The SIF is a directory packed: that itself, not a copy. */
async function packBorrowed(
  request: BuildRequest,
  recipe: StageRecipe,
  image: ImageFacts,
  folder: string,
  beside: Workspace,
  ports: BuildPorts,
  umask: number,
): Promise<PackedImage> {
  const { sourceDateEpoch } = request.pack;
  const sums = await sumTree(image.path, Number.POSITIVE_INFINITY, ports.signal);
  const latestSeconds = sourceDateEpoch ?? sums.newestSeconds;
  const view = editedView(image.tree);
  planSkeleton(view, false, TELLING_RUNSCRIPT);
  planMetadata(
    view,
    {
      recipe,
      text: request.text,
      time: new Date(latestSeconds * 1000),
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
  return await packImage(
    {
      source: image.path,
      latestSeconds,
      sourceBytes: sums.sizeBytes,
      pseudoEdits: view.edits,
      folder,
      image: `${beside.path}/image`,
      target: request.target,
    },
    { deffile: request.text, inspect: inspectMetadata(view), view },
    request.pack,
    ports,
  );
}
