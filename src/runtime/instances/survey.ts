import { lstat } from "../../host/syscall.ts";
import { removeRecord } from "./claim.ts";
import { type InstanceRecord, lifeOf, readRecord, recordNames, recordPath } from "./records.ts";

/** What to say when a record is taken away. */
export type TellStale = (text: string) => void;

/**
 * The instances of a directory whose names fit, sorted by name. Records of processes that are gone are
 * removed, and told of: no other program would.
 *
 * @param owner user id that record and process must belong to; undefined: whoever may write there.
 */
export function surveyInstances(
  directory: string,
  fits: (name: string) => boolean,
  owner: number | undefined,
  tell: TellStale,
): InstanceRecord[] {
  const running: InstanceRecord[] = [];
  for (const name of recordNames(directory)) {
    if (!fits(name)) continue;
    const path = recordPath(directory, name);
    if (owner !== undefined && lstat(path)?.uid !== owner) continue;
    const found = readRecord(directory, name);
    if (found.kind === "none") continue;
    if (found.kind === "broken") {
      tell(`Removing the record of the instance ${name}: it is damaged`);
      removeRecord(directory, name, found);
      continue;
    }
    const one = found.kind === "record" ? found.record : found;
    if (lifeOf(one) === "gone") {
      tell(`Removing the record of the instance ${name}: its process ${one.pid} has ended`);
      removeRecord(directory, name, found);
    } else if (found.kind === "record" && belongsTo(found.record.pid, owner)) {
      running.push(found.record);
    }
  }
  return running;
}

/** Someone else's record may name any process. */
function belongsTo(pid: number, owner: number | undefined): boolean {
  return owner === undefined || lstat(`/proc/${pid}`)?.uid === owner;
}

/** A shell pattern of names: `*`, `?`, `[abc]`, `[!a-z]`; nothing else is special. */
export function namePattern(pattern: string): (name: string) => boolean {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const one = pattern[at] as string;
    const end = one === "[" ? pattern.indexOf("]", at + 2) : -1;
    if (one === "*") source += ".*";
    else if (one === "?") source += ".";
    else if (end > 0) {
      const inside = pattern.slice(at + 1, end).replace(/^[!^]/, "^");
      source += `[${inside.replaceAll("\\", "\\\\").replaceAll("[", "\\[")}]`;
      at = end;
    } else source += one.replace(/[.*+?^${}()|[\]\\]/, "\\$&");
  }
  try {
    const regular = new RegExp(`^${source}$`, "s");
    return (name) => regular.test(name);
  } catch {
    // A range that runs backwards fits nothing.
    return () => false;
  }
}
