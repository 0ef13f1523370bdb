import { Fault } from "../base/fault.ts";
import { decodeOsText } from "../base/os-text.ts";
import { resolvePath } from "../base/path.ts";
import { AGENTS } from "../format/deffile/agents.ts";
import { type Recipe, recipeFromImage } from "../format/deffile/recipe.ts";
import { imageHost } from "../host/image-host.ts";
import { FIRST_BLOCK_BYTES, recognize } from "../image/recognize.ts";
import { isDockerfile } from "./dockerfile/read-dockerfile.ts";

/** What the second word of `build` is. */
export type BuildSource =
  | { readonly kind: "definition"; readonly path: string }
  | { readonly kind: "dockerfile"; readonly path: string }
  | { readonly kind: "image"; readonly recipe: Recipe };

/**
 * Finds out what a word names: an address of a known transport, a directory or image file (content
 * decides), else a Dockerfile or a definition file. Throws a Fault when there is nothing of that name.
 */
export function recognizeSource(word: string, cwd: string): BuildSource {
  const path = resolvePath(cwd, word);
  const stat = imageHost.stat(path);
  if (typeof stat === "number") {
    const transport = /^([a-z][a-z0-9-]*):(?:\/\/)?(.*)$/s.exec(word);
    const [, name = "", rest = ""] = transport ?? [];
    if (Object.hasOwn(AGENTS, name)) {
      return { kind: "image", recipe: recipeFromImage(name, rest) };
    }
    if (/^[a-z][a-z0-9-]*:\/\//.test(word)) {
      throw new Fault("usage", `Unable to build from ${word}: invalid build source ${name}`, {
        exitCode: 255,
        hint: `addresses begin with one of ${Object.keys(AGENTS).join(", ")}`,
      });
    }
    throw new Fault(
      "not-found",
      `Unable to build from ${word}: unable to open file ${word}: ${errnoWords(-stat)}`,
      {
        hint: "name a definition file, a directory, an image, or an address such as docker://name",
      },
    );
  }
  if (stat.kind === "dir") return { kind: "image", recipe: recipeFromImage("localimage", word) };
  const opened = imageHost.openFile(path);
  if (typeof opened === "number") {
    throw new Fault(
      "denied",
      `Unable to build from ${word}: unable to open file ${word}: ${errnoWords(-opened)}`,
    );
  }
  try {
    const { source } = opened;
    const head = source.read(0, Math.min(FIRST_BLOCK_BYTES, source.sizeBytes));
    if (recognize(head) === undefined) {
      return { kind: isDockerfile(path, decodeOsText(head)) ? "dockerfile" : "definition", path };
    }
    return { kind: "image", recipe: recipeFromImage("localimage", word) };
  } finally {
    opened.close();
  }
}

function errnoWords(errno: number): string {
  const known: Readonly<Record<number, string>> = {
    1: "operation not permitted",
    2: "no such file or directory",
    13: "permission denied",
    20: "not a directory",
    40: "too many levels of symbolic links",
  };
  return known[errno] ?? `error ${errno}`;
}
