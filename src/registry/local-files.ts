import { readdirSync, readFileSync } from "node:fs";
import { notePath } from "../host/launch-trace.ts";

/** Text of a file; undefined when it is not there or cannot be read. */
export function readIfThere(path: string): string | undefined {
  notePath(path, "content");
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Names in a directory that end in `suffix`, sorted; none when there is no such directory. */
export function namesIn(path: string, suffix: string = ""): readonly string[] {
  notePath(path, "content");
  try {
    return readdirSync(path)
      .filter((name) => name.endsWith(suffix))
      .sort();
  } catch {
    return [];
  }
}
