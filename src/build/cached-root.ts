import { withClaim } from "../image/cache/claim.ts";
import { digestOf } from "./cache/digest.ts";
import { explainMiss, PARENT } from "./cache/explain-miss.ts";
import type { Layering } from "./cache/layers.ts";
import { type OtherImage, type OtherImages, unpackOther } from "./cache/other-images.ts";
import { STEP_FORMAT, type StepEntry, type StepMeta, type StepStore } from "./cache/step-store.ts";
import { treeDigest } from "./cache/tree-digest.ts";
import { fileClockMs, settleTimes, sumTree } from "./reproducible/settle-times.ts";
import type { Stage } from "./stage.ts";
import { noteStep, type StageRoot } from "./stage-root.ts";
import type { StagePlan, Step, StepInputs } from "./step.ts";
import type { Workspace } from "./workspace.ts";

/** What the stages of one build with a cache share. */
export interface StepCache {
  readonly store: StepStore;
  readonly layering: Layering;
  /** On the file system of the store: a layer is finished by one rename. */
  readonly space: Workspace;
  /** What every base depends on: `architecture`, `rights`, `program`. */
  readonly context: StepInputs;
  /** Path of the definition, for explanations. */
  readonly definition: string;
  /** Layers of finished stages, by name. */
  readonly stages: Map<string, CachedRoot>;
  /** Images that finished steps may come from; absent: none are named. */
  readonly others?: OtherImages;
  /** A word that differs for each scratch directory of the build. */
  nextName(): string;
}

/**
 * A root of layers, one for each step. A step whose key is known is not carried out: its layer is
 * put on top. Only when a step has to run are the layers mounted.
 */
export class CachedRoot implements StageRoot {
  readonly #cache: StepCache;
  readonly #slot: string;
  #layers: StepEntry[] = [];
  #id = "";
  #steps = 0;
  /** Steps that other images went through, not carried out as long as one may have them all. */
  #pending: PendingStep[] = [];
  /** Whether the content comes from more than is known: then nothing from here on is kept. */
  #isUnknown = false;

  /** @param slot tells this stage from others of the definition. */
  constructor(cache: StepCache, slot: string) {
    this.#cache = cache;
    this.#slot = slot;
  }

  get id(): string | undefined {
    return this.#isUnknown ? undefined : this.#id;
  }

  get sizeBytes(): number {
    return this.#layers.reduce((sum, { meta }) => sum + meta.sizeBytes, 0);
  }

  async begin(base: StagePlan["base"], stage: Stage): Promise<void> {
    if (!("fromStage" in base)) return await this.carryOut(base, stage);
    const from = this.#cache.stages.get(base.fromStage);
    if (from === undefined) throw new TypeError(`no stage "${base.fromStage}"`);
    this.#layers = [...from.#layers];
    this.#id = from.#id;
    this.#isUnknown = from.#isUnknown;
    stage.clock.seconds ??= this.#layers[0]?.meta.newestSeconds;
  }

