import { existsSync, mkdirSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { resolveIn } from "../../base/file-view.ts";
import { baseName, dirName } from "../../base/path.ts";
import { hostFiles, isDirectory } from "../../host/host-files.ts";
import { lastWords, runChild } from "../child.ts";
import { hasSection, type Stage } from "../stage.ts";
import { expandGlob } from "./glob.ts";

/** Carries out the `%files from STAGE` blocks, or those from the host. */
export async function copyFiles(stage: Stage, from: "stages" | "host"): Promise<void> {
  if (!hasSection(stage.options, "files")) return;
  for (const block of stage.recipe.files) {
    if ((block.from === undefined) !== (from === "host")) continue;
    for (const { source, target } of block.transfers) {
      if (source === "") {
        stage.ports.talk.warning("Attempt to copy file with no name, skipping.");
        continue;
      }
      stage.ports.talk.info(`Copying ${source} to ${target}`);
      if (block.from === undefined) await copyFromHost(stage, source, target);
      else await copyFromStage(stage, block.from, source, target);
    }
  }
}

/**
 * Copies what a pattern on the host matches into the root, symbolic links followed. An empty target
 * is the same path; the target is resolved inside the root.
 */
export async function copyFromHost(stage: Stage, source: string, target: string): Promise<void> {
  const base = source.startsWith("/") ? "" : `${stage.ports.cwd}/`;
  for (const path of expandGlob(source, base)) {
    const to = inRoot(stage.root, target === "" ? path : target);
    makeParent(to);
    await copy(stage, "host", ["-fLr", "--", base + path, to], source, to);
  }
}

/**
 * Copies what a pattern in another stage matches: links given by name are followed inside that
 * stage's root, links below are kept, owners and modes too.
 */
async function copyFromStage(
  stage: Stage,
  name: string,
  source: string,
  target: string,
): Promise<void> {
  const from = stage.earlier.get(name);
  if (from === undefined) {
    throw new Fault(
      "invalid",
      `unable to copy files from stage to container fs: stage ${name} was not found`,
    );
  }
  for (const path of expandGlob(source.startsWith("/") ? source : `/${source}`, from)) {
    const real = resolveIn(hostFiles(from), path).path;
    let to = inRoot(stage.root, target === "" ? path : target);
    makeParent(to);
    // In a directory the copy has the name that was asked for, not the one a link led to.
    if (isDirectory(to)) {
      to = inRoot(
        stage.root,
        `${to.slice(stage.root.length)}/${baseName(path.replace(/\/+$/, ""))}`,
      );
    }
    await copy(
      stage,
      "stage",
      ["-a", "-f", "-T", "--", from + real, to.replace(/\/+$/, "")],
      source,
      to,
    );
  }
}

/** A host path for a path in the root, symbolic links resolved inside it; a final slash stays. */
function inRoot(root: string, path: string): string {
  const resolved = resolveIn(hostFiles(root), path.startsWith("/") ? path : `/${path}`).path;
  return root + resolved + (path.endsWith("/") && resolved !== "/" ? "/" : "");
}

/** Makes the directory a copy goes into: the target itself when it ends in a slash. */
function makeParent(to: string): void {
  if (existsSync(to)) return;
  mkdirSync(to.endsWith("/") ? to : dirName(to), { recursive: true, mode: 0o755 });
}

async function copy(
  stage: Stage,
  from: "host" | "stage",
  words: readonly string[],
  source: string,
  to: string,
): Promise<void> {
  const end = await runChild({
    argv: ["cp", ...words],
    stdin: "none",
    stdout: "drop",
    stderr: "keep",
    signal: stage.ports.signal,
  });
  if (end.status === 0) return;
  const where = to.slice(stage.root.length);
  throw new Fault(
    "failed",
    `unable to copy files from ${from} to container fs: while copying [${source}] to ${where}: ${lastWords(end.stderr)}`,
    source.startsWith("/") || from === "stage"
      ? {}
      : { hint: `relative paths start in ${stage.ports.cwd}` },
  );
}
