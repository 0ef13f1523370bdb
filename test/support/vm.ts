import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { noTool, notRoot } from "./host-lacks.ts";
import { leanDebian } from "./lean-debian.ts";
import { type Finished, run } from "./run.ts";
import { firstReason } from "./skip.ts";
import { skiffPath } from "./tree.ts";

/**
 * Another kernel: a virtual machine with the kernel and the packages of Debian 12, for what the kernel
 * at hand does not have (security modules, device mapper, an older version).
 *
 * Its disk is made once by mmdebstrap and kept below /var/tmp; a run changes a copy in memory. A second
 * disk, made for each run, carries the files in and what the script printed out.
 */

// What skiff needs to run, what the tests of security modules and encryption need, and little more.
const PACKAGES = [
  ...["linux-image-cloud-amd64", "udev", "procps", "iproute2", "busybox-static", "strace"],
  ...["squashfuse", "squashfs-tools", "fuse2fs", "fuse3", "fuse-overlayfs", "uidmap", "gocryptfs"],
  ...["apparmor", "checkpolicy", "cryptsetup-bin", "crun"],
];

/** The first program of the machine: mounts what a system has, runs /files/script, and ends the machine. */
const INIT = `#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mount -n -o remount,rw / 2>/dev/null
mountpoint -q /proc || mount -t proc proc /proc
mountpoint -q /sys || mount -t sysfs sysfs /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mountpoint -q /dev/pts || mount -t devpts devpts /dev/pts -o gid=5,mode=620,ptmxmode=666
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
mount -t tmpfs run /run
for module in fuse overlay squashfs loop dm-crypt dm-mod tun; do modprobe $module; done 2>/dev/null
chmod 666 /dev/fuse /dev/net/tun 2>/dev/null
ip link set lo up
hostname vm
mount -t ext4 /dev/vdb /files
cd /files
sh ./script >/files/.stdout 2>/files/.stderr </dev/null
echo $? >/files/.code
cd /
umount /files || mount -o remount,ro /files
sync
busybox poweroff -f
`;

// The disk, and the checksums of its file system.
const MODULES = ["virtio_pci", "virtio_blk", "crc32c_generic"];

/** What the kernel starts with: the modules of the disk, and nothing of the minutes that udev takes without KVM. */
const FIRST_INIT = `#!/busybox sh
for module in $(/busybox cat /modules); do /busybox insmod /$module; done
/busybox mount -t devtmpfs dev /root/dev
/busybox mount -t ext4 /root/dev/vda /root/root || /busybox sleep 5
/busybox umount /root/dev
exec /busybox switch_root /root/root /sbin/vm-init
`;

/** Why there can be no virtual machine here, or undefined. */
export function noVm(): string | undefined {
  return firstReason(
    notRoot(),
    process.arch === "x64" ? undefined : "the kernel package is for x86_64",
    ...["qemu-system-x86_64", "mmdebstrap", "mke2fs", "debugfs", "busybox"].map(noTool),
  );
}

/** KVM where the processor has it; a /dev/kvm without (as in some virtual machines) starts no plain kernel. */
function accelerator(): readonly string[] {
  const hasHardware = / (vmx|svm) /.test(readFileSync("/proc/cpuinfo", "utf8"));
  return hasHardware && existsSync("/dev/kvm")
    ? ["-accel", "kvm", "-cpu", "host"]
    : ["-accel", "tcg,thread=multi", "-cpu", "max"];
}

/** The files of a machine that may be started any number of times, also at once. */
export interface Vm {
  /** Directory with vmlinuz, initrd.img and root.ext4. */
  readonly path: string;
}

