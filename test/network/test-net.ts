import { existsSync } from "node:fs";
import { BUSYBOX } from "../launch/image-tree.ts";
import { noTool, notRoot } from "../support/host-lacks.ts";
import { asOrdinaryUser, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, run } from "../support/run.ts";
import { firstReason } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** Why networks cannot be tried here, or undefined. */
export function noNetworks(...more: readonly (string | undefined)[]): string | undefined {
  return firstReason(
    notRoot(),
    ordinaryUser() === undefined ? "there is no ordinary user" : undefined,
    existsSync(BUSYBOX) ? undefined : noTool("busybox"),
    existsSync("/dev/net/tun") ? undefined : "there is no /dev/net/tun",
    noTool("ip"),
    noTool("curl"),
    ...more,
  );
}

/** `fetch ADDRESS PORT` prints the page there; a static program asks no libraries for an address that is one. */
export const FETCH = {
  program:
    "#!/bin/sh\nprintf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 1 nc $1 $2 | grep -m 1 -xE 'there|inside'\n",
};

/**
 * Runs a script in a made-up world of two network namespaces: "here" is 198.51.100.2 with a default
 * route to "there", 198.51.100.1, where http://198.51.100.1:7000/ answers "there". What the machine keeps about
 * networks is private to it. In the script `$skiff` is the program, `$user` runs it as the ordinary
 * user, `get` fetches a page, `left` lists helpers that are still there.
 */
export async function inTestNet(dir: string, script: string): Promise<Finished> {
  const user = asOrdinaryUser().join(" ");
  const world = `
    set -u; cd ${dir}
    mount --make-rprivate /
    mkdir -p /var/lib/cni /run/skiff
    mount -t tmpfs none /var/lib/cni; mount -t tmpfs none /run/skiff; mount -t tmpfs none /run/netns 2>/dev/null
    ip link set lo up
    unshare --net sleep 60 & there=$!
    while [ "$(readlink /proc/$there/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
    ip link add up0 type veth peer name up1
    ip link set up1 netns $there
    ip addr add 198.51.100.2/24 dev up0; ip link set up0 up; ip route add default via 198.51.100.1
    nsenter -t $there -n sh -c "ip addr add 198.51.100.1/24 dev up1; ip link set up1 up; ip link set lo up"
    mkdir -p web inside; echo there > web/index.html; echo inside > inside/index.html
    nsenter -t $there -n ${BUSYBOX} httpd -f -p 7000 -h web & server=$!
    get() { ${BUSYBOX} timeout 2 ${BUSYBOX} wget -q -O - "http://$1/" 2>/dev/null; }
    # Until a server answers, for two seconds at most.
    wait_for() { for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do "$@" && return; sleep 0.1; done; }
    skiff="env HOME=/root ${skiffPath}"; user="${user} env HOME=/ ${skiffPath}"
    left() {
      for try in 1 2 3 4 5 6 7 8 9 10; do
        found=$(ps -eo netns,args | grep -E "[p]asta --config|[s]lirp4netns --conf|[s]kiff-starter" | grep "^ *$(stat -L -c %i /proc/self/ns/net)")
        [ -z "$found" ] && return; sleep 0.1
      done; echo "left: $found"
    }
    trap 'kill $server $there 2>/dev/null' EXIT
    ${script}`;
  return await run(["unshare", "--net", "--mount", "bash", "-c", world], { as: "self", cwd: dir });
}
