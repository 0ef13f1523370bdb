import { mkdirSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { decodeOsText } from "../../base/os-text.ts";
import { parseImageConfig } from "../../format/oci/image-config.ts";
import { imageHost } from "../../host/image-host.ts";
import { openImageFile } from "../../image/image-file.ts";
import type { ImageFacts } from "../../plan/facts.ts";
import { lastWords, runChild } from "../child.ts";
import { unpackMerged } from "../oci/unpack-merged.ts";
import { imageOfOciSif } from "../ocisif/image-of-oci-sif.ts";
import type { BuildPorts } from "../stage.ts";
import { toolHint } from "../tool-hint.ts";

/** What unpacking needs of the machine. */
export type UnpackPorts = Pick<BuildPorts, "tool" | "talk" | "signal">;

/** Unpacks the root file system of any image into `target`, an empty directory or none yet. */
export async function unpackImage(
  image: ImageFacts,
  target: string,
  ports: UnpackPorts,
): Promise<void> {
  if (image.format === "oci-sif") {
    await unpackLayers(image, target, ports);
    return;
  }
  switch (image.rootKind) {
    case "directory":
      return await copyDirectory(image.path, target, ports);
    case "squashfs":
      return await unpackSquashfs(image, target, ports);
    case "ext3":
      return await unpackExt3(image, target, ports);
    case "encrypted-squashfs":
    case "gocryptfs-squashfs":
      throw new Fault(
        "unsupported",
        `while unpacking local image: Cannot unpack "${image.path}": its root file system is encrypted`,
        { hint: "build from an image that is not encrypted" },
      );
  }
}

/** All layers of an OCI-SIF, merged. */
async function unpackLayers(image: ImageFacts, target: string, ports: UnpackPorts): Promise<void> {
  const layered = imageOfOciSif(openImageFile(image.path, imageHost));
  const { createdSeconds } = parseImageConfig(decodeOsText(layered.config), layered.reference);
  mkdirSync(target, { recursive: true });
  await unpackMerged(layered, target, { impliedTime: createdSeconds, ports });
}

async function unpackSquashfs(
  image: ImageFacts,
  target: string,
  ports: UnpackPorts,
): Promise<void> {
  const tool = need(ports, "unsquashfs", "squashfs-tools");
  // Attributes outside the user's own need the real root, and without these words are an error.
  const attributes = process.getuid?.() === 0 ? [] : ["-user-xattrs"];
  const offset = image.root.offsetBytes === 0 ? [] : ["-o", String(image.root.offsetBytes)];
  const end = await runChild({
    argv: [
      tool,
      "-f",
      "-no-progress",
      "-quiet",
      ...attributes,
      ...offset,
      "-d",
      target,
      image.path,
    ],
    stdin: "none",
    stdout: "drop",
    stderr: "keep",
    signal: ports.signal,
  });
  // 2: only warnings, such as device nodes that nobody but the real root can make.
  if (end.status !== 0 && end.status !== 2) throw unpackFault(image.path, end);
  if (end.status === 2) ports.talk.verbose(`unsquashfs: ${lastWords(end.stderr)}`);
}

async function unpackExt3(image: ImageFacts, target: string, ports: UnpackPorts): Promise<void> {
  const tool = need(ports, "debugfs", "e2fsprogs");
  mkdirSync(target, { recursive: true });
  const offset = image.root.offsetBytes === 0 ? "" : `?offset=${image.root.offsetBytes}`;
  const end = await runChild({
    argv: [tool, "-R", "rdump / .", `${image.path}${offset}`],
    cwd: target,
    stdin: "none",
    stdout: "drop",
    stderr: "keep",
    signal: ports.signal,
  });
  // It ends with 0 whatever happens; the version line is all that it says when all is well.
  const words = end.stderr
    .split("\n")
    .filter((line) => line !== "" && !/^debugfs [0-9]/.test(line));
  const isOwnership = (line: string): boolean => /while changing ownership/.test(line);
  const failed = words.filter((line) => !isOwnership(line));
  if (end.status !== 0 || failed.length > 0) {
    throw unpackFault(image.path, { words: end.words, stderr: failed.join("\n") });
  }
}

/** Copies a tree with owners, modes, times, attributes and hard links into `target`. */
export async function copyDirectory(
  source: string,
  target: string,
  ports: UnpackPorts,
): Promise<void> {
  mkdirSync(target, { recursive: true });
  const end = await runChild({
    argv: ["cp", "-a", "--", `${source}/.`, target],
    stdin: "none",
    stdout: "drop",
    stderr: "keep",
    signal: ports.signal,
  });
  if (end.status !== 0) throw unpackFault(source, end);
}

function unpackFault(
  path: string,
  end: { readonly words: string; readonly stderr: string },
): Fault {
  const hint = toolHint(end.stderr, end.words, "the tool");
  return new Fault(
    "failed",
    `packer failed to pack: while unpacking local image: Cannot unpack "${path}": ${end.words}: ${lastWords(end.stderr)}`,
    hint === undefined ? {} : { hint },
  );
}

function need(ports: UnpackPorts, tool: string, packageName: string): string {
  const path = ports.tool(tool);
  if (path !== undefined) return path;
  throw new Fault("missing-tool", `Cannot unpack the image: ${tool} is not in PATH`, {
    hint: `install the package ${packageName}`,
  });
}
