import { expect, test } from "bun:test";
import { progressEvents } from "./progress-events.ts";

test("progressEvents() tells start, progress now and then, and the end once", () => {
  const lines: string[] = [];
  const clock = { ms: 0 };
  const { start } = progressEvents({ write: (text) => lines.push(text), now: () => clock.ms });
  const one = start('a "title"', 1000);
  const two = start("other", undefined);
  for (let at = 1; at <= 1000; at += 1) {
    clock.ms += 1;
    one.update(at);
  }
  one.finish();
  one.update(5);
  one.finish();
  const part = two.part("layer", 5);
  part.finish();
  two.finish();
  expect(lines.every((line) => line.endsWith("}\n"))).toBe(true);
  const events = lines.map((line) => JSON.parse(line));
  expect(events[0]).toEqual({ event: "start", step: 1, title: 'a "title"', total: 1000 });
  expect(events[1]).toEqual({ event: "start", step: 2, title: "other", total: null });
  expect(events.filter(({ event }) => event === "progress").length).toBe(5);
  expect(events.slice(-4)).toEqual([
    { event: "end", step: 1, done: 1000 },
    { event: "start", step: 3, of: 2, title: "layer", total: 5 },
    { event: "end", step: 3, done: 0 },
    { event: "end", step: 2, done: 0 },
  ]);
});
