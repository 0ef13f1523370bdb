/** One place where two plans differ. */
export interface PlanDifference {
  /** Such as `mounts[/data].source` or `environment.variables[PATH].value`. */
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** Member that names an element of a list, so that lists compare by name and not by position. */
const NAMES = ["target", "name", "path", "text"];

/** Differences of two plans as JSON values, in the order of the first; equal plans give none. */
export function diffPlans(before: unknown, after: unknown): PlanDifference[] {
  const out: PlanDifference[] = [];
  compare("", before, after, out);
  return out;
}

function compare(path: string, before: unknown, after: unknown, out: PlanDifference[]): void {
  if (isTree(before) && isTree(after)) {
    const one = members(before);
    const other = members(after);
    for (const key of new Set([...one.keys(), ...other.keys()])) {
      compare(joinPath(path, key, Array.isArray(before)), one.get(key), other.get(key), out);
    }
    return;
  }
  const a = before === undefined ? undefined : JSON.stringify(before);
  const b = after === undefined ? undefined : JSON.stringify(after);
  if (a !== b) out.push({ path, before: a, after: b });
}

function joinPath(path: string, key: string, isList: boolean): string {
  if (isList) return `${path}[${key}]`;
  return path === "" ? key : `${path}.${key}`;
}

function isTree(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function members(value: object): Map<string, unknown> {
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const out = new Map<string, unknown>();
  value.forEach((element, index) => {
    const name = NAMES.map((key) =>
      isTree(element) ? (element as Record<string, unknown>)[key] : undefined,
    ).find((found) => typeof found === "string");
    const key = typeof name === "string" && !out.has(name) ? name : String(index);
    out.set(key, element);
  });
  return out;
}

/** The differences as lines: `path: before -> after`. */
export function renderDifferences(differences: readonly PlanDifference[]): string {
  if (differences.length === 0) return "The plans are equal\n";
  return differences
    .map(({ path, before, after }) => {
      if (before === undefined) return `+ ${path}: ${after}\n`;
      if (after === undefined) return `- ${path}: ${before}\n`;
      return `~ ${path}: ${before} -> ${after}\n`;
    })
    .join("");
}
