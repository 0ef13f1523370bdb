import { formatBytes, formatSeconds } from "./_quantity.ts";

/** The rate looks back over about this time, so that it follows a change of speed. */
const RATE_WINDOW_MS = 3000;
const SHORTEST_TITLE = 12;

/** The line of one step: title, amount, share, rate and time left. */
export class ProgressLine {
  readonly #title: string;
  readonly #total: number | undefined;
  readonly #startMs: number;
  #done = 0;
  /** Where the rate is measured from. */
  #mark: { readonly ms: number; readonly done: number };
  #bytesPerMs = 0;

  constructor(title: string, total: number | undefined, nowMs: number) {
    this.#title = title;
    this.#total = total;
    this.#startMs = nowMs;
    this.#mark = { ms: nowMs, done: 0 };
  }

  update(done: number, nowMs: number): void {
    this.#done = done;
    const elapsed = nowMs - this.#mark.ms;
    const more = done - this.#mark.done;
    if (elapsed > 0) this.#bytesPerMs = more / elapsed;
    if (elapsed > RATE_WINDOW_MS) this.#mark = { ms: nowMs - elapsed / 2, done: done - more / 2 };
  }

  /** While it runs, in at most `width` characters if it can be. Without a total there is no time left to tell. */
  running(width: number): string {
    const [done, total, bytesPerMs] = [this.#done, this.#total, this.#bytesPerMs];
    const parts: string[] = [];
    if (total === undefined) {
      if (done > 0) parts.push(formatBytes(done));
    } else {
      const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
      parts.push(`${formatBytes(done)} / ${formatBytes(total)}`, `${Math.min(100, percent)}%`);
    }
    if (bytesPerMs > 0) {
      parts.push(`${formatBytes(bytesPerMs * 1000)}/s`);
      if (total !== undefined && total > done) {
        parts.push(`${formatSeconds((total - done) / bytesPerMs / 1000)} left`);
      }
    }
    return this.#beside(parts.join("  "), width);
  }

  /** At its end. */
  ended(nowMs: number, width: number): string {
    const amount = this.#done === 0 ? "" : `${formatBytes(this.#done)}  `;
    return this.#beside(`${amount}${formatSeconds((nowMs - this.#startMs) / 1000)}`, width);
  }

  /** The title before figures; a long one gives way to them. */
  #beside(figures: string, width: number): string {
    if (figures === "") return this.#title;
    const room = Math.max(SHORTEST_TITLE, width - figures.length - 2);
    const title = [...this.#title];
    const shown = title.length <= room ? this.#title : `${title.slice(0, room - 1).join("")}…`;
    return `${shown}  ${figures}`;
  }
}
