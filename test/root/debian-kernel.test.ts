import { expect } from "bun:test";
import { testUnless } from "../support/skip.ts";
import { makeVm, noVm, runInVm } from "../support/vm.ts";

/**
 * What Debian's kernel (6.1, control groups of version 2 alone, no systemd) has and the one of the
 * tests may not: groups that are delegated to an ordinary user.
 */
const SCRIPT = `
user() { setpriv --reuid user --regid user --init-groups env -i PATH="$PATH" HOME=/home/user "$@"; }
touch /etc/localtime /etc/hosts
cd /home/user
mkdir -p img/bin img/etc img/tmp img/proc
cp /bin/busybox img/bin
for name in sh cat touch sed id readlink sleep; do ln -s busybox img/bin/$name; done
cp /etc/passwd /etc/group img/etc
chown -R user: img
skiff=/files/dist/skiff
user $skiff build img.sif img 2>/dev/null
echo "+cpu +memory +pids" >/sys/fs/cgroup/cgroup.subtree_control
mkdir -p /sys/fs/cgroup/own/shell
chown -R user /sys/fs/cgroup/own
echo "+cpu +memory +pids" >/sys/fs/cgroup/own/cgroup.subtree_control

echo -- alone: refused
user $skiff exec --memory 64M img.sif cat /proc/self/cgroup 2>&1 | cut -c1-60

echo -- delegated: set
cat >delegated <<'END'
show='g=/sys/fs/cgroup/own/$(sed -n "s,^0::/own/,,p" /proc/self/cgroup); cat $g/memory.max $g/pids.max $g/cpu.max'
$skiff exec --memory 64M --pids-limit 50 --cpus 0.5 img.sif sh -c "$show"
$skiff instance start --memory 96M img.sif one 2>/dev/null
$skiff exec instance://one sh -c "$show" | head -n 1
$skiff instance stats --no-stream --json one | grep -o '"memoryLimitBytes": [0-9]*'
$skiff instance stop --force one 2>/dev/null
END
sh -c 'echo $$ >/sys/fs/cgroup/own/shell/cgroup.procs; exec setpriv --reuid user --regid user --init-groups env -i PATH="$PATH" HOME=/home/user skiff='$skiff' sh delegated'
sleep 1
ls -d /sys/fs/cgroup/own/*/

echo -- layers and ids
user $skiff exec --writable-tmpfs img.sif sh -c 'touch /new && id -u'
mkdir over; chown user: over
user $skiff exec --overlay over img.sif touch /kept
user $skiff exec --fakeroot --overlay over img.sif sh -c 'ls=$(cat /kept) && id -u'
for i in 1 2 3; do
  user env SLURM_JOB_ID=1 SLURM_STEP_ID=1 $skiff exec img.sif sh -c 'readlink /proc/self/ns/mnt; sleep 5' &
done | uniq | wc -l
`;

testUnless(noVm())(
  "limits in a delegated group, layers, ids and ranks on Debian's kernel",
  async () => {
    const vm = await makeVm();
    if ("lack" in vm) throw new Error(vm.lack);
    const { stdout, stderr } = await runInVm(vm, { script: SCRIPT });
    expect(stdout.split("\n"), stderr).toEqual([
      ...["-- alone: refused", "FATAL:   Cannot limit the container: cannot use cgroups - ro"],
      ...["-- delegated: set", String(64 << 20), "50", "50000 100000"],
      ...[String(96 << 20), `"memoryLimitBytes": ${96 << 20}`],
      "/sys/fs/cgroup/own/shell/",
      ...["-- layers and ids", "1000", "0", "1", ""],
    ]);
  },
  600_000,
);
