import type { MergedNode } from "./merged-node.ts";

/** Longest path that the kernel takes, in bytes with its NUL. */
export const MAX_PATH_BYTES = 4096;
export const MAX_NAME_BYTES = 255;
const MAX_LINKS = 40;

/** A directory reached from the root: the directories on the way, the root first, and their names. */
export interface Way {
  readonly dirs: MergedNode[];
  /** One less than `dirs`: the root has no name. */
  readonly names: string[];
}

/** What to do on the way where there is no directory. */
export interface WalkRules {
  /** Puts a directory where there is nothing, or something else than a directory or link. */
  readonly make: ((parent: MergedNode, name: string) => MergedNode) | undefined;
}

/**
 * Goes to the directory that the parts of a path name, following symbolic links inside the root as the
 * kernel would: `..` and absolute links never leave it. Undefined when there is none and none is to be
 * made; a text says what is wrong.
 */
export function walkTo(
  root: MergedNode,
  parts: readonly string[],
  rules: WalkRules,
): Way | string | undefined {
  const dirs = [root];
  const names: string[] = [];
  // Last part first.
  const todo = parts.toReversed();
  let links = 0;
  let lengthBytes = 0;
  for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
    if (part === "..") {
      if (names.length > 0) {
        dirs.pop();
        lengthBytes -= (names.pop() ?? "").length + 1;
      }
      continue;
    }
    const parent = dirs[dirs.length - 1] ?? root;
    let node = parent.children?.get(part);
    if (node?.kind === "symlink") {
      if (++links > MAX_LINKS) return "too many symbolic links on the way";
      const target = node.link.split("/").filter((word) => word !== "" && word !== ".");
      if (todo.length + target.length > MAX_PATH_BYTES) return "the way is too long";
      if (node.link.startsWith("/")) {
        dirs.length = 1;
        names.length = 0;
        lengthBytes = 0;
      }
      for (const word of target.reverse()) todo.push(word);
      continue;
    }
    if (node?.children === undefined) {
      if (rules.make === undefined) return undefined;
      node = rules.make(parent, part);
    }
    lengthBytes += part.length + 1;
    if (lengthBytes >= MAX_PATH_BYTES) return "the path is longer than the kernel takes";
    dirs.push(node);
    names.push(part);
  }
  return { dirs, names };
}
