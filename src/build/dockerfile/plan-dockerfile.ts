import { Fault } from "../../base/fault.ts";
import { baseName } from "../../base/path.ts";
import { formatDiagnostic } from "../../format/deffile/diagnostic.ts";
import { headerRecipe } from "../../format/deffile/recipe.ts";
import {
  type ArgumentScope,
  evaluate,
  globalArguments,
  type StageState,
} from "../../format/dockerfile/evaluate.ts";
import { ExpansionError, expandWord } from "../../format/dockerfile/expand.ts";
import { configOfState, type ImageState } from "../../format/dockerfile/image-state.ts";
import { parseInstruction } from "../../format/dockerfile/parse.ts";
import {
  type DockerStage,
  findStage,
  neededStages,
  stagesOf,
} from "../../format/dockerfile/stages.ts";
import {
  type Dockerfile,
  flagValue,
  type Instruction,
  lineOf,
} from "../../format/dockerfile/tree.ts";
import { parseImageConfig } from "../../format/oci/image-config.ts";
import { planMetadata } from "../metadata/plan-metadata.ts";
import { ociRunscript, planOciFiles } from "../oci/describe-image.ts";
import { OCI_CONFIG_OBJECT } from "../ocisif/pack-root.ts";
import { planSkeleton } from "../root/skeleton.ts";
import { type BuildPorts, hasSection, type StageOptions } from "../stage.ts";
import type { StagePlan, Step } from "../step.ts";
import { type BaseImage, openBase } from "./base-image.ts";
import type { CopySource } from "./context.ts";
import { copyStep } from "./copy-step.ts";
import type { MountSources, Secret } from "./run-mounts.ts";
import { runStep } from "./run-step.ts";
import { workdirStep } from "./workdir-step.ts";

/** What a Dockerfile is built with. */
export interface DockerfileInput {
  /** As the user named it. */
  readonly word: string;
  readonly file: Dockerfile;
  readonly text: string;
  readonly context: CopySource;
  readonly given: ReadonlyMap<string, string>;
  /** Name or number of the stage to build; empty: the last one. */
  readonly target: string;
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly cacheFolder: string;
  /** For images that a daemon writes. */
  readonly folder: string;
  readonly options: StageOptions;
  readonly hostArch: string;
  readonly ports: BuildPorts;
}

/** The stages of a Dockerfile, and given arguments that no ARG names. */
export interface DockerfilePlan {
  readonly stages: readonly StagePlan[];
  readonly unused: readonly string[];
}

/** A stage whose instructions are evaluated. */
interface DoneStage {
  readonly image: ImageState;
  readonly name: string;
}

/**
 * Turns the stages that the target needs into steps. Images are opened, because what an instruction
 * means depends on the environment of the base; their layers are left for the build.
 */
export async function planDockerfile(input: DockerfileInput): Promise<DockerfilePlan> {
  return await new DockerfilePlanner(input).plan();
}

class DockerfilePlanner {
  readonly #input: DockerfileInput;
  readonly #scope: ArgumentScope;
  readonly #stages: readonly DockerStage[];
  readonly #done = new Map<number, DoneStage>();
  readonly #images = new Map<string, BaseImage>();
  readonly #plans: StagePlan[] = [];

