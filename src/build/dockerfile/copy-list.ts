import { createHash } from "node:crypto";
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
} from "node:fs";
import { resolveIn } from "../../base/file-view.ts";
import { encodeOsText, sortOsText } from "../../base/os-text.ts";
import { fileCapabilities } from "../../host/file-attributes.ts";
import { hostFiles } from "../../host/host-files.ts";
import { notedOwner } from "../owners/noted-owners.ts";
import { type CopySource, isLeftOut, mayHoldKept } from "./context.ts";

/** One file, directory or link to be copied. */
export interface CopyEntry {
  /** Host path. */
  readonly from: string;
  /** Below the thing that was named; "" is that thing. */
  readonly below: string;
  readonly stat: Stats;
}

/** One source of a COPY: a file, or a directory with all that is let in below it. */
export interface CopyItem {
  /** As named, clean, for messages and for the name in a target directory. */
  readonly path: string;
  readonly isDirectory: boolean;
  /** Parents come before what they hold. */
  readonly entries: readonly CopyEntry[];
}

/**
 * Lists what a path of a source stands for. A link that is named is followed inside the source; links
 * below are entries. Undefined when there is nothing, or nothing that is let in.
 */
export function listItem(
  source: CopySource,
  path: string,
  excludes: CopySource["patterns"],
): CopyItem | undefined {
  if (isLeftOut(source, path) && !mayHoldKept(source)) return undefined;
  const found = resolveIn(hostFiles(source.root), `/${path}`);
  if (found.entry === undefined) return undefined;
  const real = found.path === "/" ? "" : found.path.slice(1);
  const entries: CopyEntry[] = [];
  const own = { ...source, patterns: excludes };
  const visit = (at: string, below: string): void => {
    const from = at === "" ? source.root : `${source.root}/${at}`;
    const stat = lstatSync(from);
    const isOut = below !== "" && (isLeftOut(source, at) || isLeftOut(own, below));
    if (isOut && !(stat.isDirectory() && (mayHoldKept(source) || mayHoldKept(own)))) return;
    const place = entries.length;
    if (!isOut) entries.push({ from, below, stat });
    if (!stat.isDirectory()) return;
    for (const name of sortOsText(readdirSync(from))) {
      visit(at === "" ? name : `${at}/${name}`, below === "" ? name : `${below}/${name}`);
    }
    // A directory that is out comes along when something in it is not.
    if (isOut && entries.length > place) entries.splice(place, 0, { from, below, stat });
  };
  visit(real, "");
  const [first] = entries;
  if (first === undefined || (isLeftOut(source, path) && entries.length === 1)) return undefined;
  return { path, isDirectory: first.stat.isDirectory(), entries };
}

/** SHA-256 over names, kinds, modes and contents of an item; owners where they come along. */
export function digestItem(item: CopyItem, withOwners: boolean): string {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(1 << 20);
  for (const { from, below, stat } of item.entries) {
    const owner = withOwners ? (notedOwner(from) ?? `${stat.uid}:${stat.gid}`) : "";
    hash.update(encodeOsText(`${below}\0${stat.mode.toString(8)}\0${owner}\0`));
    if (stat.isSymbolicLink()) hash.update(encodeOsText(`${readlinkSync(from)}\0`));
    if (!stat.isFile()) continue;
    hash.update(fileCapabilities(from) ?? "");
    hash.update(`${stat.size}\0`);
    const fd = openSync(from, "r");
    try {
      for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) {
        hash.update(buffer.subarray(0, count));
      }
    } finally {
      closeSync(fd);
    }
  }
  return hash.digest("hex");
}
