import { noFuse, noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { firstReason } from "../support/skip.ts";
import type { CallerLab } from "./caller-lab.ts";

const APPLETS =
  "sh ash awk basename cat chmod cmp cp cut date dirname echo env expr false find grep head id ip " +
  "kill ls mkdir mktemp mv nproc od printf ps pwd readlink rm sed seq sleep sort stat tail tee test " +
  "touch tr true uname wc xargs";

/** Why no small image can be built and run here, or undefined. */
export function noSmallImage(): string | undefined {
  return firstReason(
    noUserNamespaces(),
    noFuse(),
    ...["busybox", "bash-static", "mksquashfs", "squashfuse_ll"].map(noTool),
  );
}

/** A definition file without a network: busybox and a static bash, with empty /usr, /lib and /lib64. */
export function smallDefinition(sections = ""): string {
  return `Bootstrap: scratch

%setup
    cd "$APPTAINER_ROOTFS"
    mkdir -p bin etc home lib lib64 mnt opt root srv tmp usr var/tmp
    for name in ${APPLETS}; do ln -s busybox bin/$name; done
    echo 'root:x:0:0:root:/root:/bin/sh' >etc/passwd
    echo 'root:x:0:' >etc/group
    cp "$(command -v busybox)" bin/busybox
    cp "$(command -v bash-static)" bin/bash
${sections}`;
}

/** Builds NAME in the lab from the small definition and further sections. */
export async function buildSmallImage(
  lab: CallerLab,
  name: string,
  sections?: string,
): Promise<string> {
  const definition = lab.write(`${name}.def`, smallDefinition(sections));
  const built = await lab.run(["apptainer", "build", "--force", `${lab.dir}/${name}`, definition]);
  if (built.code !== 0) throw new Error(`Cannot build ${name}: ${built.stderr}`);
  return `${lab.dir}/${name}`;
}
