const SHOWN = 3;

/**
 * Why a step is not the same as last time, in words: which inputs changed, came or went.
 *
 * @param before the inputs with which this step of this definition was last carried out.
 */
export function explainMiss(
  before: Readonly<Record<string, string>> | undefined,
  now: ReadonlyMap<string, string>,
): string {
  if (before === undefined) return "not built before";
  const changes: string[] = [];
  for (const [name, value] of now) {
    if (!Object.hasOwn(before, name)) changes.push(`${name} is new`);
    else if (before[name] !== value) changes.push(`${name} changed`);
  }
  for (const name of Object.keys(before)) if (!now.has(name)) changes.push(`${name} is gone`);
  if (changes.length === 0) return "its result was removed from the cache";
  // The step before changes with everything below it: it is the reason only when nothing else is.
  const own = changes.filter((change) => !change.startsWith(`${PARENT} `));
  if (own.length === 0) return "the step before it changed";
  const rest = own.length - SHOWN;
  return own.slice(0, SHOWN).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/** Name of the input that stands for the root before a step. */
export const PARENT = "root before";
