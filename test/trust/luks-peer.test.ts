import { expect } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { notRoot } from "../support/host-lacks.ts";
import { run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";
import { inVirtualMachine, noVirtualMachine } from "../support/user-mode-linux.ts";

const dir = scratch();
const root = process.env["PEER_ROOT"] ?? "/opt/peer";
const WORD = "read-by-both";

const noPeer = existsSync(`${root}/usr/bin/apptainer`) ? undefined : `there is no peer in ${root}`;
const noCryptsetup = existsSync("/sbin/cryptsetup") ? undefined : "cryptsetup is not installed";

testUnless(firstReason(notRoot(), noVirtualMachine(), noPeer, noCryptsetup))(
  "images that root encrypts are started by apptainer, and those of apptainer by skiff",
  async () => {
    for (const name of ["bin", "etc", "proc", "sys", "dev", "tmp", "root"]) {
      mkdirSync(`${dir}/box/${name}`, { recursive: true });
    }
    copyFileSync(Bun.which("busybox") ?? "", `${dir}/box/bin/busybox`);
    for (const name of ["sh", "cat"]) symlinkSync("busybox", `${dir}/box/bin/${name}`);
    for (const name of ["passwd", "group"]) writeFileSync(`${dir}/box/etc/${name}`, "");
    writeFileSync(`${dir}/box/etc/word`, `${WORD}\n`);
    const at = { cwd: dir, as: "self" } as const;
    await run(["openssl", "genrsa", "-traditional", "-out", "key.pem", "2048"], at);
    await run(["openssl", "rsa", "-in", "key.pem", "-RSAPublicKey_out", "-out", "key.pub"], at);
    await run(["chmod", "-R", "a+rX", dir], at);
    // The peer has a root directory of its own; a cryptsetup that it lacks is this machine's.
    const output = await inVirtualMachine(
      dir,
      `mkdir /run/both /run/layer; R=/run/root; mkdir $R; cp -r box key.pem key.pub /run/both
mount -t tmpfs layer /run/layer; mkdir /run/layer/up /run/layer/work
mount -t overlay -o lowerdir=${root},upperdir=/run/layer/up,workdir=/run/layer/work root $R
mkdir -p $R/machine $R/old; mount --bind / $R/machine
for dir in proc sys dev run tmp; do mount --rbind /$dir $R/$dir; mount --rbind /$dir $R/machine/$dir; done
[ -e $R/usr/sbin/cryptsetup ] || {
  printf '#!/bin/sh\\nexec /usr/sbin/chroot /machine /sbin/cryptsetup "$@"\\n' >$R/usr/sbin/cryptsetup
  chmod 755 $R/usr/sbin/cryptsetup
}
cd $R && pivot_root . old && cd /run/both || exit
skiff() { /usr/sbin/chroot /machine /usr/bin/env HOME=/tmp SKIFF_CACHEDIR=/tmp/c ${skiffPath} -q "$@"; }
skiff build --pem-path /run/both/key.pub /run/both/ours.sif /run/both/box || exit
echo "peer: $(apptainer -s exec --pem-path key.pem ours.sif cat /etc/word)"
apptainer -s build --pem-path key.pub theirs.sif box || exit
echo "skiff: $(skiff exec --pem-path /run/both/key.pem /run/both/theirs.sif cat /etc/word)"
`,
      170_000,
    );
    expect(output).toContain(`peer: ${WORD}\n`);
    expect(output).toContain(`skiff: ${WORD}\n`);
  },
  180_000,
);
