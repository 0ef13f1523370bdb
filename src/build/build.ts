import { dirName } from "../base/path.ts";
import type { Recipe } from "../format/deffile/recipe.ts";
import { assembleSandbox } from "./assemble-sandbox.ts";
import { buildStage, type FinishedStage } from "./build-stage.ts";
import { KeyChain } from "./cache/key-chain.ts";
import { expireSteps } from "./cache/list-steps.ts";
import { type CacheRequest, openCache } from "./cache/open-cache.ts";
import type { StepStore } from "./cache/step-store.ts";
import { CachedRoot, type StepCache } from "./cached-root.ts";
import { findWhole, takenRoot } from "./find-whole.ts";
import { packOciRoot } from "./ocisif/pack-root.ts";
import { hasOneId } from "./one-id.ts";
import { readNotedOwners, removeNotes } from "./owners/noted-owners.ts";
import type { PackedImage, PackOptions } from "./pack/pack-image.ts";
import { packStage } from "./pack/pack-stage.ts";
import { packDirectly } from "./pack-directly.ts";
import type { DockerfileChoices, RecordedStep } from "./record/build-record.ts";
import type { BuildPorts, Stage, StageOptions } from "./stage.ts";
import { plainRoot, type StageRoot } from "./stage-root.ts";
import type { StagePlan, StepInputs } from "./step.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

/** What to build. */
export interface BuildRequest {
  /** Text that the image keeps as its definition. */
  readonly text: string;
  readonly stages: readonly StagePlan[];
  /** The definition that the stages were made of; absent when they were written otherwise. */
  readonly recipe?: Recipe;
  /** For stages of a Dockerfile. */
  readonly dockerfile?: DockerfileChoices;
  /** Absolute path. */
  readonly target: string;
  readonly format: "sif" | "sandbox";
  /** Run the last stage over the sandbox at `target` instead of bootstrapping. */
  readonly update: boolean;
  /** Where temporary roots go. */
  readonly tempFolder: string;
  readonly cleanUp: boolean;
  readonly options: StageOptions;
  /** Whether the image holds a record of its inputs (record/build-record.ts). */
  readonly hasRecord: boolean;
  readonly pack: PackOptions;
  /** Where finished steps are kept; absent: every step is carried out, in one directory. */
  readonly cache?: CacheRequest;
}

/**
 * Builds an image or a sandbox. Whatever fails or stops it, nothing half-made stays behind, but for
 * the finished steps in the cache.
 *
 * @returns size and digest of the image, where they are known.
 */
export async function build(
  request: BuildRequest,
  ports: BuildPorts,
): Promise<Partial<PackedImage>> {
  const { talk } = ports;
  talk.info("Starting build...");
  const oldUmask = process.umask(0o002);
  const spaces: Workspace[] = [];
  let cache: StepCache | undefined;
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
    const direct = await packDirectly(request, temporary, beside, ports, oldUmask);
    if (direct !== undefined) return direct;
    cache = request.cache === undefined ? undefined : openCache(request.cache, ports);
    if (cache !== undefined) spaces.push(cache.space);
    const memory = cache === undefined ? ports : { ...ports, memo: memoOf(cache.store) };
    const built = await buildStages(request, memory, cache, temporary, beside);
    const { stage } = built;
    process.umask(oldUmask);
    if (request.format === "sandbox") {
      talk.info("Creating sandbox directory...");
      if (hasOneId()) removeNotes(stage.root, readNotedOwners(stage.root));
      await assembleSandbox(stage.root, request.target, beside, cache !== undefined, ports);
      return {};
    }
    const packed =
      request.options.isOciSif === true
        ? await packOciRoot(request, stage, temporary, beside)
        : await packStage(request, { ...built, cache }, temporary, beside);
    if (cache !== undefined) await expireSteps(cache.store.folder);
    return packed;
  } finally {
    process.umask(oldUmask);
    cache?.store.close();
    if (request.cleanUp) for (const space of spaces) space.remove();
    else {
      for (const space of spaces) space.keep();
      const paths = spaces.map((space) => space.path).join(" ");
      talk.info(`Build performed with no clean up option, build bundle(s) located at: [${paths}]`);
    }
  }
}

interface BuiltStage extends FinishedStage {
  readonly stage: Stage;
  readonly root: StageRoot;
}

/** Builds the stages in order; gives the last one. */
async function buildStages(
  request: BuildRequest,
  ports: BuildPorts,
  cache: StepCache | undefined,
  temporary: Workspace,
  beside: Workspace,
): Promise<BuiltStage> {
  const roots = new Map<string, string>();
  const chains = new Map<string, KeyChain>();
  const steps: RecordedStep[] = [];
  const last = request.stages.length - 1;
  const stageAt = (index: number, plan: StagePlan): Stage => {
    const isPlace = request.format === "sandbox" && index === last;
    const space = cache?.space ?? (isPlace ? beside : temporary);
    const { base } = plan;
    const earlier = "fromStage" in base ? chains.get(base.fromStage)?.fork() : undefined;
    const chain = earlier ?? new KeyChain(portableContext(request));
    for (const name of plan.names) chains.set(name, chain);
    return {
      recipe: plan.recipe,
      root: `${space.folder(String(index))}/rootfs`,
      folder: temporary.folder(`files-${index}`),
      options: request.options,
      ports,
      clock: { seconds: request.pack.sourceDateEpoch },
      rootOf: (name) => Promise.resolve(roots.get(name)),
      keyOf: (name) => chains.get(name)?.keys.at(-1),
      objects: new Map(),
      owners: new Map(),
      ...(request.hasRecord ? { steps, chain } : {}),
    };
  };
  if (cache?.others !== undefined && last > 0) {
    const whole = await findWhole(request.stages, stageAt, cache.others);
    if (whole !== undefined) {
      const { stage, plan } = whole;
      const root = takenRoot(new CachedRoot(cache, String(last)), whole);
      return { stage, root, ...(await buildStage(plan, stage, root)) };
    }
  }
  let built: BuiltStage | undefined;
  for (const [index, plan] of request.stages.entries()) {
    const stage = stageAt(index, plan);
    const root = cache === undefined ? plainRoot() : new CachedRoot(cache, String(index));
    const finished = await buildStage(plan, stage, root);
    for (const name of plan.names) {
      roots.set(name, stage.root);
      if (root instanceof CachedRoot) cache?.stages.set(name, root);
    }
    built = { stage, root, ...finished };
  }
  if (built === undefined) throw new TypeError("a build without stages");
  return built;
}

/** What steps depend on wherever they are carried out. */
function portableContext({ options, pack }: BuildRequest): StepInputs {
  return new Map([
    ["architecture", options.arch],
    ["program", `skiff ${options.version}`],
    ...(hasOneId() ? [["rights", "one id"] as const] : []),
    ...(pack.sourceDateEpoch === undefined
      ? []
      : [["time", String(pack.sourceDateEpoch)] as const]),
  ]);
}

function memoOf(store: StepStore): NonNullable<BuildPorts["memo"]> {
  return {
    get: (name) => store.remembered(name),
    set: (name, value) => store.remember(name, value),
  };
}
