import { cleanPath, resolvePath } from "../base/path.ts";
import type { DockerfileBuild } from "../build/dockerfile/build-dockerfile.ts";
import {
  isDockerfile,
  readDockerfileText,
  requireDockerfile,
} from "../build/dockerfile/read-dockerfile.ts";
import { readDefinitionText, requireRecipe } from "../build/read-definition.ts";
import { compareRecords, compareTrees } from "../build/record/compare-images.ts";
import { type RecordedImage, readRecordedImage } from "../build/record/read-image-record.ts";
import { requestOf } from "../build/request.ts";
import { chooseRung } from "../build/rung.ts";
import { tryRung } from "../build/user-namespace.ts";
import { openWorkspace } from "../build/workspace.ts";
import type { Invocation } from "../cli/invocation.ts";
import { VERSIONS } from "../cli/program.ts";
import { recipeFromImage } from "../format/deffile/recipe.ts";
import { hostFacts } from "../host/facts.ts";
import type { HostFacts } from "../plan/facts.ts";
import { readConfig } from "../runtime/read-config.ts";
import type { Context } from "../terminal/context.ts";
import { needsNamespaces, takeRung } from "./_build-namespaces.ts";
import { carryOut } from "./_carry-out-build.ts";

/**
 * `build --verify IMAGE`: builds an image again from its own definition, every step of it, and lists
 * the inputs and paths that differ. Files come from where they came from then: the working directory, or
 * `--context` for a Dockerfile.
 */
export async function verifyBuild(inv: Invocation, ctx: Context): Promise<number> {
  const config = readConfig(inv);
  const host = hostFacts({ binaryPath: config.values.binaryPath, env: ctx.env });
  const [word = ""] = inv.args;
  const image = readRecordedImage(cleanPath(resolvePath(host.cwd ?? "/", word)));
  const dockerfile = isDockerfile("", image.definition)
    ? dockerfileOf(image, word, host)
    : undefined;
  const recipe =
    dockerfile === undefined
      ? requireRecipe(word, readDefinitionText(image.definition, new Map()))
      : recipeFromImage("scratch", "");
  const rung = await chooseRung(host, inv.bool("ignore-subuid"), (one) => tryRung(one, host));
  if (needsNamespaces(rung, inv, host, true, false)) await takeRung(rung, ctx, host);
  const space = openWorkspace(cleanPath(resolvePath(host.cwd ?? "/", inv.string("tmpdir"))));
  try {
    const target = `${space.path}/image.sif`;
    const request = requestOf(inv, {
      recipe,
      target,
      force: false,
      host,
      config,
      version: VERSIONS.skiff,
      peerVersion: VERSIONS.apptainer,
      definition: target,
      hasRecord: image.record !== undefined,
      // Trees are compared, not what is said of them.
      withSbom: false,
      ...(image.record === undefined ? {} : { flags: image.record.flags }),
    });
    const file = dockerfile && { ...dockerfile, cacheFolder: `${space.path}/mounts` };
    await carryOut({ ...request, format: "sif" }, file, inv, ctx, host);
    return tellDifferences(image, readRecordedImage(target), word, ctx);
  } finally {
    space.remove();
  }
}

/** The Dockerfile that an image holds, with the arguments it was built with. */
function dockerfileOf(
  { definition, record }: RecordedImage,
  word: string,
  { cwd = "/" }: HostFacts,
): Omit<DockerfileBuild, "cacheFolder"> {
  const read = readDockerfileText(definition);
  requireDockerfile(word, read);
  const choices = record?.flags.dockerfile;
  const { name = "Dockerfile", arguments: given = {}, target = "" } = choices ?? {};
  return {
    word: name,
    path: `${cwd}/${name}`,
    read,
    given: new Map(Object.entries(given)),
    target,
  };
}

function tellDifferences(
  image: RecordedImage,
  made: RecordedImage,
  word: string,
  ctx: Context,
): number {
  if (image.record !== undefined && made.record !== undefined) {
    for (const line of compareRecords(image.record, made.record)) ctx.log.info(`Input: ${line}`);
  }
  const differences = compareTrees(image.tree, made.tree);
  for (const { path, how } of differences) ctx.print(`${path}: ${how}\n`);
  const count = differences.length === 1 ? "1 path differs" : `${differences.length} paths differ`;
  if (differences.length === 0) ctx.log.info(`${word} is what its definition makes`);
  else ctx.log.error(`${word}: ${count} from what its definition makes`);
  return differences.length === 0 ? 0 : 1;
}
