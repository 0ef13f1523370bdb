import { Fault } from "../../base/fault.ts";

/**
 * The directories that `--create-dir` words ask for in a layer, absolute in it, parents first, each
 * once. Words are relative to the layer's root, with or without a leading slash.
 *
 * @throws Fault `usage` for a word that leads out of the layer.
 */
export function layerPaths(words: readonly string[]): readonly string[] {
  const paths = new Set<string>();
  for (const word of words) {
    const names: string[] = [];
    for (const name of word.split("/")) {
      if (name === "" || name === ".") continue;
      if (name !== "..") names.push(name);
      else if (names.pop() === undefined) throw outside(word, "it leads out of the overlay");
    }
    // The tool that makes them reads one command a line.
    if (/[\n\r\0]/.test(word)) throw outside(word, "a name with a line break cannot be made");
    names.forEach((_, at) => {
      paths.add(`/${names.slice(0, at + 1).join("/")}`);
    });
  }
  return [...paths];
}

function outside(word: string, why: string): Fault {
  return new Fault(
    "usage",
    `overlay directory created outside of overlay layout: --create-dir ${JSON.stringify(word)}: ${why}`,
    { exitCode: 255, hint: "name a directory as it will be seen in the container" },
  );
}
