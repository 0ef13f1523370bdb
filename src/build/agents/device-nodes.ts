import { mkdirSync, writeFileSync } from "node:fs";
import { runChild } from "../child.ts";
import type { Stage } from "../stage.ts";

const NODES = [
  ["null", 1, 3],
  ["zero", 1, 5],
  ["random", 1, 8],
  ["urandom", 1, 9],
] as const;

/**
 * Runs `work` while the root has the devices that scripts of packages write to. Only the real root may
 * make them; elsewhere the host's are mounted over empty files, as long as `work` takes.
 */
export async function withDevices(stage: Stage, work: () => Promise<void>): Promise<void> {
  const folder = `${stage.root}/dev`;
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const bound: string[] = [];
  const run = async (argv: readonly string[]): Promise<boolean> => {
    const { signal } = stage.ports;
    const end = await runChild({ argv, stdin: "none", stdout: "drop", stderr: "keep", signal });
    return end.status === 0;
  };
  try {
    for (const [name, major, minor] of NODES) {
      const path = `${folder}/${name}`;
      if (await run(["mknod", "-m", "666", path, "c", String(major), String(minor)])) continue;
      writeFileSync(path, "");
      if (await run(["mount", "--bind", `/dev/${name}`, path])) bound.push(path);
    }
    await work();
  } finally {
    for (const path of bound) await run(["umount", path]);
  }
}
