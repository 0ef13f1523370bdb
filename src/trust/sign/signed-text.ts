import { Fault } from "../../base/fault.ts";
import { groupNumber, type SifDescriptor } from "../../format/sif/descriptor.ts";
import { descriptorDigest, firstIdOfGroup, headerDigest } from "../../format/sif/digests.ts";
import { findObject } from "../../format/sif/image.ts";
import { renderMetadata } from "../../format/sif/signed-metadata.ts";
import { DataDigests, digestOf } from "../data-digests.ts";
import { groupNumbers, groupObjects, type SignedImage } from "../signed-image.ts";

/** What one signature covers. */
export interface SignTask {
  readonly group: number;
  /** Of that group, by id. */
  readonly objects: readonly SifDescriptor[];
}

/** What is to be signed: a group, an object, or every group. */
export interface SignChoice {
  readonly group?: number;
  readonly object?: number;
}

/** One task for each signature, in the order they are added. Throws a Fault whose message is the peer's. */
export function signTasks(image: SignedImage, choice: SignChoice): readonly SignTask[] {
  const { sif } = image;
  const refuse = (why: string): never => {
    throw new Fault("not-found", `integrity: ${why}`);
  };
  if (choice.group !== undefined) {
    if (choice.group === 0) refuse("invalid group ID");
    const objects = groupObjects(sif, choice.group);
    if (objects.length === 0) refuse("group not found");
    return [{ group: choice.group, objects }];
  }
  if (choice.object !== undefined) {
    if (choice.object === 0) refuse("invalid object ID");
    const object = findObject(sif, choice.object) ?? refuse("object not found");
    const group = groupNumber(object.group);
    if (group === 0) refuse("object not associated with object group");
    return [{ group, objects: [object] }];
  }
  const groups = groupNumbers(sif);
  if (groups.length === 0) refuse("no groups found");
  return groups.map((group) => ({ group, objects: groupObjects(sif, group) }));
}

/** The hash that data are signed by. */
export const HASH = "sha256";

/** The texts to be signed, one for each task; every object is read once, unless `digests` knows them all. */
export async function signedTexts(
  image: SignedImage,
  tasks: readonly SignTask[],
  digests: Pick<DataDigests, "begin" | "of"> = new DataDigests(image, [HASH]),
): Promise<readonly string[]> {
  const { sif } = image;
  const named = (hex: string): { algorithm: string; hex: string } => ({ algorithm: HASH, hex });
  const texts: string[] = [];
  digests.begin(tasks.flatMap(({ objects }) => objects));
  for (const { objects } of tasks) {
    const firstId = firstIdOfGroup(sif, objects[0]?.group ?? 0);
    const entries = [];
    for (const object of objects) {
      const relativeId = object.id - firstId;
      const descriptor = descriptorDigest(object, relativeId, (b) => digestOf(b, HASH));
      const data = await digests.of(object, HASH);
      entries.push({ relativeId, descriptor: named(descriptor), data: named(data) });
    }
    const header = named(headerDigest(sif.header, (b) => digestOf(b, HASH)));
    texts.push(renderMetadata({ header, objects: entries }));
  }
  return texts;
}
