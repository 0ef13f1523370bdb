import { statSync } from "node:fs";
import { dirName, resolvePath } from "../../base/path.ts";
import { buildStage } from "../build-stage.ts";
import { openContext } from "../dockerfile/context.ts";
import { planDockerfile } from "../dockerfile/plan-dockerfile.ts";
import { readDockerfile, requireDockerfile } from "../dockerfile/read-dockerfile.ts";
import type { Stage } from "../stage.ts";
import { plainRoot } from "../stage-root.ts";
import { type Agent, TELLING_RUNSCRIPT } from "./agent.ts";

/**
 * `Bootstrap: buildkit`: the image of the Dockerfile that `From` names, built here and without a
 * daemon. Its context is the directory it lies in. A directory is a context itself: its Dockerfile is
 * the one that `Filename` names. `Target` and `BuildArgs` (`A=1 B=2`) are as for `build`.
 */
export const buildkit: Agent = {
  keepsFiles: true,
  runscript: TELLING_RUNSCRIPT,
  // What it depends on is known to its own steps only.
  inputs: () => undefined,
  async bootstrap(stage) {
    const { from = "", filename = "", target = "", buildargs = "" } = stage.recipe.header;
    const place = resolvePath(stage.ports.cwd, from);
    const isContext = statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
    const path = isContext ? resolvePath(place, filename || "Dockerfile") : place;
    const word = isContext ? `${from}/${filename || "Dockerfile"}` : from;
    const read = readDockerfile(path);
    requireDockerfile(word, read);
    const { options, ports, folder } = stage;
    const { stages } = await planDockerfile({
      word,
      file: read.file,
      text: read.text,
      context: openContext(dirName(path), path, stage.root),
      given: new Map(buildargs.split(/\s+/).flatMap(pairOf)),
      target,
      secrets: new Map(),
      cacheFolder: `${folder}/mounts`,
      folder,
      options,
      hostArch: options.arch,
      ports,
    });
    const roots = new Map<string, string>();
    for (const [index, plan] of stages.entries()) {
      const isLast = index === stages.length - 1;
      const { chain: _, ...rest } = stage;
      const own: Stage = {
        ...rest,
        recipe: plan.recipe,
        root: isLast ? stage.root : `${folder}/stage-${index}`,
        clock: { seconds: stage.clock.seconds },
        rootOf: (name) => Promise.resolve(roots.get(name)),
      };
      await buildStage(plan, own, plainRoot());
      for (const name of plan.names) roots.set(name, own.root);
    }
  },
};

function pairOf(word: string): readonly (readonly [string, string])[] {
  const at = word.indexOf("=");
  return at < 1 ? [] : [[word.slice(0, at), word.slice(at + 1)]];
}
