import type { FileView } from "../../base/file-view.ts";
import { hasOneId } from "../one-id.ts";
import type { Stage } from "../stage.ts";
import { readNotedOwners, removeNotes } from "./noted-owners.ts";
import { recordedOwners } from "./recorded-owners.ts";

/** Owners of a finished root that its files could not be given. */
export interface OwnersToPack {
  /** `uid:gid` by path. */
  readonly owners: ReadonlyMap<string, string>;
  /** The files have no attributes but notes: none is to come into the image. */
  readonly dropsAttributes: boolean;
}

/** Reads the owners of a root that is about to be packed, the surest last. */
export function ownersToPack(stage: Stage, view: FileView): OwnersToPack {
  const base = [...(stage.owners ?? [])];
  if (!hasOneId()) return { owners: new Map(base), dropsAttributes: false };
  const noted = readNotedOwners(stage.root);
  const hasNotes = noted.owners.size > 0;
  if (hasNotes && noted.hasOthers) removeNotes(stage.root, noted);
  return {
    owners: new Map([...base, ...recordedOwners(view), ...noted.owners]),
    dropsAttributes: hasNotes && !noted.hasOthers,
  };
}
