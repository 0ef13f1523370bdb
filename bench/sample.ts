import type { Place } from "../test/support/place.ts";

/** A command line that is measured against others. */
export interface Contender {
  readonly name: string;
  /** As seen inside the place. */
  readonly argv: readonly string[];
}

/** What one run cost. */
export interface Sample {
  readonly wallMs: number;
  /** User and system time of the program and the children it waited for. */
  readonly cpuMs: number;
  /** The same with what it left running behind (a FUSE server). */
  readonly allCpuMs: number;
  /** Largest resident set of one process. */
  readonly peakMb: number;
  /** How long what it left behind outlived it. */
  readonly lingerMs: number;
  /** How many processes had to be killed because they did not end. */
  readonly left: number;
}

/** All runs of a contender, or why it could not run. */
export interface Measured {
  readonly contender: Contender;
  readonly samples: readonly Sample[];
  readonly failure: string | undefined;
}

/** How often: `rounds` count, `warmup` do not; `jobs` copies at the same time are one run. */
export interface Repeats {
  readonly rounds: number;
  readonly warmup: number;
  readonly jobs: number;
}

function parseSample(fields: readonly number[]): Sample {
  const [, , wallNs = 0, cpuUs = 0, allCpuUs = 0, peakKb = 0, lingerUs = 0, left = 0] = fields;
  return {
    wallMs: wallNs / 1e6,
    cpuMs: cpuUs / 1e3,
    allCpuMs: allCpuUs / 1e3,
    peakMb: peakKb / 1024,
    lingerMs: lingerUs / 1e3,
    left,
  };
}

/** Measures contenders in turns (bench/measure.c). One that fails is named and left out. */
export async function measure(
  place: Place,
  contenders: readonly Contender[],
  repeats: Repeats,
): Promise<readonly Measured[]> {
  const failures = new Map<Contender, string>();
  for (;;) {
    const able = contenders.filter((contender) => !failures.has(contender));
    const words = able.flatMap(({ argv }, at) => (at === 0 ? argv : ["---", ...argv]));
    const { rounds, warmup, jobs } = repeats;
    const done =
      able.length === 0
        ? { code: 0, stdout: "", stderr: "" }
        : await place.run(
            [`${place.inside}/measure`, `${rounds}`, `${warmup}`, `${jobs}`, ...words],
            {
              timeoutMs: 3_600_000,
            },
          );
    const lines = done.stdout.split("\n").filter((line) => line !== "");
    const failed = /^failed\t(\d+)$/.exec(lines.at(-1) ?? "");
    if (failed !== null) {
      const culprit = able[Number(failed[1])];
      const text = done.stderr.trim().split("\n").at(-1) ?? "";
      if (culprit !== undefined) failures.set(culprit, text === "" ? "it failed" : text);
      continue;
    }
    if (done.code !== 0) throw new Error(`measure failed: ${done.stderr}`);
    const records = lines.map((line) => line.split("\t").map(Number));
    return contenders.map((contender) => ({
      contender,
      failure: failures.get(contender),
      samples: records.filter(([at]) => able[at ?? -1] === contender).map(parseSample),
    }));
  }
}

/** The middle value; the mean of the two in the middle of an even number. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

/** Medians of everything; `left` is the sum. */
export function summary(samples: readonly Sample[]): Sample {
  const of = (key: keyof Sample): number => median(samples.map((sample) => sample[key]));
  return {
    wallMs: of("wallMs"),
    cpuMs: of("cpuMs"),
    allCpuMs: of("allCpuMs"),
    peakMb: of("peakMb"),
    lingerMs: of("lingerMs"),
    left: samples.reduce((sum, sample) => sum + sample.left, 0),
  };
}
