import { copyFileSync, writeFileSync } from "node:fs";
import { treeRoot } from "../support/tree.ts";

/** The static shell that skiff carries: with it alone a root file system can run scripts. */
const SHELL = `${treeRoot}/dist/libexec/skiff/bash`;

/**
 * Writes a definition of a root that holds one static shell as /bin/sh, followed by `sections`, with
 * the shell beside it.
 *
 * @param outside directory to write into; `inside`: its path where the build runs.
 */
export function writeDefinition(
  outside: string,
  name: string,
  sections: string,
  inside: string = outside,
): void {
  copyFileSync(SHELL, `${outside}/static-shell`);
  const base = `Bootstrap: scratch\n\n%files\n    ${inside}/static-shell /bin/sh\n\n`;
  writeFileSync(`${outside}/${name}`, base + sections);
}
