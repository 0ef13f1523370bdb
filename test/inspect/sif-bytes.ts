import * as codes from "../../src/format/sif/codes.ts";
import { emptySif, encodeStart, type NewObject, planAdd } from "../../src/format/sif/edit.ts";
import { encodePartitionExtra } from "../../src/format/sif/extra.ts";

/** An object of an image that a test makes. */
export interface TestObject {
  readonly dataType: number;
  readonly name?: string;
  readonly content: Uint8Array | string;
  /** File system, for the primary partition. */
  readonly fsType?: number;
}

/** The bytes of a SIF with the objects, ids from 1. */
export function sifBytes(objects: readonly TestObject[]): Uint8Array {
  let image = emptySif({ uuid: new Uint8Array(16), time: 0n });
  const parts: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  for (const { dataType, name, content, fsType } of objects) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const object: NewObject = {
      dataType,
      group: 1,
      sizeBytes: bytes.length,
      ...(name === undefined ? {} : { name }),
      ...(fsType === undefined
        ? {}
        : {
            extra: encodePartitionExtra({ fsType, partType: codes.PART_PRIMARY, arch: "02" }),
          }),
    };
    const added = planAdd(image, object, 0n);
    image = added.image;
    parts.push({ at: added.object.offset, bytes });
  }
  const end = parts.map(({ at, bytes }) => at + bytes.length);
  const start = encodeStart(image);
  const out = new Uint8Array(Math.max(start.length, ...end));
  out.set(start);
  for (const { at, bytes } of parts) out.set(bytes, at);
  return out;
}
