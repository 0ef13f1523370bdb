import { Fault } from "../../base/fault.ts";
import type { FileView } from "../../base/file-view.ts";
import { decodeOsText } from "../../base/os-text.ts";
import { DATA_JSON } from "../../format/sif/codes.ts";
import { imageHost } from "../../host/image-host.ts";
import { openImageFile } from "../../image/image-file.ts";
import { METADATA_NAME } from "../../image/inspect/metadata-object.ts";
import { openImage } from "../../image/open.ts";
import { readIn } from "../metadata/inspect-metadata.ts";
import { type BuildRecord, recordIn } from "./build-record.ts";

/** An image with what it was built by. */
export interface RecordedImage {
  readonly definition: string;
  /** Absent in images of other programs. */
  readonly record: BuildRecord | undefined;
  readonly tree: FileView;
  /** Text of a JSON object by its name. */
  object(name: string): string | undefined;
}

/** Reads the definition and the record of inputs that an image holds. Throws a Fault. */
export function readRecordedImage(path: string): RecordedImage {
  const { tree } = openImage(path, imageHost);
  const definition = readIn(tree, "/.singularity.d/Singularity");
  if (definition === undefined) {
    throw new Fault("invalid", `Cannot build "${path}" again: it holds no definition`, {
      hint: "only images that were built of a definition can be verified",
    });
  }
  const file = openImageFile(path, imageHost);
  const textOf = (wanted: string): string | undefined => {
    const found = file.sif?.objects.find(
      ({ name, dataType }) =>
        dataType === DATA_JSON && decodeOsText(name).split("\0")[0] === wanted,
    );
    return found && decodeOsText(file.source.read(found.offset, found.sizeBytes));
  };
  const text = textOf(METADATA_NAME);
  return {
    definition: decodeOsText(definition),
    record: text === undefined ? undefined : recordIn(text),
    tree,
    object: textOf,
  };
}
