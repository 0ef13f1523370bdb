import { appendFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { decodeOsText, encodeOsText } from "../../base/os-text.ts";
import { dirName } from "../../base/path.ts";
import type { Recipe } from "../../format/deffile/recipe.ts";
import { parseImageConfig } from "../../format/oci/image-config.ts";
import { planOutput } from "../../format/oci/merge/merge-output.ts";
import { mergedView } from "../../format/oci/merge/merged-view.ts";
import type { OciImage } from "../../format/oci/oci-image.ts";
import {
  archCode,
  DATA_DEFFILE,
  DATA_JSON,
  DATA_PARTITION,
  FS_SQUASHFS,
  PART_PRIMARY,
} from "../../format/sif/codes.ts";
import { encodePartitionExtra } from "../../format/sif/extra.ts";
import { ZERO_TIME } from "../../format/sif/header.ts";
import { inspectMetadata } from "../metadata/inspect-metadata.ts";
import { type FilePart, finishSif } from "../pack/finish-sif.ts";
import { sbomObject } from "../pack/sbom-object.ts";
import { layoutSif } from "../pack/sif-layout.ts";
import { editedView } from "../root/edited-view.ts";
import type { Talk } from "../talk.ts";
import { openWorkspace } from "../workspace.ts";
import { applyEdits } from "./apply-edits.ts";
import { describeImage } from "./describe-image.ts";
import { finishRoot } from "./finish-root.ts";
import { type ConvertProgress, mergeImage } from "./merge-image.ts";
import { squashfsSbom } from "./squashfs-sbom.ts";
import { packStream } from "./squashfs-stream.ts";
import { writeMerged } from "./write-merged.ts";

/** Choices about a conversion. */
export interface ConvertOptions {
  /** What the image is built from, for its definition and labels (`recipeFromImage("docker", "alpine")`). */
  readonly recipe: Recipe;
  /** Whether labels and help of the recipe replace the image's; default no. */
  readonly force?: boolean;
  /** Whether `--section` lets a section in; default all. */
  hasSection?(name: string): boolean;
  readonly talk: Talk;
  readonly progress: (event: ConvertProgress) => void;
  /** Path of a host program, or undefined. */
  tool(name: string): string | undefined;
  /** GOARCH name to take where the image does not say. */
  readonly hostArch: string;
  /** GOARCH name that was asked for: another one in the image is warned of. */
  readonly wantedArch?: string;
  /** This program's version, and that of the peer whose behaviour it has. */
  readonly version: string;
  readonly peerVersion: string;
  /** Words of `--mksquashfs-args`; processors and memory from the configuration (0 and "": default). */
  readonly mksquashfsArgs: readonly string[];
  readonly processors: number;
  readonly memory: string;
  /** SOURCE_DATE_EPOCH: no time in the image is later. */
  readonly sourceDateEpoch: number | undefined;
  /** Version of this program to be named in a list of packages; absent: the image gets no such list. */
  readonly sbomVersion?: string;
  readonly signal: AbortSignal;
}

/**
 * Makes a SIF at `target` of an image, without an unpacked tree: the first pass reads the headers of
 * all layers and decides what is left of each, the second one streams that as one tar archive into
 * mksquashfs, which writes where the file system lies in the SIF.
 *
 *   layers ─► decompress ─► headers ─► merged tree ─┐
 *   layers ─► decompress ─► contents that are left ─┴─► tar ─► mksquashfs ─► SIF
 *
 * The same image gives the same bytes (with the same mksquashfs and version of this program): no
 * clock, no random numbers. Header times and id are those of a deterministic SIF, files keep the times
 * of their layers, and what is added has the time at which the image was created.
 *
 * The image is written beside the target and renamed; killed at any moment, nothing looks whole. Throws
 * a Fault, or the reason of the signal.
 */
export async function convertOciImage(
  image: OciImage,
  target: string,
  options: ConvertOptions,
): Promise<void> {
  const tool = options.tool("mksquashfs");
  if (tool === undefined) {
    throw new Fault("missing-tool", "while searching for mksquashfs: it is not in PATH", {
      hint: "install the package squashfs-tools",
    });
  }
  const config = parseImageConfig(decodeOsText(image.config), image.reference);
  const epoch = options.sourceDateEpoch ?? Number.POSITIVE_INFINITY;
  const created = Math.min(config.createdSeconds, epoch, 0xffffffff);
  const arch = config.arch === "" ? options.hostArch : config.arch;
  if (options.wantedArch !== undefined && arch !== options.wantedArch) {
    options.talk.warning(`Architecture ${arch} does not match build arch ${options.wantedArch}`);
  }
  const root = await mergeImage(image, created, options.progress, options.signal);
  const view = editedView(mergedView(root));
  const { recipe, version, peerVersion, talk } = options;
  const time = new Date(created * 1000);
  const force = options.force ?? false;
  const hasSection = (name: string): boolean => options.hasSection?.(name) ?? true;
  const described = { recipe, time, arch, version, peerVersion, force, hasSection };
  describeImage(view, config, described, talk);
  const inspect = inspectMetadata(view);
  applyEdits(root, view.edits, created);
  const output = planOutput(root, image.layers.length);
  const latest = Math.max(0, Math.min(output.latestSeconds, epoch, 0xffffffff));

  const front = [
    { dataType: DATA_DEFFILE, name: "", bytes: encodeOsText(recipe.text) },
    { dataType: DATA_JSON, name: "inspect-metadata.json", bytes: encodeOsText(inspect) },
    { dataType: DATA_JSON, name: "oci-config.json", bytes: encodeOsText(config.configJson) },
  ];
  const extra = encodePartitionExtra({
    fsType: FS_SQUASHFS,
    partType: PART_PRIMARY,
    arch: archCode(arch) ?? "00",
  });
  let sbom: Uint8Array | undefined;
  const layoutFor = (sizeBytes: number) =>
    layoutSif(
      [
        ...front.map(({ dataType, name, bytes }) => ({
          dataType,
          name,
          sizeBytes: bytes.length,
          extra: new Uint8Array(0),
        })),
        { dataType: DATA_PARTITION, name: "", sizeBytes, extra },
        ...(sbom === undefined ? [] : [sbomObject(sbom)]),
      ],
      new Uint8Array(16),
      ZERO_TIME,
    );
  const offsetBytes = layoutFor(0).offsets[front.length] ?? 0;
  const space = openWorkspace(dirName(target));
  try {
    talk.info("Creating SIF file...");
    const file = `${space.path}/image`;
    await packStream(
      {
        tool,
        target: file,
        offsetBytes,
        latest,
        processors: options.processors,
        memory: options.memory,
        extraArguments: options.mksquashfsArgs,
        signal: options.signal,
      },
      (write) => writeMerged(image, output, latest, write, options.progress, options.signal),
    );
    const sizeBytes = finishRoot(file, offsetBytes, root, latest, output.ids);
    if (options.sbomVersion !== undefined) {
      sbom = encodeOsText(
        await squashfsSbom(file, offsetBytes, mergedView(root), latest, options.sbomVersion),
      );
      appendFileSync(file, sbom);
    }
    const layout = layoutFor(sizeBytes);
    const parts = front.map(({ bytes }, i) => ({ offset: layout.offsets[i] ?? 0, bytes }));
    putInPlace(file, [{ offset: 0, bytes: layout.head }, ...parts], target);
  } finally {
    space.remove();
  }
}

function putInPlace(file: string, parts: readonly FilePart[], target: string): void {
  try {
    finishSif(file, parts, target);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("io", `while creating SIF: Cannot write "${target}": ${reason}`, { cause });
  }
}
