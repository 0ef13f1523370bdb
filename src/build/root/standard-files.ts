import { ENVIRONMENT_HEADER, STANDARD_SCRIPTS } from "../../plan/env/standard-scripts.ts";

/** A file that every image has. */
export interface StandardFile {
  readonly path: string;
  readonly mode: number;
  readonly content: string;
}

const script = (path: string, content: string): StandardFile => ({ path, mode: 0o755, content });

/** All of them, in the order they are written. */
export const STANDARD_FILES: readonly StandardFile[] = [
  { path: "/etc/hosts", mode: 0o644, content: "" },
  { path: "/etc/resolv.conf", mode: 0o644, content: "" },
  ...STANDARD_SCRIPTS.map(({ path, text }) => script(path, text)),
  script("/.singularity.d/env/90-environment.sh", ENVIRONMENT_HEADER),
  script("/.singularity.d/startscript", "#!/bin/sh\n"),
];
