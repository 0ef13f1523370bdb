import { LIMITS, NeedsShell } from "./needs-shell.ts";

/** Text that scripts wrote to one of the program's own descriptors, in order. */
export interface WrittenText {
  readonly stream: 1 | 2;
  readonly text: string;
}

/** Where a descriptor leads: to the outside, into a capture, or nowhere. */
export class Sink {
  readonly kind: "outside" | "capture" | "null";
  /** For a capture: what was written. */
  text = "";
  private readonly stream: 1 | 2;
  private readonly written: WrittenText[];

  constructor(
    kind: "outside" | "capture" | "null",
    stream: 1 | 2 = 1,
    written: WrittenText[] = [],
  ) {
    this.kind = kind;
    this.stream = stream;
    this.written = written;
  }

  write(text: string): void {
    if (text === "" || this.kind === "null") return;
    this.text += text;
    if (this.text.length > LIMITS.outputLength) throw new NeedsShell("prints more than the limit");
    if (this.kind === "outside") this.written.push({ stream: this.stream, text });
  }
}

/** Standard input held in memory. */
export class Input {
  private readonly text: string;
  private position = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Text up to `delimiter` (consumed, not included); `ended`: the input ran out before it. */
  readUntil(delimiter: string): { text: string; ended: boolean } {
    const end = this.text.indexOf(delimiter, this.position);
    const text = end < 0 ? this.text.slice(this.position) : this.text.slice(this.position, end);
    this.position = end < 0 ? this.text.length : end + delimiter.length;
    return { text, ended: end < 0 };
  }
}

/** The three standard descriptors of a command. `input` undefined: the program's own, which stays unread. */
export interface Streams {
  readonly input: Input | undefined;
  readonly output: Sink;
  readonly error: Sink;
}
