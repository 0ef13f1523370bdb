import { ProgressLine } from "./_progress-line.ts";
import { formatBytes } from "./_quantity.ts";

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
  /** Shows a part of the step beside the whole. */
  part(title: string, total: number): Progress;
  /** Ends the step; nothing is shown of it afterwards. */
  finish(): void;
}

/** All steps of one command. */
export interface ProgressSteps {
  /** Begins a step; without `total` (bytes) there is no time left to tell. */
  start(title: string, total: number | undefined): Progress;
  /** Lets a message be written, so that it does not stand in the middle of a line. */
  aside(write: () => void): void;
}

const REDRAW_MS = 100;
/** More lines at a time would leave a small terminal. */
const MOST_LINES = 10;

const SILENT: Progress = { update: () => {}, part: () => SILENT, finish: () => {} };

/**
 * Shows steps: on a terminal a line for each step and part that runs, drawn again and again, with
 * amount, rate and time left; elsewhere one line when a step starts; nothing when quiet.
 */
export function progressSteps(output: ProgressOutput): ProgressSteps {
  const aside = (write: () => void): void => write();
  if (output.isQuiet) return { start: () => SILENT, aside };
  if (output.isTerminal) return new Board(output);
  return {
    start: (title, total) => {
      const size = total === undefined ? "" : ` (${formatBytes(total)})`;
      output.write(`INFO:    ${title}${size}\n`);
      return SILENT;
    },
    aside,
  };
}

/**
 * Lines at the bottom of a terminal. The cursor waits at the start of the line below them; a line that
 * has ended is written once more above those that go on, and then left alone.
 */
class Board implements ProgressSteps {
  readonly #output: ProgressOutput;
  #live: readonly ProgressLine[] = [];
  #ended: string[] = [];
  /** Lines on the screen that may be drawn over. */
  #shown = 0;
  #drawnMs = Number.NEGATIVE_INFINITY;

  constructor(output: ProgressOutput) {
    this.#output = output;
  }

  start(title: string, total: number | undefined): Progress {
    const line = this.#add(title, total, this.#live.length);
    return this.#handle(line, true);
  }

  aside(write: () => void): void {
    if (this.#shown > 0) this.#output.write(`\x1b[${this.#shown}A\r\x1b[J`);
    this.#shown = 0;
    write();
    this.#draw();
  }

  #add(title: string, total: number | undefined, at: number): ProgressLine {
    const line = new ProgressLine(title, total, this.#output.now());
    this.#live = this.#live.toSpliced(at, 0, line);
    this.#draw();
    return line;
  }

  /** `stays`: its line remains when it has ended. */
  #handle(line: ProgressLine, stays: boolean): Progress {
    return {
      update: (done) => {
        const now = this.#output.now();
        line.update(done, now);
        if (now - this.#drawnMs >= REDRAW_MS && this.#live.includes(line)) this.#draw();
      },
      // Parts stand above their whole.
      part: (title, total) =>
        this.#handle(this.#add(title, total, Math.max(0, this.#live.indexOf(line))), false),
      finish: () => {
        if (!this.#live.includes(line)) return;
        this.#live = this.#live.filter((one) => one !== line);
        if (stays) this.#ended.push(line.ended(this.#output.now(), this.#width));
        this.#draw();
      },
    };
  }

  get #width(): number {
    return this.#output.columns - 1;
  }

  #draw(): void {
    this.#drawnMs = this.#output.now();
    const live = this.#live.slice(-MOST_LINES).map((line) => line.running(this.#width));
    const text = [...this.#ended, ...live].map((line) => {
      const fitting = [...line].slice(0, this.#width).join("");
      return `${fitting}\x1b[K\n`;
    });
    const back = this.#shown > 0 ? `\x1b[${this.#shown}A` : "";
    const rest = this.#shown > text.length ? "\x1b[J" : "";
    this.#ended = [];
    this.#shown = live.length;
    if (back !== "" || text.length > 0) this.#output.write(`${back}${text.join("")}${rest}`);
  }
}
