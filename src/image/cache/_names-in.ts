import { readdirSync } from "node:fs";

/** Names in a folder of the cache, sorted; none when it is not there. */
export function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}
