import type { FileBlock } from "../../format/deffile/file-list.ts";
import type { AppRecipe, StageRecipe } from "../../format/deffile/recipe.ts";
import type { Script } from "../../format/deffile/script.ts";
import { digestOf } from "../cache/digest.ts";
import { appFiles, createApps } from "../sections/apps.ts";
import { copyBlock, fileInputs } from "../sections/copy-files.ts";
import { runHostScript } from "../sections/host-script.ts";
import type { Stage } from "../stage.ts";
import { stageInput } from "../stage-root.ts";
import type { Step, StepInputs } from "../step.ts";

/** The skeletons of apps, with the files of `%appfiles`. */
export function appsStep(recipe: StageRecipe): Step {
  return {
    title: "apps",
    line: recipe.line,
    async inputs(stage) {
      const inputs = new Map<string, string>();
      for (const app of recipe.apps) {
        inputs.set(`app ${app.name}`, digestOf(JSON.stringify(withoutLines(app))));
        for (const { source, target } of appFiles(app)) {
          for (const [name, digest] of await fileInputs(stage, undefined, source, target)) {
            inputs.set(name, digest);
          }
        }
      }
      return inputs;
    },
    run: createApps,
  };
}

/** One `%files` block. */
export function filesStep(block: FileBlock, line: number): Step {
  return {
    title: block.from === undefined ? "%files" : `%files from ${block.from}`,
    line,
    async inputs(stage) {
      const inputs = new Map<string, string>();
      for (const { source, target } of block.transfers) {
        for (const [name, digest] of await fileInputs(stage, block.from, source, target)) {
          inputs.set(name, digest);
        }
      }
      return inputs;
    },
    ...(block.from === undefined
      ? {}
      : { portableInputs: (stage) => portableCopy(stage, block.from ?? "", block) }),
    run: (stage) => copyBlock(stage, block),
  };
}

function portableCopy(stage: Stage, from: string, block: FileBlock): StepInputs | undefined {
  const source = stageInput(stage, from);
  const words = block.transfers.map(({ source: path, target }) => [path, target]);
  return source && new Map([source, ["files", JSON.stringify(words)]]);
}

/** `%setup`: may look anywhere on the host, so what it depends on cannot be known. */
export function setupStep(script: Script): Step {
  return {
    title: "%setup",
    line: script.line,
    inputs: () => undefined,
    runsAlways: true,
    run: (stage) => runHostScript(stage, "setup", script),
  };
}

function withoutLines(app: AppRecipe): unknown {
  return Object.entries(app).map(([name, part]) => [
    name,
    typeof part === "object" ? [part.text, part.arguments] : part,
  ]);
}