  constructor(input: DockerfileInput) {
    this.#input = input;
    const { file, given } = input;
    const { before, stages } = stagesOf(file);
    const platform = platformArguments(input.options.arch, input.hostArch);
    this.#stages = stages;
    const global = this.#at(before[0], () =>
      globalArguments(before, given, platform, file.escapeSign),
    );
    this.#scope = { given, global, platform };
  }

  async plan(): Promise<DockerfilePlan> {
    const last = this.#lastStage();
    for (const index of neededStages(this.#stages, last)) {
      const stage = this.#stages[index];
      if (stage !== undefined) await this.#planStage(stage, index, index === last);
    }
    return { stages: this.#plans, unused: this.#unused() };
  }

  #lastStage(): number {
    const { target } = this.#input;
    if (target === "") return this.#stages.length - 1;
    const found = findStage(this.#stages, this.#stages.length, target, true);
    if (found !== undefined) return found;
    const names = this.#stages.flatMap(({ name }) => (name === "" ? [] : [name]));
    throw new Fault(
      "not-found",
      `Unable to build from ${this.#input.word}: there is no stage "${target}"`,
      {
        hint: names.length === 0 ? "stages have numbers from 0" : `stages: ${names.join(", ")}`,
      },
    );
  }

  async #planStage(stage: DockerStage, index: number, isLast: boolean): Promise<void> {
    const { options, ports, file, word, text } = this.#input;
    const base = this.#expandGlobal(stage.from, stage.base);
    if (base === "") {
      throw this.#fault(
        stage.from,
        new Fault("invalid", `base name (${stage.base}) should not be blank`, {
          hint: "give the argument a default, or --build-arg",
        }),
      );
    }
    this.#checkPlatform(stage);
    const earlier = findStage(this.#stages, index, base, false);
    const before = earlier === undefined ? undefined : this.#done.get(earlier);
    const opened = before === undefined ? await this.#open(base, stage.from) : undefined;
    const found = before?.image ?? opened?.state;
    if (found === undefined) return;
    const { onBuild, ...rest } = found;
    let state: StageState = { image: { ...rest, onBuild: [], hasOwnCmd: false }, args: new Map() };
    const steps: Step[] = [];
    const triggers = onBuild.flatMap((trigger) => {
      const instruction = parseInstruction(trigger, file.escapeSign);
      return instruction === undefined ? [] : [{ ...instruction, lines: stage.from.lines }];
    });
    for (const instruction of [...triggers, ...stage.steps]) {
      const made = this.#at(instruction, () =>
        evaluate(state, instruction, this.#scope, file.escapeSign),
      );
      state = made.state;
      const step = await this.#stepOf(instruction, made.action, index);
      if (step !== undefined) steps.push(step);
    }
    const { image } = state;
    if (isLast) this.#tellUnkept(stage.steps);
    const name = `stage ${index}`;
    this.#done.set(index, { image, name });
    // Its name only: an image does not tell where it was built.
    const recipe = headerRecipe({ bootstrap: "dockerfile", from: baseName(word) });
    const fromStage = earlier === undefined ? undefined : `stage ${earlier}`;
    const configText = configOfState(image, options.arch);
    const config = parseImageConfig(configText, word);
    this.#plans.push({
      recipe,
      names: [name],
      base: opened?.step ?? { fromStage: fromStage ?? "" },
      steps,
      finish: (view, { objects, clock }) => {
        if (!isLast) return;
        if (options.isOciSif === true) {
          objects?.set(OCI_CONFIG_OBJECT, configText);
          return;
        }
        planOciFiles(view, config);
        planSkeleton(view, true, ociRunscript(config));
        objects?.set("oci-config.json", config.configJson);
        const time = new Date((clock.seconds ?? 0) * 1000);
        const { arch, version, peerVersion, force } = options;
        const has = (section: string): boolean => hasSection(options, section);
        const about = {
          recipe,
          text,
          time,
          arch,
          version,
          peerVersion,
          force,
          withHeader: true,
          hasSection: has,
        };
        planMetadata(view, about, ports.talk);
      },
    });
  }

  async #stepOf(
    instruction: Instruction,
    action: ReturnType<typeof evaluate>["action"],
    index: number,
  ): Promise<Step | undefined> {
    const { context } = this.#input;
    const line = lineOf(instruction);
    const title = titleOf(instruction);
    switch (action?.kind) {
      case undefined:
        return undefined;
      case "workdir":
        return workdirStep(action.path, action.user, title, line);
      case "copy": {
        const from =
          action.from === "" ? undefined : await this.#nameOf(action.from, index, instruction);
        return copyStep({ action, title, line, context, from });
      }
      case "run": {
        const names = new Map<string, string>();
        for (const { from } of action.mounts) {
          if (from !== "") names.set(from, await this.#nameOf(from, index, instruction));
        }
        const sources: MountSources = {
          context,
          stageName: (wanted) => names.get(wanted),
          secrets: this.#input.secrets,
          cacheFolder: this.#input.cacheFolder,
        };
        return runStep({ action, title, line, sources });
      }
    }
  }

  /** Name of the stage that a `from` means; an image becomes a stage of its own. */
  async #nameOf(word: string, index: number, instruction: Instruction): Promise<string> {
    const found = findStage(this.#stages, index, word, true);
    const stage = found === undefined ? undefined : this.#done.get(found);
    if (stage !== undefined) return stage.name;
    const name = `image ${word}`;
    if (!this.#plans.some(({ names }) => names.includes(name))) {
      const { step } = await this.#open(word, instruction);
      const recipe = headerRecipe({ bootstrap: "dockerfile", from: word });
      this.#plans.push({ recipe, names: [name], base: step, steps: [], finish: () => {} });
    }
    return name;
  }

  async #open(word: string, at: Instruction): Promise<BaseImage> {
    const known = this.#images.get(word);
    if (known !== undefined) return known;
    const { ports, options, folder } = this.#input;
    try {
      const image = await openBase(word, lineOf(at), ports, options, folder);
      this.#images.set(word, image);
      return image;
    } catch (cause) {
      throw this.#fault(at, cause);
    }
  }

  #expandGlobal(at: Instruction, word: string): string {
    const { global, platform } = this.#scope;
    const find = (name: string): string | undefined => global.get(name) ?? platform.get(name);
    return this.#at(at, () => {
      try {
        return expandWord(word, find, this.#input.file.escapeSign);
      } catch (cause) {
        if (cause instanceof ExpansionError) throw new Fault("invalid", cause.message, { cause });
        throw cause;
      }
    });
  }

  /** Another platform than that of the build is refused: one build makes an image for one. */
  #checkPlatform(stage: DockerStage): void {
    const asked = this.#expandGlobal(stage.from, flagValue(stage.from, "platform") ?? "");
    const { arch } = this.#input.options;
    const [os, wanted] = asked.split("/");
    if (asked === "" || (os === "linux" && wanted === arch)) return;
    throw this.#fault(
      stage.from,
      new Fault(
        "unsupported",
        `Cannot take an image for ${asked} into an image for linux/${arch}`,
        {
          hint: `leave --platform out, or build with --arch ${wanted ?? ""}`,
        },
      ),
    );
  }

  /** Says what of the last stage an image here has no place for. */
  #tellUnkept(steps: readonly Instruction[]): void {
    for (const { keyword, lines } of steps) {
      if (keyword !== "HEALTHCHECK" && keyword !== "ONBUILD") continue;
      const line = lines[0]?.number ?? 1;
      this.#input.ports.talk.warning(
        `${this.#input.word}:${line}: ${keyword} is not kept in the image`,
      );
    }
  }

  /** Given arguments that no ARG names anywhere. */
  #unused(): readonly string[] {
    const declared = new Set<string>();
    const note = (instruction: Instruction): void => {
      if (instruction.keyword !== "ARG") return;
      for (const [name = ""] of instruction.rest.matchAll(/(?<=^|\s)[A-Za-z_][A-Za-z0-9_]*/g))
        declared.add(name);
    };
    for (const { steps } of this.#stages) steps.forEach(note);
    stagesOf(this.#input.file).before.forEach(note);
    const isProxy = (name: string): boolean => /_proxy$/i.test(name);
    return [...this.#input.given.keys()].filter((name) => !declared.has(name) && !isProxy(name));
  }

  #at<T>(instruction: Instruction | undefined, work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw instruction === undefined ? cause : this.#fault(instruction, cause);
    }
  }

  /** A Fault with the line it is about. */
  #fault(instruction: Instruction, cause: unknown): unknown {
    if (!(cause instanceof Fault)) return cause;
    const source = instruction.lines[0]?.text ?? "";
    const shown = formatDiagnostic(this.#input.word, {
      severity: "error",
      line: lineOf(instruction),
      column: 1,
      source,
      message: cause.message,
      expected: cause.hint ?? "",
    });
    return new Fault(
      cause.code,
      `Unable to build from ${this.#input.word}: ${cause.message}\n${shown}`,
      {
        cause,
        exitCode: cause.exitCode,
      },
    );
  }
}

/** The instruction in one line, cut where it grows long. */
function titleOf({ keyword, flags, rest }: Instruction): string {
  const words = [
    keyword,
    ...flags.map(({ name, value }) => `--${name}${value === undefined ? "" : `=${value}`}`),
    rest,
  ];
  const text = words.join(" ").replace(/\s+/g, " ");
  return text.length > 72 ? `${text.slice(0, 71)}…` : text;
}

/** The arguments that every file has without declaring them before the first FROM. */
function platformArguments(arch: string, hostArch: string): ReadonlyMap<string, string> {
  return new Map([
    ["TARGETPLATFORM", `linux/${arch}`],
    ["TARGETOS", "linux"],
    ["TARGETARCH", arch],
    ["TARGETVARIANT", ""],
    ["BUILDPLATFORM", `linux/${hostArch}`],
    ["BUILDOS", "linux"],
    ["BUILDARCH", hostArch],
    ["BUILDVARIANT", ""],
  ]);
}
