import { DATA_SBOM, SBOM_FORMATS } from "../../format/sif/codes.ts";
import { encodeExtraCodes } from "../../format/sif/extra.ts";
import type { SifObject } from "./sif-layout.ts";

/** The SIF object that holds a list of packages in SPDX's JSON (reference: sif.md section 4). */
export function sbomObject(bytes: Uint8Array): SifObject {
  return {
    dataType: DATA_SBOM,
    name: "sbom.spdx.json",
    sizeBytes: bytes.length,
    extra: encodeExtraCodes(SBOM_FORMATS.indexOf("spdx-json") + 1),
  };
}
