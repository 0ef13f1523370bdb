import { expect, test } from "bun:test";
import { runChild } from "./child.ts";
import { descendantsOf, isAlive } from "./kill-tree.ts";

test("stopping ends a program with its descendants, even those that ignore SIGTERM", async () => {
  const stop = new AbortController();
  const argv = ["/bin/sh", "-c", "(trap '' TERM; sleep 300 & wait) & sleep 300 & wait"];
  const done = runChild({
    argv,
    stdin: "none",
    stdout: "drop",
    stderr: "keep",
    signal: stop.signal,
  });
  let pids: readonly number[] = [];
  while (pids.length < 4) {
    await Bun.sleep(20);
    pids = descendantsOf(process.pid);
  }
  stop.abort(new Error("stopped"));
  expect(done).rejects.toThrow("stopped");
  await done.catch(() => undefined);
  await Bun.sleep(50);
  expect(pids.filter(isAlive)).toEqual([]);
});
