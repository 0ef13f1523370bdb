import { formatBytes, formatSeconds } from "./_quantity.ts";

/** Where progress is shown. */
export interface ProgressOutput {
  readonly isTerminal: boolean;
  /** Nothing at all is written. */
  readonly isQuiet: boolean;
  /** Characters in a line of the terminal. */
  readonly columns: number;
  write(text: string): void;
  /** Milliseconds that only grow. */
  now(): number;
}

/** One step that takes time. */
export interface Progress {
  /** Bytes (or whatever is counted) done so far. */
  update(done: number): void;
  /** Ends the step; nothing is shown afterwards. `note` is added to its line. */
  finish(note?: string): void;
  /** Ends the step and takes its line away, so that a message can follow. */
  clear(): void;
}

const REDRAW_MS = 100;
/** The rate looks back over about this time, so that it follows a change of speed. */
const RATE_WINDOW_MS = 3000;

/**
 * Shows a step: on a terminal one line that is drawn again and again, with amount, rate and time
 * left; elsewhere one line when it starts; nothing when quiet. Without `total` (bytes) there is no
 * time left to tell.
 */
export function startProgress(
  output: ProgressOutput,
  title: string,
  total: number | undefined,
): Progress {
  if (output.isQuiet) return SILENT;
  if (!output.isTerminal) {
    const size = total === undefined ? "" : ` (${formatBytes(total)})`;
    output.write(`INFO:    ${title}${size}\n`);
    return SILENT;
  }
  return new ProgressLine(output, title, total);
}

const SILENT: Progress = { update: () => {}, finish: () => {}, clear: () => {} };

class ProgressLine implements Progress {
  readonly #output: ProgressOutput;
  readonly #title: string;
  readonly #total: number | undefined;
  readonly #startMs: number;
  #drawnMs = Number.NEGATIVE_INFINITY;
  #done = 0;
  #isOver = false;
  /** Where the rate is measured from. */
  #mark: { readonly ms: number; readonly done: number };
  #bytesPerMs = 0;

  constructor(output: ProgressOutput, title: string, total: number | undefined) {
    this.#output = output;
    this.#title = title;
    this.#total = total;
    this.#startMs = output.now();
    this.#mark = { ms: this.#startMs, done: 0 };
    this.update(0);
  }

  update(done: number): void {
    if (this.#isOver) return;
    this.#done = done;
    const now = this.#output.now();
    const elapsed = now - this.#mark.ms;
    if (elapsed > 0) this.#bytesPerMs = (done - this.#mark.done) / elapsed;
    if (elapsed > RATE_WINDOW_MS)
      this.#mark = { ms: now - elapsed / 2, done: done - (done - this.#mark.done) / 2 };
    if (now - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = now;
    this.#draw(formatState(this.#title, done, this.#total, this.#bytesPerMs));
  }

  finish(note?: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const seconds = (this.#output.now() - this.#startMs) / 1000;
    const amount = this.#done === 0 ? "" : `  ${formatBytes(this.#done)}`;
    const end = note === undefined ? "" : `  ${note}`;
    this.#draw(`${this.#title}${amount}  ${formatSeconds(seconds)}${end}`);
    this.#output.write("\n");
  }

  clear(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#draw("");
  }

  #draw(text: string): void {
    const fitting = [...text].slice(0, this.#output.columns - 1).join("");
    // Back to the first column, the text, and the rest of the old line away.
    this.#output.write(`\r${fitting}\x1b[K`);
  }
}

function formatState(
  title: string,
  done: number,
  total: number | undefined,
  bytesPerMs: number,
): string {
  const parts = [title];
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
  return parts.join("  ");
}
