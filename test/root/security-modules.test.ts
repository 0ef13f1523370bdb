import { describe, expect } from "bun:test";
import { testUnless } from "../support/skip.ts";
import { makeVm, noVm, runInVm } from "../support/vm.ts";

/** AppArmor and SELinux, on Debian's kernel, which has both; one of them is in force at a time. */
const inVm = testUnless(noVm());
const LIMIT_MS = 600_000;

/** An image of busybox as `img` and `img.sqfs` in the home of `user`, and words to start it. */
const PRELUDE = `
user() { setpriv --reuid user --regid user --init-groups env -i PATH="$PATH" HOME=/home/user "$@"; }
root() { "$@"; }
touch /etc/localtime /etc/hosts
cd /home/user
mkdir -p img/bin img/etc img/tmp img/proc
cp /bin/busybox img/bin
for name in sh cat touch true; do ln -s busybox img/bin/$name; done
cp /etc/passwd /etc/group img/etc
chown -R user: img
user mksquashfs img img.sqfs -quiet -no-progress >/dev/null
# try WHO TITLE WORDS…: one line with what skiff printed
try() {
  who=$1 title=$2
  shift 2
  printf '%s: %s\\n' "$who $title" "$($who /files/dist/skiff "$@" 2>&1 | tr -d '\\0' | tr '\\n' ' ')"
}
everywhere() {
  try user img exec --security "$1" img sh -c "$2"
  for flag in --containall --fakeroot; do
    try user "img.sqfs $flag" exec $flag --security "$1" img.sqfs sh -c "$2"
  done
  try root img.sqfs exec --security "$1" img.sqfs sh -c "$2"
  try user oci exec --oci --security "$1" img sh -c "$2"
  user /files/dist/skiff instance start --security "$1" img.sqfs one 2>/dev/null
  try user instance exec instance://one sh -c "$2"
  user /files/dist/skiff instance stop one 2>/dev/null
}
`;
const CASES = 6;

async function inMachine(script: string, ...kernelWords: string[]): Promise<readonly string[]> {
  const vm = await makeVm();
  if ("lack" in vm) throw new Error(vm.lack);
  const done = await runInVm(vm, { script: PRELUDE + script, kernelWords });
  expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: "" });
  return done.stdout.trim().split("\n");
}

describe("--security", () => {
  inVm(
    "apparmor: holds for the program in every kind of container, as user and as root",
    async () => {
      const lines = await inMachine(`
cat >/tmp/profile <<'END'
abi <abi/3.0>,
profile skiff-lab { file, capability, network, mount, deny /tmp/closed* w, }
END
apparmor_parser -r /tmp/profile
everywhere apparmor:skiff-lab 'cat /proc/self/attr/current; touch /tmp/open; touch /tmp/closed'
try user none exec img cat /proc/self/attr/current
try user missing exec --security apparmor:nosuch img true
try user other exec --security selinux:a:b:c img true
`);
      const held = lines.slice(0, CASES);
      for (const line of held) {
        expect(line).toEndWith(": skiff-lab (enforce) touch: /tmp/closed: Permission denied ");
      }
      const [none, missing, other] = lines.slice(CASES);
      expect(none).toBe("user none: unconfined ");
      expect(missing).toContain("--security apparmor:nosuch: the kernel refuses it");
      expect(other).toContain("selinux requested, but is not enabled");
    },
    LIMIT_MS,
  );

  inVm(
    "selinux: holds for the program in every kind of container, as user and as root",
    async () => {
      const lines = await inMachine(
        `
sids="kernel security unlabeled fs file file_labels init any_socket port netif netmsg node
  igmp_packet icmp_socket tcp_socket sysctl_modprobe sysctl sysctl_fs sysctl_kernel sysctl_net
  sysctl_net_unix sysctl_vm sysctl_dev kmod policy scmp_packet devnull"
{
  echo "class process"
  for sid in $sids; do echo "sid $sid"; done
  cat <<'END'
class process { transition dyntransition }
policycap nnp_nosuid_transition;
type base_t;
type lab_t;
role base_r;
role base_r types { base_t lab_t };
allow base_t { base_t lab_t }:process { transition dyntransition };
allow lab_t lab_t:process { transition dyntransition };
user user_u roles base_r;
END
  for sid in $sids; do echo "sid $sid user_u:base_r:base_t"; done
} >/tmp/policy.conf
checkpolicy -U allow -o /tmp/policy /tmp/policy.conf >/dev/null
mount -t selinuxfs selinuxfs /sys/fs/selinux
cat /tmp/policy >/sys/fs/selinux/load
echo 1 >/sys/fs/selinux/enforce
everywhere selinux:user_u:base_r:lab_t 'cat /proc/self/attr/current'
try user none exec img cat /proc/self/attr/current
try user missing exec --security selinux:user_u:base_r:nosuch_t img true
try user other exec --security apparmor:x img true
`,
        "security=selinux",
        "selinux=1",
        "enforcing=0",
      );
      const held = lines.slice(0, CASES);
      for (const line of held) expect(line).toEndWith(": user_u:base_r:lab_t");
      const [none, missing, other] = lines.slice(CASES);
      expect(none).toBe("user none: user_u:base_r:base_t");
      expect(missing).toContain("the kernel refuses it");
      expect(other).toContain("apparmor requested, but is not enabled");
    },
    LIMIT_MS,
  );
});
