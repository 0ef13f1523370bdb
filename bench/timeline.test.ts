import { expect, test } from "bun:test";
import { mergeTraces, readTrace } from "./timeline.ts";

const trace = [
  '100 10.000000 execve("/bin/skiff", ["skiff"], 0x1 /* 2 vars */) = 0',
  "100 10.004000 unshare(CLONE_NEWNS|CLONE_NEWUSER) = 0",
  "101 10.004500 +++ exited with 0 +++",
  '100 10.005000 mount("proc", "/tmp/12345/proc", "proc", MS_NOSUID, NULL <unfinished ...>',
  "100 10.005500 <... mount resumed>) = 0",
  "100 10.006000 +++ exited with 0 +++",
].join("\n");

test("readTrace() gives the steps of the main process with the time before each", () => {
  const steps = readTrace(trace).map(({ call, ms }) => [call, Math.round(ms * 1000) / 1000]);
  expect(steps).toEqual([
    ["execve /bin/skiff", 0],
    ["unshare CLONE_NEWNS|CLONE_NEWUSER", 4],
    ["mount proc /tmp/N/proc MS_NOSUID", 1],
    ["end of the program", 1],
  ]);
});

test("mergeTraces() takes the median of the runs that did the same", () => {
  const run = (ms: number) => [{ call: "a", ms }];
  const merged = mergeTraces([run(1), run(9), run(2), [{ call: "b", ms: 5 }]]);
  expect(merged).toEqual([{ call: "a", ms: 2 }]);
});

test("mergeTraces() of no run is empty", () => {
  expect(mergeTraces([])).toEqual([]);
});
