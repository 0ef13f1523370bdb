import { GROUP_MASK, groupNumber, type SifDescriptor } from "../../format/sif/descriptor.ts";
import { findObject, primaryPartition, type SifImage } from "../../format/sif/image.ts";
import { groupNumbers, groupObjects, isSignature } from "../signed-image.ts";
import { IntegrityFault } from "./integrity-fault.ts";

/** What is to be verified: a group, an object, both, or without either all groups. */
export interface VerifyChoice {
  /** A group; 0 is refused as no group. */
  readonly group?: number;
  readonly object?: number;
  /** Legacy signatures, instead of current ones. */
  readonly legacy?: boolean;
  /** With `legacy`: every object instead of the primary partition. */
  readonly all?: boolean;
}

/** One thing to verify: all signatures on it must be good. */
export interface VerifyTask {
  readonly group: number;
  readonly objects: readonly SifDescriptor[];
  /** The signature may cover more than `objects`. */
  readonly isPart: boolean;
  /** Legacy: the signatures are linked to the object itself, or to its group. */
  readonly legacy: "none" | "object" | "group";
  /** Signature objects that may belong to it, by their links; which of them are legacy only their texts tell. */
  readonly candidates: readonly SifDescriptor[];
  /** `object group 1` or `object 2`, for faults. */
  readonly what: string;
}

/** The tasks for a choice, in order; at least one. Throws an IntegrityFault when the image has no such thing. */
export function verifyTasks(sif: SifImage, choice: VerifyChoice): readonly VerifyTask[] {
  const loose = sif.objects.some((o) => !isSignature(o) && groupNumber(o.group) === 0);
  if (loose) {
    const why = "non-signature object not associated with object group";
    throw new IntegrityFault("altered", why);
  }
  const chosen = [
    ...(choice.group === undefined ? [] : [groupTask(sif, choice.group, choice.legacy === true)]),
    ...(choice.object === undefined
      ? []
      : [objectTask(sif, choice.object, choice.legacy === true)]),
  ];
  if (chosen.length > 0) return chosen;
  if (choice.legacy === true && choice.all === true) {
    const grouped = groupNumbers(sif)
      .flatMap((group) => groupObjects(sif, group))
      .filter((o) => !isSignature(o));
    if (grouped.length === 0) throw new IntegrityFault("unusable", "no groups found");
    return grouped.map((o) => objectTask(sif, o.id, true));
  }
  if (choice.legacy === true) {
    const primary = primaryPartition(sif);
    if (primary === undefined) {
      const why = sif.objects.length === 0 ? "no objects in image" : "object not found";
      throw new IntegrityFault("unusable", why, "");
    }
    return [objectTask(sif, primary.id, true)];
  }
  const groups = groupNumbers(sif);
  if (groups.length === 0) throw new IntegrityFault("unusable", "no groups found");
  return groups.map((group) => groupTask(sif, group, false));
}

function groupTask(sif: SifImage, group: number, isLegacy: boolean): VerifyTask {
  if (group === 0) throw new IntegrityFault("unusable", "invalid group ID");
  const objects = groupObjects(sif, group);
  if (objects.length === 0) throw missing(sif, "group not found");
  return {
    group,
    objects,
    isPart: false,
    legacy: isLegacy ? "group" : "none",
    candidates: linkedTo(sif, GROUP_MASK + group),
    what: `object group ${group}`,
  };
}

function objectTask(sif: SifImage, id: number, isLegacy: boolean): VerifyTask {
  if (id === 0) throw new IntegrityFault("unusable", "invalid object ID");
  const object = findObject(sif, id);
  if (object === undefined) throw missing(sif, "object not found");
  const group = groupNumber(object.group);
  if (group === 0 && !isLegacy) throw new IntegrityFault("unusable", "invalid group ID");
  return {
    group,
    objects: [object],
    isPart: true,
    legacy: isLegacy ? "object" : "none",
    candidates: linkedTo(sif, isLegacy ? id : GROUP_MASK + group),
    what: isLegacy ? `object ${id}` : `object group ${group}`,
  };
}

function missing(sif: SifImage, why: string): IntegrityFault {
  return new IntegrityFault("unusable", sif.objects.length === 0 ? "no objects in image" : why);
}

function linkedTo(sif: SifImage, link: number): readonly SifDescriptor[] {
  return sif.objects.filter((o) => isSignature(o) && o.link === link);
}
