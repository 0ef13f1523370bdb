import { Fault } from "../../base/fault.ts";
import { groupNumber, type SifDescriptor } from "../../format/sif/descriptor.ts";
import { descriptorDigest, firstIdOfGroup, headerDigest } from "../../format/sif/digests.ts";
import { findObject, type SifImage } from "../../format/sif/image.ts";
import { renderMetadata } from "../../format/sif/signed-metadata.ts";
import { DataDigests, digestOf } from "../data-digests.ts";
import { groupNumbers, groupObjects, type SignedImage } from "../signed-image.ts";

/** What one signature covers. */
export interface SignTask {
  readonly group: number;
  /** Of that group, by id. */
  readonly objects: readonly SifDescriptor[];
}

/** What is to be signed: a group, an object, both, or every group. */
export interface SignChoice {
  readonly group?: number;
  readonly object?: number;
}

/**
 * One task for each signature, in the order they are added: for the chosen group, the chosen object, or
 * both; for every group without a choice. Throws a Fault whose message is the peer's.
 */
export function signTasks({ sif }: SignedImage, choice: SignChoice): readonly SignTask[] {
  const { group, object } = choice;
  const chosen = [
    ...(group === undefined ? [] : [groupTask(sif, group)]),
    ...(object === undefined ? [] : [objectTask(sif, object)]),
  ];
  if (chosen.length > 0) return chosen;
  const groups = groupNumbers(sif);
  if (groups.length === 0) throw refused("no groups found");
  return groups.map((one) => groupTask(sif, one));
}

function groupTask(sif: SifImage, group: number): SignTask {
  if (group === 0) throw refused("invalid group ID");
  const objects = groupObjects(sif, group);
  if (objects.length === 0) throw refused("group not found");
  return { group, objects };
}

function objectTask(sif: SifImage, id: number): SignTask {
  if (id === 0) throw refused("invalid object ID");
  const object = findObject(sif, id);
  if (object === undefined) throw refused("object not found");
  const group = groupNumber(object.group);
  if (group === 0) throw refused("object not associated with object group");
  return { group, objects: [object] };
}

function refused(why: string): Fault {
  return new Fault("not-found", `integrity: ${why}`);
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
