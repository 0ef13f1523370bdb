import { type Measured, summary } from "./sample.ts";

/** A bound on a contender's wall time: at most `most` times that of another in the same case. */
export interface Bound {
  readonly contender: string;
  readonly against: string;
  readonly most: number;
}

/** Contenders that did the same, and what is expected of them. */
export interface CaseResult {
  readonly title: string;
  readonly measured: readonly Measured[];
  readonly bounds: readonly Bound[];
  /** Further findings, one line each, such as the sizes of what was made. */
  readonly notes: readonly string[];
}

/** How a bound turned out. */
export interface Verdict extends Bound {
  /** NaN when one of the two could not run. */
  readonly ratio: number;
}

/** The ratio behind every bound of a case. */
export function verdicts(result: CaseResult): readonly Verdict[] {
  const wall = (name: string): number =>
    summary(result.measured.find((m) => m.contender.name === name)?.samples ?? []).wallMs;
  return result.bounds.map((bound) => ({
    ...bound,
    ratio: wall(bound.contender) / wall(bound.against),
  }));
}

const number = (value: number): string =>
  Number.isNaN(value) ? "-" : value.toFixed(value < 100 ? 2 : 0);

function verdictText(verdict: Verdict): string {
  const bound = `${number(verdict.ratio)} of ${verdict.against} (at most ${number(verdict.most)})`;
  if (Number.isNaN(verdict.ratio)) return `? of ${verdict.against}`;
  return verdict.ratio <= verdict.most ? bound : `${bound} MISSED`;
}

/** The one table: a Markdown table, columns aligned, a section per case. */
export function renderTable(results: readonly CaseResult[]): string {
  const head = [
    "case",
    "contender",
    "wall ms",
    "user+sys",
    "with servers",
    "peak MB",
    "wall against",
  ];
  const rows = results.flatMap((result) => [
    ...result.measured.map(({ contender, samples, failure }, at) => {
      const title = at === 0 ? result.title : "";
      if (failure !== undefined) return [title, contender.name, "-", "-", "-", "-", failure];
      const s = summary(samples);
      const against = verdicts(result).filter((v) => v.contender === contender.name);
      const left = s.left > 0 ? [`${s.left} processes left behind`] : [];
      return [
        ...[title, contender.name, number(s.wallMs), number(s.cpuMs), number(s.allCpuMs)],
        ...[number(s.peakMb), [...against.map(verdictText), ...left].join("; ")],
      ];
    }),
    ...result.notes.map((note, at) => {
      const title = at === 0 && result.measured.length === 0 ? result.title : "";
      return [title, "", "", "", "", "", note];
    }),
  ]);
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? "").length)),
  );
  const isNumber = (column: number): boolean => column >= 2 && column <= 5;
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, c) => (isNumber(c) ? cell.padStart(widths[c] ?? 0) : cell.padEnd(widths[c] ?? 0))).join(" | ")} |`;
  const rule = widths.map((width, c) =>
    isNumber(c) ? `${"-".repeat(width - 1)}:` : "-".repeat(width),
  );
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
