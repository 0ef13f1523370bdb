import type { Progress, ProgressSteps } from "./progress.ts";

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
 *   {"event":"start","step":2,"of":1,"title":"layer …","total":524288}     a part of step 1
 *   {"event":"progress","step":1,"done":65536}            at most five times a second
 *   {"event":"end","step":1,"done":1048576}
 *
 * `total` is null where it is not known.
 */
export function progressEvents(output: EventOutput): ProgressSteps {
  let steps = 0;
  const start = (title: string, total: number | undefined, of?: number): Progress => {
    steps += 1;
    const step = steps;
    let done = 0;
    let toldMs = output.now();
    let isOver = false;
    const tell = (event: string, more: object): void =>
      output.write(`${JSON.stringify({ event, step, ...more })}\n`);
    tell("start", { ...(of === undefined ? {} : { of }), title, total: total ?? null });
    return {
      update: (now) => {
        done = now;
        if (isOver || output.now() - toldMs < INTERVAL_MS) return;
        toldMs = output.now();
        tell("progress", { done });
      },
      part: (partTitle, partTotal) => start(partTitle, partTotal, step),
      finish: () => {
        if (isOver) return;
        isOver = true;
        tell("end", { done });
      },
    };
  };
  return { start: (title, total) => start(title, total), aside: (write) => write() };
}
