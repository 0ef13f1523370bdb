import { statSync } from "node:fs";
import { resolvePath } from "../../base/path.ts";
import { fileDigest } from "../cache/file-digest.ts";
import { treeDigest } from "../cache/tree-digest.ts";
import { imageOfStage, OCI_AGENTS } from "../oci/image-of-stage.ts";
import type { Stage } from "../stage.ts";
import type { StepInputs } from "../step.ts";
import { bootstrapArgv, mirrorOf } from "./debootstrap.ts";
import { fetchedPath } from "./fetched.ts";
import { mirrorState } from "./mirror-state.ts";
import { requireSigners } from "./signers.ts";

/**
 * What the first content of a root depends on: the digest of the image it comes from; for agents that
 * install packages all that the header says, and what decides beside it.
 */
export async function baseInputs(stage: Stage): Promise<StepInputs | undefined> {
  const { header } = stage.recipe;
  const agent = header["bootstrap"] ?? "";
  const words = new Map(
    Object.entries(header)
      .filter(([name]) => name !== "stage" && name !== "from")
      .map(([name, value]) => [`header ${name}`, value]),
  );
  if (OCI_AGENTS.includes(agent)) {
    const image = await imageOfStage(stage, stage.folder);
    return new Map([["image", image.manifestDigest]]);
  }
  switch (agent) {
    case "localimage":
      return await fileInputs(resolvePath(stage.ports.cwd, header["from"] ?? ""), stage);
    case "oras":
    case "library":
    case "shub":
      return await fileInputs(await fetchedPath(stage), stage);
    case "debootstrap":
    case "mmdebstrap": {
      const argv = bootstrapArgv(stage).map((word) => (word === stage.root ? "ROOT" : word));
      const { mirror, suite } = mirrorOf(stage);
      return new Map([
        ["command", argv.join(" ")],
        [`mirror ${mirror} ${suite}`, await mirrorState(mirror, suite, stage.ports)],
      ]);
    }
    default:
      for (const name of ["INCLUDE", "GPG"]) {
        words.set(`variable ${name}`, stage.ports.env[name] ?? "");
      }
      return words;
  }
}

async function fileInputs(path: string, stage: Stage): Promise<StepInputs | undefined> {
  // What was kept of an image is used under the same condition as the image.
  await requireSigners(path, stage);
  const { memo, signal } = stage.ports;
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const digest = isDirectory
    ? await treeDigest(path, { follow: false, owners: true, signal })
    : await fileDigest(path, memo, signal);
  // One that cannot be read: the agent says why.
  return digest === undefined ? undefined : new Map([["image", digest]]);
}
