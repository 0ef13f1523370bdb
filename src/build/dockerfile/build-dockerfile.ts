import { baseName, dirName, resolvePath } from "../../base/path.ts";
import type { Invocation } from "../../cli/invocation.ts";
import { PROXY_ARGUMENTS } from "../../format/dockerfile/evaluate.ts";
import { type BuildRequest, build } from "../build.ts";
import type { PackedImage } from "../pack/pack-image.ts";
import type { BuildPorts } from "../stage.ts";
import { openWorkspace } from "../workspace.ts";
import { openContext } from "./context.ts";
import { planDockerfile } from "./plan-dockerfile.ts";
import type { ReadDockerfile } from "./read-dockerfile.ts";
import { readSecrets } from "./secrets.ts";

/** A Dockerfile to build, and where. */
export interface DockerfileBuild {
  /** As the user named it, and its absolute path. */
  readonly word: string;
  readonly path: string;
  readonly read: ReadDockerfile;
  readonly given: ReadonlyMap<string, string>;
  /** Stage to build; empty: the last one. */
  readonly target: string;
  /** Directory in which cache mounts live from build to build. */
  readonly cacheFolder: string;
}

/**
 * Builds what a Dockerfile says. The context is the directory of the file, or `--context`.
 *
 * @param request whose stages and text are those of the Dockerfile.
 */
export async function buildDockerfile(
  request: BuildRequest,
  input: DockerfileBuild,
  inv: Invocation,
  ports: BuildPorts,
): Promise<Partial<PackedImage>> {
  const { read, given, word, target, cacheFolder } = input;
  const asked = inv.string("context");
  const folder = asked === "" ? dirName(input.path) : resolvePath(ports.cwd, asked);
  const space = openWorkspace(request.tempFolder);
  try {
    const { stages, unused } = await planDockerfile({
      word,
      file: read.file,
      text: read.text,
      context: openContext(folder, input.path, request.target),
      given,
      target,
      secrets: readSecrets(inv.strings("secret"), ports.env, ports.cwd),
      cacheFolder,
      folder: space.folder("image"),
      options: request.options,
      hostArch: request.pack.hostArch,
      ports,
    });
    for (const name of unused) ports.talk.warning(`Unused build arg: ${name}`);
    const { recipe: _, ...rest } = request;
    // Proxies never reach the image.
    const kept = [...given].filter(([name]) => !PROXY_ARGUMENTS.includes(name));
    const name = baseName(input.path);
    const dockerfile = { name, arguments: Object.fromEntries(kept), target };
    return await build({ ...rest, stages, text: read.text, dockerfile }, ports);
  } finally {
    space.remove();
  }
}
