/** The name a user called the program by; it decides version text and names in messages. */
export type ProgramName = "skiff" | "singularity" | "apptainer";

/**
 * Version of each name. Callers of the two reference tools switch features on by these numbers:
 * Nextflow, Snakemake and cwltool ask for at least 1.0 of apptainer and 3.11 of singularity, spython
 * uses today's verbs only when it reads `version 3`.
 */
export const VERSIONS: Readonly<Record<ProgramName, string>> = {
  skiff: "0.1.0",
  apptainer: "1.5.3",
  singularity: "3.11.5",
};

/** How the program was called. */
export interface Called {
  readonly program: ProgramName;
  /** Words that count as if they stood first: the launch line of an image calls `run-singularity IMAGE`. */
  readonly implied: readonly string[];
}

/** Reads the name from argv[0], a path or a bare name; any unknown name is skiff. */
export function readProgramName(argv0: string): Called {
  const name = argv0.slice(argv0.lastIndexOf("/") + 1);
  if (name === "run-singularity") return { program: "skiff", implied: ["run"] };
  const isKnown = name === "singularity" || name === "apptainer";
  return { program: isKnown ? name : "skiff", implied: [] };
}
