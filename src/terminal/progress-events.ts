import type { Progress } from "./progress.ts";

/** Where events go. */
export interface EventOutput {
  write(text: string): void;
  /** Milliseconds that only grow. */
  now(): number;
}

const INTERVAL_MS = 200;

/**
 * Steps as events for programs, one JSON object a line, each with the number of its step:
 *
 *   {"event":"start","step":1,"title":"Fetching …","total":1048576}
 *   {"event":"progress","step":1,"done":65536}            at most five times a second
 *   {"event":"end","step":1,"done":1048576}
 *
 * `total` is null where it is not known.
 */
export function progressEvents(
  output: EventOutput,
): (title: string, total: number | undefined) => Progress {
  let steps = 0;
  return (title, total) => {
    steps += 1;
    const step = steps;
    let done = 0;
    let toldMs = output.now();
    let isOver = false;
    const tell = (event: string, more: object): void =>
      output.write(`${JSON.stringify({ event, step, ...more })}\n`);
    tell("start", { title, total: total ?? null });
    const end = (note?: string): void => {
      if (isOver) return;
      isOver = true;
      tell("end", { done, ...(note === undefined ? {} : { note }) });
    };
    return {
      update: (now) => {
        done = now;
        if (isOver || output.now() - toldMs < INTERVAL_MS) return;
        toldMs = output.now();
        tell("progress", { done });
      },
      finish: end,
      clear: () => end(),
    };
  };
}