/** The machine, made first if it is not there; or the reason why there is none. */
export async function makeVm(): Promise<Vm | { readonly lack: string }> {
  const lack = noVm();
  if (lack !== undefined) return { lack };
  const recipe = Bun.hash(PACKAGES.join() + INIT + FIRST_INIT + MODULES.join()).toString(16);
  const path = `/var/tmp/skiff-test-vm-${recipe}`;
  if (existsSync(path)) return { path };
  const work = mkdtempSync("/var/tmp/skiff-vm.");
  try {
    const root = `${work}/root`;
    const made = await asSelf(leanDebian(PACKAGES, root), 400_000);
    if (made.code !== 0) return { lack: `mmdebstrap failed: ${made.stderr.trim()}` };
    mkdirSync(`${root}/files`);
    writeFileSync(`${root}/sbin/vm-init`, INIT);
    chmodSync(`${root}/sbin/vm-init`, 0o755);
    // The ordinary user of the machine, with sub-ids as useradd gives them.
    await expectDone(["chroot", root, "useradd", "--create-home", "--uid", "1000", "user"]);
    await expectDone(["sh", "-c", `cp ${root}/boot/vmlinuz-* ${work}/vmlinuz`]);
    await makeInitrd(root, `${work}/initrd.img`);
    await expectDone(["rm", "-rf", `${root}/boot`, `${root}/var/cache/apt`, `${root}/var/lib/apt`]);
    await expectDone(["mke2fs", "-q", "-t", "ext4", "-d", root, `${work}/root.ext4`, "1500M"]);
    rmSync(root, { recursive: true });
    renameSync(work, path);
    return { path };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function makeInitrd(root: string, path: string): Promise<void> {
  const tree = `${path}.tree`;
  mkdirSync(`${tree}/root/dev`, { recursive: true });
  mkdirSync(`${tree}/root/root`);
  const [version = ""] = readdirSync(`${root}/lib/modules`);
  const shown = await expectDone([
    "chroot",
    root,
    "modprobe",
    "-a",
    "-S",
    version,
    "--show-depends",
    ...MODULES,
  ]);
  const modules = [...shown.matchAll(/^insmod (\S+)/gm)].map(([, file = ""]) => file);
  for (const file of modules) copyFileSync(root + file, `${tree}/${basename(file)}`);
  writeFileSync(`${tree}/modules`, modules.map((file) => basename(file)).join("\n"));
  copyFileSync(`${root}/bin/busybox`, `${tree}/busybox`);
  writeFileSync(`${tree}/init`, FIRST_INIT, { mode: 0o755 });
  const pack = 'cd "$1" && find . | busybox cpio -o -H newc >"$2"';
  await expectDone(["sh", "-c", pack, "sh", tree, path]);
  rmSync(tree, { recursive: true });
}

/** What happens in a machine. */
export interface VmRun {
  /** Shell script, run by root in /files, where the files are; skiff is /files/dist/skiff. */
  readonly script: string;
  /** Files and directories put into /files: name there → path here. */
  readonly files?: Readonly<Record<string, string>>;
  /** More words of the kernel's command line. */
  readonly kernelWords?: readonly string[];
  /** MiB of free space in /files; default 256. */
  readonly spaceMiB?: number;
  /** Milliseconds until the machine is ended; default 180000. */
  readonly timeoutMs?: number;
}

/**
 * Starts the machine, runs the script in it and gives what it printed and its status.
 *
 * @throws Error with the end of the console's text when the script did not come to its end.
 */
export async function runInVm(vm: Vm, options: VmRun): Promise<Finished> {
  const work = mkdtempSync("/var/tmp/skiff-vm-run.");
  try {
    const carried = `${work}/carried`;
    mkdirSync(carried, { mode: 0o755 });
    cpSync(dirname(skiffPath), `${carried}/dist`, { recursive: true, verbatimSymlinks: true });
    for (const [name, path] of Object.entries(options.files ?? {})) {
      await expectDone(["cp", "-a", path, `${carried}/${name}`]);
    }
    writeFileSync(`${carried}/script`, options.script);
    const size = await expectDone(["du", "-sm", carried]);
    const sizeMiB = Number.parseInt(size, 10) * 1.2 + (options.spaceMiB ?? 256);
    const disk = `${work}/work.ext4`;
    await expectDone(["mke2fs", "-q", "-t", "ext4", "-d", carried, disk, `${Math.ceil(sizeMiB)}M`]);
    const drive = (file: string, ...more: string[]): string[] => [
      "-drive",
      [`file=${file}`, "if=virtio", "format=raw", ...more].join(),
    ];
    const words = ["root=/dev/vda", "rw", "console=ttyS0", "panic=-1", "quiet"];
    const console = await asSelf(
      [
        ...["qemu-system-x86_64", ...accelerator(), "-m", "1024", "-smp", "2"],
        ...["-nographic", "-no-reboot", "-nodefaults", "-serial", "stdio"],
        ...["-kernel", `${vm.path}/vmlinuz`, "-initrd", `${vm.path}/initrd.img`],
        ...["-append", [...words, "init=/sbin/vm-init", ...(options.kernelWords ?? [])].join(" ")],
        ...drive(`${vm.path}/root.ext4`, "snapshot=on"),
        ...drive(disk, "cache=unsafe"),
      ],
      options.timeoutMs ?? 180_000,
    );
    const read = (name: string): Promise<Finished> =>
      asSelf(["debugfs", "-R", `cat /${name}`, disk]);
    const code = Number.parseInt((await read(".code")).stdout, 10);
    if (Number.isNaN(code)) {
      const text = (console.stdout + console.stderr).slice(-2000);
      throw new Error(`The script did not end in the virtual machine:\n${text}`);
    }
    const [stdout, stderr] = [(await read(".stdout")).stdout, (await read(".stderr")).stdout];
    return { code, stdout, stderr };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function asSelf(argv: readonly string[], timeoutMs = 60_000): Promise<Finished> {
  return run(argv, { as: "self", timeoutMs });
}

async function expectDone(argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await asSelf(argv);
  if (code !== 0) throw new Error(`${argv.join(" ")}: ${stderr.trim()}`);
  return stdout;
}
