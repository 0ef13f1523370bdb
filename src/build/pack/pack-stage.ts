import { constants, copyFileSync, statSync } from "node:fs";
import { hostFiles } from "../../host/host-files.ts";
import type { BuildRequest } from "../build.ts";
import type { FinishedStage } from "../build-stage.ts";
import { digestOf } from "../cache/digest.ts";
import { CachedRoot, type StepCache } from "../cached-root.ts";
import { inspectMetadata } from "../metadata/inspect-metadata.ts";
import { ownersToPack } from "../owners/owners-to-pack.ts";
import { buildRecord, withRecord } from "../record/build-record.ts";
import type { Stage } from "../stage.ts";
import type { StageRoot } from "../stage-root.ts";
import type { Workspace } from "../workspace.ts";
import { finishSif } from "./finish-sif.ts";
import { type PackedImage, packImage } from "./pack-image.ts";

/** What is known of the root of a stage besides the stage. */
export interface PackFrom extends FinishedStage {
  readonly stage: Stage;
  readonly cache: StepCache | undefined;
  readonly root: StageRoot;
}

/** Packs the finished root of a stage, or takes the image that was packed of the same root before. */
export async function packStage(
  request: BuildRequest,
  from: PackFrom,
  temporary: Workspace,
  beside: Workspace,
): Promise<PackedImage> {
  const { cache, stage } = from;
  const { ports } = stage;
  const latestSeconds = stage.clock.seconds ?? 0;
  const view = hostFiles(stage.root);
  let inspect = inspectMetadata(view);
  if (request.hasRecord) {
    const record = await buildRecord(request, stage, latestSeconds, from.before);
    inspect = withRecord(inspect, record);
  }
  const texts = {
    deffile: request.text,
    inspect,
    objects: stage.objects ?? new Map(),
    view,
  };
  const image = `${beside.path}/image`;
  const key = from.key === undefined ? undefined : packKey(request, stage, from.key, texts);
  const known = key === undefined ? undefined : cache?.store.findImage(key);
  if (known !== undefined) {
    ports.tellStep({ kind: "hit", title: "image", ageMs: Date.now() - known.createdMs });
    copyFileSync(known.path, image, constants.COPYFILE_FICLONE);
    finishSif(image, [], request.target);
    return { sizeBytes: statSync(request.target).size, digest: known.digest };
  }
  const began = performance.now();
  const noteSynced = cache?.store.startSync();
  const packed = await packImage(
    {
      source: stage.root,
      pseudoEdits: [],
      ...ownersToPack(stage, view),
      folder: temporary.folder("pack"),
      image,
      target: request.target,
      latestSeconds,
      ...(from.root instanceof CachedRoot ? { sourceBytes: from.root.sizeBytes } : {}),
    },
    texts,
    request.pack,
    ports,
  );
  noteSynced?.();
  const elapsedMs = performance.now() - began;
  ports.tellStep({ kind: "done", title: "image", elapsedMs, sizeBytes: packed.sizeBytes });
  if (key !== undefined && cache !== undefined) {
    const scratch = `${cache.space.path}/${cache.nextName()}`;
    const meta = { ...packed, title: "image", definition: cache.definition };
    cache.store.keepImage(key, scratch, meta, (path) =>
      copyFileSync(request.target, path, constants.COPYFILE_FICLONE),
    );
  }
  return packed;
}

/** All that the bytes of an image depend on. */
function packKey(
  request: BuildRequest,
  stage: Stage,
  root: string,
  texts: { readonly inspect: string; readonly objects: ReadonlyMap<string, string> },
): string {
  const tool = stage.ports.tool("mksquashfs") ?? "";
  const stat = statSync(tool, { throwIfNoEntry: false });
  const { extraArguments, arch, hostArch, sourceDateEpoch } = request.pack;
  return digestOf(
    JSON.stringify([
      root,
      request.text,
      texts.inspect,
      [...texts.objects],
      [tool, stat?.size, stat?.mtimeMs],
      [extraArguments, arch, hostArch, sourceDateEpoch ?? "", stage.clock.seconds ?? 0],
      [request.options.version, request.pack.sbomVersion ?? ""],
    ]),
  );
}
