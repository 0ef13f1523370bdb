import { lstatSync } from "node:fs";
import { resolvePath } from "../base/path.ts";
import { requireSpace } from "../image/cache/space.ts";
import { imageOfStage, OCI_AGENTS } from "./oci/image-of-stage.ts";
import type { Stage } from "./stage.ts";

/** Unpacked, a root takes at least so many times the room of its packed form. */
const UNPACKED = 2;

/** Throws a Fault when there is no room for the root that a stage begins with, as far as its size is known. */
export async function requireRoom(stage: Stage): Promise<void> {
  const packed = await packedBytes(stage);
  const need = { folder: stage.root, needBytes: UNPACKED * packed, variable: "--tmpdir" };
  if (packed > 0) requireSpace([need], "the root file system");
}

async function packedBytes(stage: Stage): Promise<number> {
  const { header } = stage.recipe;
  const agent = header["bootstrap"] ?? "";
  if (OCI_AGENTS.includes(agent)) {
    const { layers } = await imageOfStage(stage, stage.folder);
    return layers.reduce((sum, layer) => sum + layer.sizeBytes, 0);
  }
  if (agent !== "localimage") return 0;
  const path = resolvePath(stage.ports.cwd, header["from"] ?? "");
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true ? stat.size : 0;
}
