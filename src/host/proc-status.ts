/** What the launch needs of /proc/self/status. */
export interface ProcStatus {
  readonly umask: number | undefined;
  /** Permitted capabilities; bits 0 to 40, exact in a double. */
  readonly permitted: number;
  readonly bounding: number;
  readonly noNewPrivs: boolean;
  /** 0 none, 1 strict, 2 filter. */
  readonly seccomp: number;
}

/** The fields of /proc/self/status; a missing one counts as 0 (Umask: undefined, kernels before 4.7). */
export function parseProcStatus(text: string): ProcStatus {
  const umask = field(text, "Umask");
  return {
    umask: umask === undefined ? undefined : Number.parseInt(umask, 8),
    permitted: Number.parseInt(field(text, "CapPrm") ?? "0", 16),
    bounding: Number.parseInt(field(text, "CapBnd") ?? "0", 16),
    noNewPrivs: field(text, "NoNewPrivs") === "1",
    seccomp: Number(field(text, "Seccomp") ?? "0"),
  };
}

/** Value of `\nNAME:\tVALUE\n`. No regular expression: compiling one costs more than the search. */
function field(text: string, name: string): string | undefined {
  const at = text.indexOf(`\n${name}:`);
  if (at < 0) return undefined;
  const end = text.indexOf("\n", at + 1);
  return text.slice(at + name.length + 2, end < 0 ? undefined : end).trim();
}
