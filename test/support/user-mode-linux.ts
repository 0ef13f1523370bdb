import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { run } from "./run.ts";

/*
 * Linux as a program (User Mode Linux): a kernel of its own whose root is this machine's file system,
 * read-only, and which has what the kernel of a test machine often lacks: a device mapper.
 */

const MODULES = "/usr/lib/uml/modules";
/** In an order in which each finds what it needs. */
const LOADED = [
  ...["fs/fuse/fuse", "fs/overlayfs/overlay", "drivers/block/loop", "fs/squashfs/squashfs"],
  ...["crypto/cbc", "crypto/ecb", "crypto/xts", "crypto/af_alg", "crypto/algif_skcipher"],
  ...["crypto/algif_hash", "security/keys/encrypted-keys/encrypted-keys"],
  ...["drivers/md/dm-mod", "drivers/md/dm-crypt"],
];

/** Why there can be no such machine here, or undefined. */
export function noVirtualMachine(): string | undefined {
  if (Bun.which("linux.uml") === null || kernelVersion() === undefined) {
    return "linux.uml is not installed (package user-mode-linux)";
  }
  return Bun.which("busybox") === null ? "busybox is not installed" : undefined;
}

function kernelVersion(): string | undefined {
  return existsSync(MODULES) ? readdirSync(MODULES)[0] : undefined;
}

/**
 * Runs a script as root of such a machine, with /tmp and /run in memory and `dir`, an absolute path of
 * this machine, to write to. Gives all that the script printed. Throws when the machine does not come
 * to the end of it.
 */
export async function inVirtualMachine(
  dir: string,
  script: string,
  timeoutMs: number,
): Promise<string> {
  const place = `${dir}/machine`;
  mkdirSync(place, { recursive: true });
  const folder = `${MODULES}/${kernelVersion()}/kernel`;
  const init = `#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
for dir in /tmp /run; do mount -t tmpfs tmpfs "$dir"; done
mkdir -p /dev/shm /dev/pts /tmp/lab
mount -t tmpfs shm /dev/shm
mount -t devpts devpts /dev/pts
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
mount -t hostfs -o ${dir} none /tmp/lab
for module in ${LOADED.join(" ")}; do busybox insmod ${folder}/$module.ko; done
cd /tmp/lab
sh ./machine/script >./machine/output 2>&1 </dev/null
echo "end $?" >>./machine/output
sync
echo o >/proc/sysrq-trigger
sleep 60
`;
  for (const [name, text] of [
    ["init", init],
    ["script", script],
    ["output", ""],
  ] as const) {
    writeFileSync(`${place}/${name}`, text);
    chmodSync(`${place}/${name}`, name === "output" ? 0o666 : 0o755);
  }
  const words = ["rootfstype=hostfs", "rootflags=/", "ro", "mem=1G", `init=${place}/init`];
  const machine = await run(["linux.uml", ...words, "con=null", "con0=null,fd:1", "quiet"], {
    cwd: place,
    timeoutMs,
  });
  const output = readFileSync(`${place}/output`, "utf8");
  if (/^end \d+\n$/m.test(output)) return output;
  throw new Error(`The virtual machine did not end: ${output}${machine.stdout.slice(-2000)}`);
}
