/*
 * Provenance of an image as an in-toto statement (SLSA provenance, version 1):
 *
 *   { _type, subject: [{ name, digest }], predicateType,
 *     predicate: { buildDefinition: { buildType, externalParameters, resolvedDependencies },
 *                  runDetails: { builder, metadata } } }
 */

/** Name of the SIF object. */
export const PROVENANCE_NAME: string = "provenance.intoto.json";

export interface ProvenanceInput {
  /** What is described: the root partition, by its SHA-256 in hexadecimal. */
  readonly subject: { readonly name: string; readonly sha256: string };
  /** SHA-256 of the definition; absent when the image holds none. */
  readonly definitionSha256?: string;
  /** The builder's own record of inputs, as the image has it. */
  readonly record?: Readonly<Record<string, unknown>>;
  /** Program that made the statement: `skiff 0.1.0`. */
  readonly maker: string;
  /** Time of the statement, RFC 3339. */
  readonly at: string;
}

/** The statement as compact JSON. */
export function renderProvenance(input: ProvenanceInput): string {
  const { subject, definitionSha256, record, maker, at } = input;
  return JSON.stringify({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: subject.name, digest: { sha256: subject.sha256 } }],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "urn:skiff:sif-build:1",
        externalParameters: {
          ...(definitionSha256 === undefined
            ? {}
            : { definition: { digest: { sha256: definitionSha256 } } }),
          ...(record === undefined ? {} : { flags: record["flags"], arch: record["arch"] }),
        },
        internalParameters: record === undefined ? {} : { tools: record["tools"] },
        resolvedDependencies: dependencies(record?.["steps"]),
      },
      runDetails: {
        builder: { id: `urn:skiff:builder:${String(record?.["program"] ?? "unknown")}` },
        metadata: { finishedOn: at },
        byproducts: [{ name: "statement", annotations: { maker } }],
      },
    },
  });
}

/** Inputs of steps, each with what it is called there; those that are digests as such. */
function dependencies(steps: unknown): readonly object[] {
  if (!Array.isArray(steps)) return [];
  const found: object[] = [];
  for (const step of steps as readonly { readonly title?: unknown; readonly inputs?: unknown }[]) {
    const { inputs } = step;
    if (typeof inputs !== "object" || inputs === null) continue;
    for (const [name, value] of Object.entries(inputs)) {
      const [, sha256] = /^(?:sha256:)?([0-9a-f]{64})$/.exec(String(value)) ?? [];
      found.push({
        name: `${String(step.title)}: ${name}`,
        ...(sha256 === undefined ? { annotations: { value } } : { digest: { sha256 } }),
      });
    }
  }
  return found;
}