  async carryOut(step: Step, stage: Stage): Promise<void> {
    const own = await step.inputs(stage);
    const pending = { step, own, index: this.#steps++ };
    const portable = await noteStep(stage, step, own);
    if (own !== undefined && portable !== undefined && !this.#isKept(pending)) {
      const offer = await this.#cache.others?.find(portable);
      if (offer !== undefined) {
        this.#pending.push({ ...pending, offeredBy: offer.image.word });
        if (!offer.isLast) return;
        try {
          return await this.#takeOther(offer.image, portable, stage);
        } catch (error) {
          await this.#cache.others?.drop(offer.image, error);
          return await this.#carryOutPending(stage);
        }
      }
    }
    await this.#carryOutPending(stage);
    await this.#carryOutNow(pending, stage);
  }

  /** Inputs with those that only count here; the key that they have in this store. */
  #keyOf({ own }: PendingStep): { readonly key: string; readonly inputs: StepInputs } {
    const { context, layering } = this.#cache;
    const isBase = this.#layers.length === 0;
    const before = isBase ? context : [[PARENT, this.#id] as const];
    const inputs = new Map([...before, ...(own ?? [])]);
    const kind = layering.kind === "overlay" ? [] : [layering.kind];
    const text = JSON.stringify([STEP_FORMAT, ...kind, ...[...inputs].sort(byName)]);
    return { key: digestOf(text), inputs };
  }

  #isKept(step: PendingStep): boolean {
    if (this.#pending.length > 0 || this.#isUnknown) return false;
    return this.#cache.store.find(this.#keyOf(step).key) !== undefined;
  }

  async #carryOutPending(stage: Stage): Promise<void> {
    for (const step of this.#pending.splice(0)) await this.#carryOutNow(step, stage);
  }

  /** The root of another image stands for the pending steps and all before them. */
  async #takeOther(other: OtherImage, portable: string, stage: Stage): Promise<void> {
    await this.take(other, portable, stage);
    for (const { step } of this.#pending.splice(0)) {
      stage.ports.tellStep({ kind: "hit", title: step.title, from: other.word });
    }
  }

  /** Makes the root of another image, whose last step has the key `portable`, the content. */
  async take(other: OtherImage, portable: string, stage: Stage): Promise<void> {
    const { store } = this.#cache;
    // Known by the content of the image, not by the step: whoever names another image, or none, never meets it.
    const key = digestOf(`image ${other.digest} ${this.#cache.layering.kind} ${portable}`);
    const entry = await withClaim({
      folder: `${store.folder}/../claims`,
      name: `step-${key}`,
      find: () => store.find(key),
      work: () => this.#keepOther(other, key, stage),
      onWait: () => {},
      signal: stage.ports.signal,
    });
    this.#layers = [];
    this.#push(entry, stage);
  }

  async #keepOther(other: OtherImage, key: string, stage: Stage): Promise<StepEntry> {
    const { store, layering, space, nextName, definition } = this.#cache;
    const at = performance.now();
    const { signal } = stage.ports;
    const { record, object } = other.image;
    const newestSeconds = record?.latestSeconds ?? 0;
    const layer = `${space.folder(nextName())}/root`;
    await unpackOther(other, layer, stage.ports);
    const { sizeBytes } = await sumTree(layer, Number.POSITIVE_INFINITY, signal);
    await settleTimes(layer, newestSeconds, signal);
    const objects = other.state.objects.flatMap((name) => {
      const text = object(name);
      return text === undefined ? [] : [[name, text] as const];
    });
    return store.keep(layer, {
      format: STEP_FORMAT,
      key,
      id: key,
      title: `root of ${other.word}`,
      definition,
      layer: layering.kind,
      createdMs: Date.now(),
      elapsedMs: performance.now() - at,
      sizeBytes,
      newestSeconds,
      objects: Object.fromEntries(objects),
      owners: {},
    });
  }

