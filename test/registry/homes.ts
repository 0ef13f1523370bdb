import { mkdirSync } from "node:fs";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";

/** Makes new homes of the ordinary user in a directory; each has its own cache and settings. */
export function homesIn(folder: string): () => string {
  let homes = 0;
  return () => {
    homes += 1;
    const home = `${folder}/home-${homes}`;
    mkdirSync(home);
    const user = ordinaryUser();
    if (isRoot && user !== undefined) Bun.spawnSync(["chown", `${user.uid}:${user.gid}`, home]);
    return home;
  };
}
