import { decodeOsText } from "../../base/os-text.ts";
import { hostFiles } from "../../host/host-files.ts";
import { processStart, statFields } from "../../host/other-process.ts";
import { shareDirectory } from "../share.ts";

/** A container that processes of one parent share (--sharens), as lists show it. */
export interface SharedContainer {
  readonly name: string;
  /** The first process of it that lives. */
  readonly pid: number;
  readonly image: string;
}

/** The user's containers of --sharens; they have no records, only their members' files (src/ops/process-op.ts, ShareOp). */
export function sharedContainers(): SharedContainer[] {
  const directory = shareDirectory();
  const files = hostFiles();
  const found: SharedContainer[] = [];
  for (const name of directory === undefined ? [] : (files.list(directory) ?? [])) {
    if (!name.startsWith("sharens-")) continue;
    const [about = "", ...lines] = decodeOsText(
      files.read(`${directory}/${name}`) ?? new Uint8Array(0),
    ).split("\n");
    const member = lines
      .map((line) => line.trim().split(/ +/).map(Number))
      .find(([pid = 0, started = -1]) => pid > 1 && processStart(pid) === started)?.[0];
    if (member === undefined) continue;
    const parent = statFields(member)[1] ?? "";
    const image = /^\{"image":(".*")\} *$/.exec(about)?.[1] ?? '""';
    found.push({ name: `sharens_instance_${parent}`, pid: member, image: JSON.parse(image) });
  }
  return found;
}
