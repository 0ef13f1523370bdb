import { dirname } from "node:path";
import { convertOciImage } from "../../src/build/oci/convert.ts";
import {
  type LocalTransport,
  openLocalOciImage,
} from "../../src/build/oci/sources/open-local-image.ts";
import { recipeFromImage } from "../../src/format/deffile/recipe.ts";
import { ownArch } from "../support/own-arch.ts";
import { run } from "../support/run.ts";

/** Converts an image on this machine in this process. */
export async function convertLocal(
  transport: LocalTransport,
  place: string,
  target: string,
  options: {
    readonly processors?: number;
    readonly epoch?: number;
    readonly args?: readonly string[];
  } = {},
): Promise<void> {
  const platform = { os: "linux", arch: ownArch, variant: "" };
  const image = await openLocalOciImage(transport, place, "/", platform, dirname(target));
  await convertOciImage(image, target, {
    recipe: recipeFromImage(transport, "test"),
    talk: { info() {}, warning() {}, verbose() {} },
    progress() {},
    tool: (name) => Bun.which(name) ?? undefined,
    hostArch: ownArch,
    version: "1",
    peerVersion: "1",
    mksquashfsArgs: options.args ?? [],
    processors: options.processors ?? 0,
    memory: "",
    sourceDateEpoch: options.epoch,
    signal: new AbortController().signal,
  });
}

/** Position of the file system of a SIF. */
export async function partitionOffset(sif: string): Promise<number> {
  const head = new Uint8Array(
    await Bun.file(sif)
      .slice(0, 1024 * 1024)
      .arrayBuffer(),
  );
  for (let at = 4096; at < head.length; at += 4096) {
    if (new TextDecoder().decode(head.subarray(at, at + 4)) === "hsqs") return at;
  }
  throw new Error("no file system");
}

/** Unpacks a SIF as root. */
export async function unpackSif(sif: string, folder: string): Promise<void> {
  const offset = String(await partitionOffset(sif));
  const argv = ["unsquashfs", "-o", offset, "-d", folder, "-no-progress", "-quiet", sif];
  const end = await run(argv, { as: "self" });
  if (end.code !== 0) throw new Error(end.stderr);
}
