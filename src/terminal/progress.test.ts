import { describe, expect, test } from "bun:test";
import { formatBytes, formatSeconds } from "./_quantity.ts";
import { type ProgressOutput, progressSteps } from "./progress.ts";

function recorder(options: Partial<ProgressOutput> = {}) {
  const texts: string[] = [];
  const clock = { ms: 1000 };
  const output: ProgressOutput = {
    isTerminal: true,
    isQuiet: false,
    columns: 90,
    write: (text) => texts.push(text),
    now: () => clock.ms,
    ...options,
  };
  return { texts, clock, steps: progressSteps(output) };
}

/** What a terminal shows after some texts: lines, the cursor's own line last. */
function screen(texts: readonly string[]): readonly string[] {
  const lines = [""];
  let row = 0;
  const tokens = texts.join("").matchAll(/\x1b\[([0-9]*)([AJK])|\r|\n|[^\x1b\r\n]+/g);
  for (const [token, count, kind] of tokens) {
    if (token === "\n") lines[++row] ??= "";
    else if (kind === "A") row -= Number(count);
    else if (kind === "J") lines.length = row + 1;
    else if (kind === undefined && token !== "\r") lines[row] = token;
    if (kind === "J") lines[row] = "";
  }
  return lines;
}

describe("progressSteps() on a terminal", () => {
  test("shows amount, share, rate and time left in one line", () => {
    const { texts, clock, steps } = recorder();
    const progress = steps.start("Fetching tools.sif", 100 * 1024 * 1024);
    clock.ms += 1000;
    progress.update(25 * 1024 * 1024);
    const line = "Fetching tools.sif  25.0 MiB / 100 MiB  25%  25.0 MiB/s  3s left";
    expect(screen(texts)).toEqual([line, ""]);
    clock.ms += 1000;
    progress.finish();
    expect(screen(texts)).toEqual(["Fetching tools.sif  25.0 MiB  2s", ""]);
  });

  test("shows parts above their whole while they run", () => {
    const { texts, clock, steps } = recorder();
    const whole = steps.start("whole", 2048);
    const parts = [whole.part("one", 1024), whole.part("two", 1024)];
    clock.ms += 1000;
    parts[0]?.update(512);
    clock.ms += 1000;
    whole.update(512);
    expect(screen(texts).map((line) => line.split("  ")[0])).toEqual(["one", "two", "whole", ""]);
    expect(screen(texts)[0]).toContain("512 B / 1.00 KiB  50%");
    parts[0]?.finish();
    expect(screen(texts).map((line) => line.split("  ")[0])).toEqual(["two", "whole", ""]);
    parts[1]?.finish();
    whole.finish();
    expect(screen(texts)).toEqual(["whole  512 B  2s", ""]);
  });

  test("writes messages above the lines", () => {
    const { texts, clock, steps } = recorder();
    const progress = steps.start("one", undefined);
    steps.aside(() => texts.push("a message\n"));
    clock.ms += 1000;
    progress.update(2048);
    expect(screen(texts)).toEqual(["a message", "one  2.00 KiB  2.00 KiB/s", ""]);
    progress.finish();
    steps.aside(() => texts.push("the last\n"));
    expect(screen(texts)).toEqual(["a message", "one  2.00 KiB  1s", "the last", ""]);
  });

  test("follows a change of speed", () => {
    const { texts, clock, steps } = recorder();
    const progress = steps.start("x", undefined);
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
    const { texts, clock, steps } = recorder();
    const progress = steps.start("x", 1000);
    for (let at = 1; at <= 1000; at += 1) {
      clock.ms += 1;
      progress.update(at);
    }
    expect(texts.length).toBeLessThanOrEqual(11);
    expect(texts.length).toBeGreaterThan(5);
  });

  test("shortens a long title before its figures", () => {
    const { texts, clock, steps } = recorder({ columns: 60 });
    const progress = steps.start("Fetching 12 layers of docker://registry.example.org/tool", 2048);
    clock.ms += 1000;
    progress.update(1024);
    const [line = ""] = screen(texts);
    expect(line).toMatch(/^Fetching.*… {2}1\.00 KiB .*left$/);
    expect(line.length).toBe(59);
  });

  test("cuts at the width of the terminal, by characters", () => {
    const { texts, steps } = recorder({ columns: 10 });
    steps.start("äöüäöüäöüäöü", undefined);
    expect(screen(texts)).toEqual(["äöüäöüäöü", ""]);
  });

  test("does nothing after its end", () => {
    const { texts, clock, steps } = recorder();
    const progress = steps.start("x", undefined);
    progress.finish();
    const count = texts.length;
    clock.ms += 1000;
    progress.update(5);
    progress.finish();
    expect(texts.length).toBe(count);
  });

  test("survives a total of zero", () => {
    const { texts, steps } = recorder();
    steps.start("x", 0);
    expect(texts.at(-1)).toContain("100%");
  });
});

test("progressSteps() writes one line for a step where there is no terminal", () => {
  const { texts, clock, steps } = recorder({ isTerminal: false });
  const progress = steps.start("Fetching tools.sif", 1536);
  clock.ms += 5000;
  progress.part("a layer", 1000).update(1000);
  progress.finish();
  steps.aside(() => texts.push("message\n"));
  expect(texts).toEqual(["INFO:    Fetching tools.sif (1.50 KiB)\n", "message\n"]);
});

test("progressSteps() writes nothing when quiet", () => {
  const { texts, steps } = recorder({ isQuiet: true });
  const progress = steps.start("x", 1);
  progress.part("y", 1).update(1);
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
