import { existsSync, mkdirSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { resolveIn } from "../../base/file-view.ts";
import { baseName, dirName } from "../../base/path.ts";
import type { FileBlock } from "../../format/deffile/file-list.ts";
import { hostFiles, isDirectory } from "../../host/host-files.ts";
import { treeDigest } from "../cache/tree-digest.ts";
import { lastWords, runChild } from "../child.ts";
import type { Stage } from "../stage.ts";
import { toolHint } from "../tool-hint.ts";
import { expandGlob } from "./glob.ts";
import { sourcePattern } from "./source-pattern.ts";

/** Carries out one `%files` block. */
export async function copyBlock(stage: Stage, block: FileBlock): Promise<void> {
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

/** Content and modes of what a line of `%files` copies, by names for people. */
export async function fileInputs(
  stage: Stage,
  from: string | undefined,
  source: string,
  target: string,
): Promise<ReadonlyMap<string, string>> {
  const inputs = new Map<string, string>();
  if (source === "") return inputs;
  const { signal } = stage.ports;
  if (from === undefined) {
    const pattern = sourcePattern(source, stage.ports.env);
    const base = pattern.startsWith("/") ? "" : `${stage.ports.cwd}/`;
    for (const path of expandGlob(pattern, base)) {
      const digest = await treeDigest(base + path, { follow: true, owners: false, signal });
      inputs.set(`file ${path} to ${target === "" ? path : target}`, digest ?? "");
    }
    return inputs;
  }
  const root = await requireStage(stage, from);
  for (const path of expandGlob(source.startsWith("/") ? source : `/${source}`, root)) {
    const real = resolveIn(hostFiles(root), path).path;
    const digest = await treeDigest(root + real, { follow: false, owners: true, signal });
    inputs.set(`file ${path} of ${from} to ${target === "" ? path : target}`, digest ?? "");
  }
  return inputs;
}

async function requireStage(stage: Stage, name: string): Promise<string> {
  const root = await stage.rootOf(name);
  if (root !== undefined) return root;
  throw new Fault(
    "invalid",
    `unable to copy files from stage to container fs: stage ${name} was not found`,
  );
}

/**
 * Copies what a pattern on the host matches into the root, symbolic links followed. An empty target
 * is the same path; the target is resolved inside the root.
 */
export async function copyFromHost(stage: Stage, source: string, target: string): Promise<void> {
  const pattern = sourcePattern(source, stage.ports.env);
  const base = pattern.startsWith("/") ? "" : `${stage.ports.cwd}/`;
  for (const path of expandGlob(pattern, base)) {
    const to = inRoot(stage.root, target === "" ? path : target);
    makeParent(to, stage.root, source);
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
  const from = await requireStage(stage, name);
  for (const path of expandGlob(source.startsWith("/") ? source : `/${source}`, from)) {
    const real = resolveIn(hostFiles(from), path).path;
    let to = inRoot(stage.root, target === "" ? path : target);
    makeParent(to, stage.root, source);
    // In a directory the copy has the name that was asked for, not the one a link led to; a source that
    // ends in a slash has none, and its content goes there.
    const isContent = path.endsWith("/") && isDirectory(from + real);
    if (isDirectory(to) && !isContent) {
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

/** Makes the directory a copy goes into: the target itself when it ends in a slash. Throws a Fault where a file is in its way. */
function makeParent(to: string, root: string, source: string): void {
  if (existsSync(to)) return;
  const folder = to.endsWith("/") ? to : dirName(to);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : "";
    const isFile = code === "EEXIST" || code === "ENOTDIR";
    const why = isFile ? "a file is in the way" : String(code);
    throw new Fault(
      "io",
      `unable to copy files: while copying [${source}]: Cannot make the directory "${folder.slice(root.length)}" in the container: ${why}`,
      { cause },
    );
  }
}

/** Everything was copied but devices, which nobody can make in a user namespace. */
const NO_DEVICES = /^(?:cp: cannot create special file .*: Operation not permitted\n)+$/;

async function copy(
  stage: Stage,
  from: "host" | "stage",
  words: readonly string[],
  source: string,
  to: string,
): Promise<void> {
  const end = await runChild({
    argv: ["cp", ...words],
    env: { ...stage.ports.env, LC_ALL: "C" },
    stdin: "none",
    stdout: "drop",
    stderr: "keep",
    signal: stage.ports.signal,
  });
  if (end.status === 0) return;
  const where = to.slice(stage.root.length);
  if (NO_DEVICES.test(end.stderr)) {
    stage.ports.talk.warning(`Left out ${source}: only root can make a device such as ${where}`);
    return;
  }
  const isRelative = from === "host" && !source.startsWith("/");
  const place = isRelative ? `relative paths start in ${stage.ports.cwd}` : undefined;
  const hint = toolHint(end.stderr, end.words, "cp") ?? place;
  throw new Fault(
    "failed",
    `unable to copy files from ${from} to container fs: while copying [${source}] to ${where}: ${lastWords(end.stderr)}`,
    hint === undefined ? {} : { hint },
  );
}
