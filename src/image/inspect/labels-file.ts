/** Labels of a `labels.json`, and what is wrong with it, if anything: a clause without subject. */
export interface LabelsFile {
  readonly labels: ReadonlyMap<string, string>;
  readonly problem: string | undefined;
}

/**
 * Reads a `labels.json`: one JSON object of texts. As in the reference tool a value of another type
 * is an empty text (with a problem, unless it is null), and broken JSON has no labels.
 */
export function parseLabelsFile(bytes: Uint8Array): LabelsFile {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { labels: new Map(), problem: `it is not valid JSON (${why})` };
  }
  if (value === null) return { labels: new Map(), problem: undefined };
  if (typeof value !== "object" || Array.isArray(value)) {
    return { labels: new Map(), problem: `it holds ${kindOf(value)}, not an object` };
  }
  const labels = new Map<string, string>();
  let problem: string | undefined;
  for (const [key, label] of Object.entries(value)) {
    labels.set(key.toWellFormed(), typeof label === "string" ? label.toWellFormed() : "");
    if (typeof label === "string" || label === null) continue;
    problem ??= `the value of "${key.toWellFormed()}" is ${kindOf(label)}, not a text`;
  }
  return { labels, problem };
}

/** The kind of a JSON value, with its article. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  return typeof value === "string" ? "a text" : `a ${typeof value}`;
}