  async #carryOutNow(pending: PendingStep, stage: Stage): Promise<void> {
    const { step, own, index } = pending;
    const { store, definition } = this.#cache;
    const slot = digestOf(`${definition}\0${this.#slot}\0${index}`);
    if (own === undefined) {
      const isKept = step.runsAlways === true && !this.#isUnknown;
      const why = isKept ? "it always runs" : "what it depends on is not known";
      stage.ports.tellStep({ kind: "run", title: step.title, why });
      if (!isKept) this.#isUnknown = true;
      this.#push(await this.#make(step, stage, undefined), stage);
      return;
    }
    if (this.#isUnknown) {
      const why = "what a step before it depends on is not known";
      stage.ports.tellStep({ kind: "run", title: step.title, why });
      this.#push(await this.#make(step, stage, undefined), stage);
      return;
    }
    const { key, inputs } = this.#keyOf(pending);
    let isMade = false;
    let hasWaited = false;
    const entry = await withClaim({
      folder: `${store.folder}/../claims`,
      name: `step-${key}`,
      find: () => store.find(key),
      work: async () => {
        isMade = true;
        const before = store.lastInputs(slot);
        const why =
          before === undefined
            ? await this.#explainFirst(pending, own)
            : explainMiss(before, inputs);
        stage.ports.tellStep({ kind: "miss", title: step.title, why });
        return await this.#make(step, stage, key);
      },
      onWait: (state) => {
        if (hasWaited) return;
        hasWaited = true;
        const why = `process ${state.pid} on ${state.host} is at it`;
        stage.ports.tellStep({ kind: "wait", title: step.title, why });
      },
      signal: stage.ports.signal,
    });
    store.noteInputs(slot, Object.fromEntries(inputs));
    if (!isMade) {
      const ageMs = Date.now() - entry.meta.createdMs;
      stage.ports.tellStep({ kind: "hit", title: step.title, ageMs });
    }
    this.#push(entry, stage);
  }

  /** Why a step that was never carried out here is not taken from another image. */
  async #explainFirst({ step, offeredBy }: PendingStep, own: StepInputs): Promise<string> {
    if (offeredBy !== undefined) return `${offeredBy} has it with other steps on top only`;
    const { others } = this.#cache;
    return (await others?.explain(step, own)) ?? explainMiss(undefined, own);
  }

  async open(stage: Stage): Promise<void> {
    await this.#carryOutPending(stage);
    await this.#show(stage);
  }

  #push(entry: StepEntry, stage: Stage): void {
    for (const [name, text] of Object.entries(entry.meta.objects)) stage.objects?.set(name, text);
    for (const [path, ids] of Object.entries(entry.meta.owners)) stage.owners?.set(path, ids);
    if (this.#layers.length === 0) stage.clock.seconds ??= entry.meta.newestSeconds;
    this.#layers.push(entry);
    this.#id = entry.meta.id;
  }

  async #show(stage: Stage): Promise<string> {
    const { layering, space, nextName } = this.#cache;
    const scratch = `${space.path}/${nextName()}`;
    await layering.show(
      this.#layers.map((layer) => layer.root),
      stage.root,
      scratch,
    );
    return scratch;
  }

  /** Carries a step out and keeps what it changed; without a key, under a digest of its content. */
  async #make(step: Step, stage: Stage, key: string | undefined): Promise<StepEntry> {
    const { store, layering, space, nextName } = this.#cache;
    const { signal } = stage.ports;
    const isBase = this.#layers.length === 0;
    const began = fileClockMs(space.path);
    const at = performance.now();
    const before = new Set(stage.objects?.keys());
    let layer: string;
    if (isBase) {
      const scratch = space.folder(nextName());
      layer = `${scratch}/root`;
      await step.run({ ...stage, root: layer });
    } else {
      const scratch = await this.#show(stage);
      try {
        await step.run(stage);
      } catch (error) {
        layering.drop(stage.root, scratch);
        throw error;
      }
      layer = layering.collect(stage.root, scratch);
    }
    const { newestSeconds, sizeBytes } = await sumTree(layer, began, signal);
    await settleTimes(layer, stage.clock.seconds ?? newestSeconds, signal);
    const id = key ?? (await this.#contentId(layer, stage));
    const objects = [...(stage.objects ?? [])].filter(([name]) => !before.has(name));
    const elapsedMs = performance.now() - at;
    stage.ports.tellStep({ kind: "done", title: step.title, elapsedMs, sizeBytes });
    const meta: StepMeta = {
      format: STEP_FORMAT,
      key: id,
      id,
      title: step.title,
      definition: this.#cache.definition,
      layer: layering.kind,
      createdMs: Date.now(),
      elapsedMs,
      sizeBytes,
      newestSeconds,
      objects: Object.fromEntries(objects),
      owners: isBase ? Object.fromEntries(stage.owners ?? []) : {},
    };
    return this.#isUnknown ? { meta, root: layer } : store.keep(layer, meta);
  }

  async #contentId(layer: string, stage: Stage): Promise<string> {
    if (this.#isUnknown) return crypto.randomUUID();
    const { signal } = stage.ports;
    const digest = await treeDigest(layer, { follow: false, owners: true, overlay: true, signal });
    return digestOf(`content ${this.#cache.layering.kind} ${this.#id} ${digest}`);
  }
}

interface PendingStep {
  readonly step: Step;
  readonly own: StepInputs | undefined;
  /** Position among the steps of the stage. */
  readonly index: number;
  /** The image that went through it, and through others after it. */
  readonly offeredBy?: string;
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}
