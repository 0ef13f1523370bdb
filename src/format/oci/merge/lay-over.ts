import type { MergedNode } from "./merged-node.ts";

/** Lays a layer with marks of removal over a tree, which becomes what both show together. */
export function layOver(lower: MergedNode, layer: MergedNode): void {
  const todo = [{ below: lower, above: layer }];
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    const { children, serial } = at.below;
    if (children === undefined) continue;
    // A directory that no entry describes is what it was.
    if (at.above.layer >= 0) Object.assign(at.below, { ...at.above, children, serial });
    for (const [name, node] of at.above.children ?? []) {
      const before = children.get(name);
      if (isMark(node)) children.delete(name);
      else if (node.kind === "dir" && before?.kind === "dir") {
        todo.push({ below: before, above: node });
      } else children.set(name, copyOf(node));
    }
  }
}

/** What a layer shows of a directory of its own, without marks: later layers change it. */
function copyOf(node: MergedNode): MergedNode {
  if (node.children === undefined) return node;
  const copy = { ...node, children: new Map<string, MergedNode>() };
  layOver(copy, node);
  return copy;
}

function isMark({ kind, major, minor }: MergedNode): boolean {
  return kind === "char" && major === 0 && minor === 0;
}
