import { lstatSync } from "node:fs";
import type { BindSpec } from "../../plan/bind-spec.ts";
import { treeDigest } from "./tree-digest.ts";

/** What a bind may hold so that a step which sees it can still be kept. */
const LIMITS = { entries: 2000, bytes: 64 << 20 };

/**
 * What a script sees through the caller's binds. Undefined when that is too much to be read, or no
 * plain file or directory: then nobody knows what the script depends on.
 */
export async function bindInputs(
  binds: readonly BindSpec[],
  signal: AbortSignal,
): Promise<readonly (readonly [string, string])[] | undefined> {
  const inputs: (readonly [string, string])[] = [];
  for (const bind of binds) {
    const stat = lstatSync(bind.source, { throwIfNoEntry: false });
    if (stat === undefined || bind.imageSrc !== undefined) return undefined;
    const digest = await treeDigest(bind.source, {
      follow: false,
      owners: true,
      limits: LIMITS,
      signal,
    });
    if (digest === undefined) return undefined;
    inputs.push([`bind ${bind.source} on ${bind.target}`, digest]);
  }
  return inputs;
}
