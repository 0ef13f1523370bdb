import { readdirSync, rmSync } from "node:fs";
import type { Place } from "../test/support/place.ts";

/** Allocated bytes of the directories of runs; files that vanish meanwhile do not matter. */
async function allocated(place: Place): Promise<number> {
  const child = Bun.spawn(["sh", "-c", `du -s -B1 ${place.outside}/run.* 2>/dev/null | cut -f1`], {
    stdout: "pipe",
  });
  const text = await child.stdout.text();
  return text.split("\n").reduce((sum, line) => sum + Number(line), 0);
}

/** Most bytes that a command of the place's script `once` had on disk beyond those that stayed in the end. */
export async function peakBytes(place: Place, argv: readonly string[]): Promise<number> {
  for (const name of readdirSync(place.outside)) {
    if (name.startsWith("run.")) rmSync(`${place.outside}/${name}`, { recursive: true });
  }
  let isOver = false;
  let peak = 0;
  const running = place.run(argv, { timeoutMs: 900_000 }).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    peak = Math.max(peak, await allocated(place));
    await Bun.sleep(50);
  }
  const done = await running;
  if (done.code !== 0) throw new Error(`${argv.join(" ")} failed: ${done.stderr}`);
  return Math.max(0, peak - (await allocated(place)));
}
