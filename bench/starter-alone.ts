import { chmodSync, copyFileSync, mkdirSync, renameSync } from "node:fs";
import type { Place } from "../test/support/place.ts";
import { treeRoot } from "../test/support/tree.ts";

/**
 * The command line that does `skiff exec IMAGE true` with the starter alone: the operations of that
 * launch, written down once by a copy of skiff whose starter is bench/record-ops.c, and fed again.
 * Undefined when the launch could not be written down.
 */
export async function starterAlone(
  place: Place,
  image: string,
  name: string,
): Promise<readonly string[] | undefined> {
  const directory = `alone-${name}`;
  const outside = `${place.outside}/${directory}`;
  mkdirSync(`${outside}/libexec/skiff`, { recursive: true });
  const put = (from: string, to: string): void => {
    copyFileSync(from, `${outside}/${to}`);
    chmodSync(`${outside}/${to}`, 0o755);
  };
  put(`${place.outside}/skiff`, "skiff");
  put(`${treeRoot}/build/bench/record-ops`, "libexec/skiff/starter");
  put(`${treeRoot}/dist/libexec/skiff/bash`, "libexec/skiff/bash");
  put(`${treeRoot}/build/bench/feed`, "feed");
  chmodSync(`${outside}/libexec/skiff`, 0o777);
  const inside = `${place.inside}/${directory}`;
  const recorded = await place.run([`${inside}/skiff`, "exec", image, "true"]);
  if (recorded.code !== 0) return undefined;
  const base = `${inside}/libexec/skiff/starter`;
  renameSync(`${outside}/libexec/skiff/starter`, `${outside}/libexec/skiff/recorder`);
  put(`${treeRoot}/dist/libexec/skiff/starter`, "libexec/skiff/starter");
  return [`${inside}/feed`, base, base];
}
