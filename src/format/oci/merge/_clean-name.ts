import { encodeOsText } from "../../../base/os-text.ts";
import { MAX_NAME_BYTES, MAX_PATH_BYTES } from "./_walk.ts";

/**
 * Parts of an entry's path, which begins at the root with or without a slash. `..` takes back the part
 * before it, as text; one that would leave the root is refused. A text says what is wrong.
 */
export function cleanName(path: string): string[] | string {
  if (path.length >= MAX_PATH_BYTES) return "the path is longer than the kernel takes";
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      if (parts.pop() === undefined) return "the path leads out of the root";
    } else if (part.length > MAX_NAME_BYTES / 4 && encodeOsText(part).length > MAX_NAME_BYTES) {
      return "a name in it has more than 255 bytes";
    } else {
      parts.push(part);
    }
  }
  return parts;
}
