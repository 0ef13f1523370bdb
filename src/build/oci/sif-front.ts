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
import type { FilePart } from "../pack/finish-sif.ts";
import { sbomObject } from "../pack/sbom-object.ts";
import { layoutSif, type SifLayout } from "../pack/sif-layout.ts";

const NO_EXTRA = new Uint8Array(0);

/** Everything in the SIF of an OCI image that stands before its file system. */
export class SifFront {
  readonly #objects: readonly {
    readonly dataType: number;
    readonly name: string;
    readonly bytes: Uint8Array;
  }[];

  constructor(definition: string, inspectJson: string, configJson: string) {
    this.#objects = [
      { dataType: DATA_DEFFILE, name: "", bytes: encodeOsText(definition) },
      { dataType: DATA_JSON, name: "inspect-metadata.json", bytes: encodeOsText(inspectJson) },
      { dataType: DATA_JSON, name: "oci-config.json", bytes: encodeOsText(configJson) },
    ];
  }

  /** Where the file system begins. */
  get partitionOffset(): number {
    return this.#layout("", 0, undefined).offsets[this.#objects.length] ?? 0;
  }

  /**
   * What is to be written into the file that has the file system, and a list of packages behind it, in
   * their places.
   *
   * @param arch GOARCH name.
   */
  parts(arch: string, partitionBytes: number, sbom: Uint8Array | undefined): readonly FilePart[] {
    const layout = this.#layout(arch, partitionBytes, sbom);
    const parts = this.#objects.map(({ bytes }, i) => ({ offset: layout.offsets[i] ?? 0, bytes }));
    return [{ offset: 0, bytes: layout.head }, ...parts];
  }

  #layout(arch: string, partitionBytes: number, sbom: Uint8Array | undefined): SifLayout {
    const code = archCode(arch) ?? "00";
    const front = this.#objects.map(({ dataType, name, bytes }) => ({
      dataType,
      name,
      sizeBytes: bytes.length,
      extra: NO_EXTRA,
    }));
    const partition = {
      dataType: DATA_PARTITION,
      name: "",
      sizeBytes: partitionBytes,
      extra: encodePartitionExtra({ fsType: FS_SQUASHFS, partType: PART_PRIMARY, arch: code }),
    };
    const behind = sbom === undefined ? [] : [sbomObject(sbom)];
    return layoutSif([...front, partition, ...behind], new Uint8Array(16), ZERO_TIME);
  }
}
