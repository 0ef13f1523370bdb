import type { ByteSource } from "../base/byte-source.ts";
import { Fault } from "../base/fault.ts";
import { isOciSif } from "../format/ocisif/oci-sif.ts";
import { DATA_PARTITION, DATA_SIGNATURE, FS_EXT3, PART_OVERLAY } from "../format/sif/codes.ts";
import { GROUP_MASK } from "../format/sif/descriptor.ts";
import { planAdd } from "../format/sif/edit.ts";
import { encodePartitionExtra, partitionExtra } from "../format/sif/extra.ts";
import { primaryPartition, type SifImage } from "../format/sif/image.ts";
import { imageHost } from "../host/image-host.ts";
import { stat } from "../host/syscall.ts";
import { openImageFile } from "../image/image-file.ts";
import { changeSif } from "./_change-sif.ts";
import { checkOciSif } from "./_oci-sif-overlay.ts";

/**
 * Whether an overlay goes into a new file or into the SIF that is there. `word` is the path as it was
 * given, for messages.
 *
 * @throws Fault for a file that is no SIF, and for a SIF that cannot take an overlay.
 */
export function checkCanTakeOverlay(
  path: string,
  word: string,
  program: string,
): "new" | "sif" | "oci-sif" {
  if (stat(path) === undefined) return "new";
  const { format, sif, source } = openImageFile(path, imageHost);
  if (format === "ext3") {
    throw new Fault("exists", `EXT3 overlay image ${word} already exists`, {
      hint: "choose another name, or delete the file",
    });
  }
  if (sif === undefined) {
    throw new Fault("invalid", `destination image must be SIF image: ${word} is not`, {
      hint: "name a new file, or a SIF",
    });
  }
  if (isOciSif(sif)) {
    checkOciSif(sif, source, word);
    return "oci-sif";
  }
  check(sif, word, program);
  return "sif";
}

function check(image: SifImage, word: string, program: string): void {
  if (primaryPartition(image) === undefined) {
    throw new Fault(
      "invalid",
      `while getting root FS partition of ${word}: no root filesystem found`,
    );
  }
  const there = image.objects.find((object) => {
    const extra = partitionExtra(object);
    return extra?.partType === PART_OVERLAY && extra.fsType === FS_EXT3;
  });
  if (there !== undefined) {
    throw new Fault(
      "exists",
      `a writable overlay partition already exists in ${word} (ID: ${there.id}), delete it first with "${program} sif del ${there.id} ${word}"`,
    );
  }
  if (image.objects.some((object) => object.dataType === DATA_SIGNATURE)) {
    throw new Fault("denied", `SIF image ${word} is signed: could not add writable overlay`, {
      hint: "use an overlay in a file of its own, or sign after adding it",
    });
  }
}

/** Adds a file system as the overlay partition of a SIF, in the group and for the machine of its root. */
export function addOverlay(path: string, word: string, layer: ByteSource, sparse: boolean): void {
  changeSif(path, (file) => {
    check(file.image, word, "skiff");
    const primary = primaryPartition(file.image);
    const extra = primary === undefined ? undefined : partitionExtra(primary);
    if (primary === undefined || extra === undefined) return;
    const added = planAdd(
      file.image,
      {
        dataType: DATA_PARTITION,
        group: primary.group - GROUP_MASK,
        sizeBytes: layer.sizeBytes,
        extra: encodePartitionExtra({ fsType: FS_EXT3, partType: PART_OVERLAY, arch: extra.arch }),
      },
      BigInt(Math.floor(Date.now() / 1000)),
    );
    file.append(added.object.offset, layer, sparse);
    file.write(added.writes);
  });
}
