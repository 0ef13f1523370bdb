import { describe, expect, test } from "bun:test";
import { formatBytes, formatSeconds } from "./_quantity.ts";
import { type ProgressOutput, startProgress } from "./progress.ts";

function recorder(options: Partial<ProgressOutput> = {}) {
  const texts: string[] = [];
  const clock = { ms: 1000 };
  const output: ProgressOutput = {
    isTerminal: true,
    isQuiet: false,
    columns: 80,
    write: (text) => texts.push(text),
    now: () => clock.ms,
    ...options,
  };
  return { texts, clock, output };
}

describe("startProgress() on a terminal", () => {
  test("shows amount, share, rate and time left in one line", () => {
    const { texts, clock, output } = recorder();
    const progress = startProgress(output, "Fetching tools.sif", 100 * 1024 * 1024);
    clock.ms += 1000;
    progress.update(25 * 1024 * 1024);
    expect(texts.at(-1)).toBe(
      "\rFetching tools.sif  25.0 MiB / 100 MiB  25%  25.0 MiB/s  3s left\x1b[K",
    );
    clock.ms += 1000;
    progress.finish("done");
    expect(texts.slice(-2)).toEqual(["\rFetching tools.sif  25.0 MiB  2s  done\x1b[K", "\n"]);
  });

  test("follows a change of speed", () => {
    const { texts, clock, output } = recorder();
    const progress = startProgress(output, "x", undefined);
    let done = 0;
    for (let at = 0; at < 40; at += 1) {
      clock.ms += 250;
      done += at < 20 ? 1024 * 1024 : 1024;
      progress.update(done);
    }
    const rate = /([0-9.]+) KiB\/s/.exec(texts.at(-1) ?? "")?.[1];
    expect(Number(rate)).toBeLessThan(600);
  });

  test("draws at most ten times a second", () => {
    const { texts, clock, output } = recorder();
    const progress = startProgress(output, "x", 1000);
    for (let at = 1; at <= 1000; at += 1) {
      clock.ms += 1;
      progress.update(at);
    }
    expect(texts.length).toBeLessThanOrEqual(11);
    expect(texts.length).toBeGreaterThan(5);
  });

  test("cuts at the width of the terminal, by characters", () => {
    const { texts, output } = recorder({ columns: 10 });
    startProgress(output, "äöüäöüäöüäöü", undefined);
    expect(texts).toEqual(["\räöüäöüäöü\x1b[K"]);
  });

  test("does nothing after its end", () => {
    const { texts, clock, output } = recorder();
    const progress = startProgress(output, "x", undefined);
    progress.clear();
    const count = texts.length;
    clock.ms += 1000;
    progress.update(5);
    progress.finish();
    expect(texts.length).toBe(count);
    expect(texts.at(-1)).toBe("\r\x1b[K");
  });

  test("tells no time left without a total, and survives a total of zero", () => {
    const { texts, clock, output } = recorder();
    startProgress(output, "x", 0);
    expect(texts.at(-1)).toContain("100%");
    const progress = startProgress(output, "y", undefined);
    clock.ms += 1000;
    progress.update(2048);
    expect(texts.at(-1)).toBe("\ry  2.00 KiB  2.00 KiB/s\x1b[K");
  });
});

test("startProgress() writes one line for a step where there is no terminal", () => {
  const { texts, clock, output } = recorder({ isTerminal: false });
  const progress = startProgress(output, "Fetching tools.sif", 1536);
  clock.ms += 5000;
  progress.update(1000);
  progress.finish();
  expect(texts).toEqual(["INFO:    Fetching tools.sif (1.50 KiB)\n"]);
});

test("startProgress() writes nothing when quiet", () => {
  const { texts, output } = recorder({ isQuiet: true });
  const progress = startProgress(output, "x", 1);
  progress.update(1);
  progress.finish();
  expect(texts).toEqual([]);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "0.98 KiB"],
  [1024, "1.00 KiB"],
  [10 * 1024, "10.0 KiB"],
  [100 * 1024, "100 KiB"],
  [1023 * 1024, "1.00 MiB"],
  [2 ** 50, "1.00 PiB"],
  [2 ** 60, "1024 PiB"],
])("formatBytes(%d) is %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [-1, "0s"],
  [0.2, "1s"],
  [59, "59s"],
  [59.5, "1m00s"],
  [185, "3m05s"],
  [3600, "1h00m"],
  [7380, "2h03m"],
])("formatSeconds(%d) is %s", (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});
