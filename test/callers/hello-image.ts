import { readFileSync } from "node:fs";
import type { CallerLab } from "./caller-lab.ts";

const LAUNCH_LINE = "#!/usr/bin/env run-singularity\n";

/**
 * Writes an image of the 2.x series such as cwltool carries to try user namespaces with: the launch
 * line of 31 bytes and SquashFS behind it, together about 4 kB, with the scripts of that series but no
 * shell and no other program. `/env` is an empty file to bind a program on.
 */
export async function writeHelloImage(lab: CallerLab, name: string): Promise<string> {
  const made = await lab.sh(
    `set -e; mkdir -p hello/.singularity.d/env hello/proc hello/sys hello/dev hello/tmp hello/etc
     : >hello/env; cd hello/.singularity.d
     echo '#!/bin/sh' >env/01-base.sh; echo 'export HELLO="world"' >env/10-docker.sh
     printf '#!/bin/sh\\n\\nexec /env "$@"\\n' >runscript; chmod -R a+rx .; cd ../..
     mksquashfs hello hello.squashfs -all-root -noappend -no-progress -no-xattrs >/dev/null`,
  );
  if (made.code !== 0) throw new Error(`Cannot make ${name}: ${made.stderr}`);
  const squashfs = readFileSync(`${lab.dir}/hello.squashfs`);
  const line = new TextEncoder().encode(LAUNCH_LINE);
  const bytes = new Uint8Array(line.length + squashfs.length);
  bytes.set(line);
  bytes.set(squashfs, line.length);
  return lab.write(name, bytes, 0o755);
}
