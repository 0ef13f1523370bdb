import { rmSync, statSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import type { FileView } from "../../base/file-view.ts";
import { encodeOsText } from "../../base/os-text.ts";
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
import { hostFiles } from "../../host/host-files.ts";
import type { RootEdit } from "../root/edit.ts";
import type { BuildPorts } from "../stage.ts";
import { rootArchitecture } from "./architecture.ts";
import { finishSif } from "./finish-sif.ts";
import { pseudoFiles } from "./pseudo-files.ts";
import { layoutSif, type SifObject } from "./sif-layout.ts";
import { packSquashfs } from "./squashfs.ts";

/** Choices about the packed image. */
export interface PackOptions {
  /** Words of `--mksquashfs-args`. */
  readonly extraArguments: readonly string[];
  /** From the configuration; 0 and "" leave it to mksquashfs. */
  readonly processors: number;
  readonly memory: string;
  /** GOARCH name of the host, and the one that was asked for. */
  readonly hostArch: string;
  readonly arch: string;
  /** Seconds since 1970: times are clamped to it and the header is deterministic. */
  readonly sourceDateEpoch: number | undefined;
}

/** What is packed and where to. */
export interface PackPlace {
  readonly source: string;
  /** Changes that the image shows but the source keeps out of. */
  readonly pseudoEdits: readonly RootEdit[];
  /** Existing directory for small files. */
  readonly folder: string;
  /** Where the image is written, on the file system of `target`. */
  readonly image: string;
  readonly target: string;
}

/** What goes into the image besides the file system. */
export interface PackTexts {
  readonly deffile: string;
  /** Content of `inspect-metadata.json`. */
  readonly inspect: string;
  /** Further JSON objects by name; names sort after `inspect-metadata.json`. */
  readonly objects?: ReadonlyMap<string, string>;
  /** The root as the image shows it. */
  readonly view: FileView;
}

/**
 * Packs a root into a SIF: definition, metadata, SquashFS (reference: sif.md section 8). The image is
 * written under another name and renamed when all of it is on disk.
 */
export async function packImage(
  place: PackPlace,
  texts: PackTexts,
  options: PackOptions,
  ports: BuildPorts,
): Promise<void> {
  ports.talk.info("Creating SIF file...");
  const tool = ports.tool("mksquashfs");
  if (tool === undefined) {
    throw new Fault("missing-tool", "while searching for mksquashfs: it is not in PATH", {
      hint: "install the package squashfs-tools",
    });
  }
  const arch = imageArchitecture(texts.view, options, ports);
  const temporary = place.image;
  const front = [
    { dataType: DATA_DEFFILE, name: "", bytes: encodeOsText(texts.deffile) },
    { dataType: DATA_JSON, name: "inspect-metadata.json", bytes: encodeOsText(texts.inspect) },
    ...[...(texts.objects ?? [])].map(([name, text]) => ({
      dataType: DATA_JSON,
      name,
      bytes: encodeOsText(text),
    })),
  ].filter((object) => object.bytes.length > 0);
  const extra = encodePartitionExtra({
    fsType: FS_SQUASHFS,
    partType: PART_PRIMARY,
    arch: archCode(arch) ?? "00",
  });
  const objectsWith = (sizeBytes: number): readonly SifObject[] => [
    ...front.map(({ dataType, name, bytes }) => ({
      dataType,
      name,
      sizeBytes: bytes.length,
      extra: new Uint8Array(0),
    })),
    { dataType: DATA_PARTITION, name: "", sizeBytes, extra },
  ];
  const uuid = uuidOf(options);
  const time = timeOf(options);
  const partitionOffset = layoutSif(objectsWith(0), uuid, time).offsets.at(-1) ?? 0;
  try {
    // The file system is written where it will lie, so that it is written once only.
    await packSquashfs({
      tool,
      source: place.source,
      target: temporary,
      offsetBytes: partitionOffset,
      folder: place.folder,
      pseudo:
        place.pseudoEdits.length === 0
          ? undefined
          : pseudoFiles(
              place.pseudoEdits,
              `${place.folder}/content`,
              hostFiles(place.source).lstat,
            ),
      allRoot: process.getuid?.() !== 0,
      processors: options.processors,
      memory: options.memory,
      extraArguments: options.extraArguments,
      sourceDateEpoch: options.sourceDateEpoch,
      signal: ports.signal,
    });
    const sizeBytes = statSync(temporary).size - partitionOffset;
    const layout = layoutSif(objectsWith(sizeBytes), uuid, time);
    const parts = front.map(({ bytes }, i) => ({ offset: layout.offsets[i] ?? 0, bytes }));
    finishSif(temporary, [{ offset: 0, bytes: layout.head }, ...parts], place.target);
  } catch (cause) {
    if (cause instanceof Fault || ports.signal.aborted) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("io", `while creating SIF: Cannot write "${place.target}": ${reason}`, {
      cause,
    });
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** The architecture of the root's programs counts, whatever was asked for. */
function imageArchitecture(view: FileView, options: PackOptions, ports: BuildPorts): string {
  const found = rootArchitecture(view);
  if (found === undefined) ports.talk.info("Architecture not recognized, use native");
  const arch = found ?? options.hostArch;
  if (arch !== options.arch) {
    ports.talk.warning(`Architecture ${arch} does not match build arch ${options.arch}`);
  }
  return arch;
}

function uuidOf(options: PackOptions): Uint8Array {
  const uuid = new Uint8Array(16);
  if (options.sourceDateEpoch !== undefined) return uuid;
  crypto.getRandomValues(uuid);
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  return uuid;
}

function timeOf(options: PackOptions): bigint {
  if (options.sourceDateEpoch !== undefined) return ZERO_TIME;
  return BigInt(Math.floor(Date.now() / 1000));
}
