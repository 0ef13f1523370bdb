import { beforeAll, describe, expect } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { IMAGE_TREE, makeTree } from "../launch/image-tree.ts";
import { noTool } from "../support/host-lacks.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { FETCH, inTestNet, noNetworks } from "./test-net.ts";

/** Networks of root, by the plugins of the distribution. */
const dir = scratch("self");
const lack = firstReason(
  noNetworks(),
  noTool("iptables"),
  existsSync("/usr/lib/cni/bridge") ? undefined : "no CNI plugins (containernetworking-plugins)",
);
const testCni = testUnless(lack);

beforeAll(() => {
  if (lack !== undefined) return;
  const applets = Object.fromEntries(
    ["httpd", "ip", "nc", "timeout"].map((name) => [`/bin/${name}`, { link: "busybox" }]),
  );
  makeTree(`${dir}/img`, { ...IMAGE_TREE, ...applets, "/bin/fetch": FETCH });
});

/** Leases, rules of a container and states that are still there; nothing is printed when all is well. */
const AFTER = `left
  for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    rest=$(ls /var/lib/cni/networks/*/10.* /run/skiff/network/* 2>/dev/null; iptables-save | grep -E "skiff-[0-9]|CNI-[0-9a-f]{10}|CNI-(DN|SN)-"; ip -br link | grep ^veth)
    [ -z "$rest" ] && break; sleep 0.1
  done; echo "$rest"`;

describe("CNI networks", () => {
  for (const network of ["bridge", "ptp"]) {
    testCni(`${network} reaches the world behind the host`, async () => {
      const flags = network === "bridge" ? "--net" : `--network ${network}`;
      const { stdout, stderr } = await inTestNet(
        dir,
        `$skiff exec ${flags} img sh -c 'ip -4 -o addr show eth0 | sed "s/.*inet \\([0-9]*\\.[0-9]*\\).*/\\1/"; fetch 198.51.100.1 7000'; ${AFTER}`,
      );
      expect(stdout, stderr).toBe(`${network === "bridge" ? "10.22" : "10.23"}\nthere\n\n`);
    });
  }

  testCni("several at once, with arguments for one of them", async () => {
    const { stdout, stderr } = await inTestNet(
      dir,
      `$skiff exec --network ptp,bridge --network-args "bridge:IP=10.22.0.77" img sh -c 'ip -4 -o addr | grep -c eth; ip -4 -o addr show eth1' | sed 's/.*inet \\([0-9.]*\\).*/\\1/'; ${AFTER}`,
    );
    expect(stdout, stderr).toBe("2\n10.22.0.77\n\n");
  });

  testCni("a port of the host leads in", async () => {
    const { stdout, stderr } = await inTestNet(
      dir,
      `$skiff exec --net -B inside:/srv --network-args "portmap=7001:7002/tcp" img httpd -f -p 7002 -h /srv & p=$!
       outside() { nsenter -t $there -n /bin/busybox timeout 1 /bin/busybox wget -q -O - http://198.51.100.2:7001/ 2>/dev/null; }
       wait_for outside; kill -KILL $p; wait $p 2>/dev/null; ${AFTER}`,
    );
    expect(stdout, stderr).toBe("inside\n\n");
  });

  testCni("a network of the site's own, from the configured directory", async () => {
    const site = `${dir}/site`;
    mkdirSync(site, { recursive: true });
    writeFileSync(
      `${site}/10-lan.conflist`,
      JSON.stringify({
        cniVersion: "0.4.0",
        name: "lan",
        plugins: [
          {
            type: "macvlan",
            master: "up0",
            ipam: { type: "static", addresses: [{ address: "198.51.100.9/24" }] },
          },
        ],
      }),
    );
    writeFileSync(`${dir}/skiff.conf`, `cni configuration path = ${site}\n`);
    const { stdout, stderr } = await inTestNet(
      dir,
      `$skiff --config skiff.conf exec --network lan img sh -c 'fetch 198.51.100.1 7000'; ${AFTER}
       $skiff --config skiff.conf exec --network lam img true; echo $?`,
    );
    expect(stdout, stderr).toBe("there\n\n255\n");
    expect(stderr).toContain("known are none, lan, bridge");
  });

  testCni("leave no lease, rule or interface, whenever a launch is killed", async () => {
    const { stdout, stderr } = await inTestNet(
      dir,
      `for i in 02 05 08 12 16 20 25 30 40; do
         $skiff exec --net --network-args portmap=7005:80/tcp img sleep 30 & p=$!
         sleep 0.$i; kill -KILL $p; wait $p
       done 2>/dev/null; sleep 0.5; ${AFTER}`,
    );
    expect(stdout, stderr).toBe("\n");
  });

  testCni("what a killed helper left is undone by the next launch", async () => {
    const { stdout, stderr } = await inTestNet(
      dir,
      `$skiff exec --net img sleep 30 & p=$!
       while ! ls /var/lib/cni/networks/bridge/10.* >/dev/null 2>&1; do sleep 0.05; done; sleep 0.3
       for h in $(ps -eo pid,netns,args | grep "[s]kiff-starter" | grep " $(stat -L -c %i /proc/self/ns/net)" | sed 's/^ *//' | cut -d' ' -f1); do kill -KILL $h; done
       kill -KILL $p; wait $p 2>/dev/null; ls /var/lib/cni/networks/bridge | grep -c ^10
       $skiff exec --net img true; sleep 0.5; ls /var/lib/cni/networks/bridge /run/skiff/network | grep -cE "^10|json"`,
    );
    expect(stdout, stderr).toBe("1\n0\n");
  });

  testCni("a plugin's refusal is told, and what was done is undone", async () => {
    const { stdout, stderr } = await inTestNet(
      dir,
      `$skiff exec --network bridge,macvlan img true; echo $?; ${AFTER}`,
    );
    expect(stdout, stderr).toBe("255\n\n");
    expect(stderr).toContain('Cannot set up network "bridge, macvlan": the plugin macvlan says');
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  testCni("--netns-path joins a namespace that is there", async () => {
    const { stdout, stderr } = await inTestNet(
      dir,
      `$skiff exec --netns-path /proc/$there/ns/net img ip -4 -o addr show up1 | grep -o 198.51.100.1
       $skiff exec --netns-path /etc/passwd img true; echo $?`,
    );
    expect(stdout, stderr).toBe("198.51.100.1\n255\n");
    expect(stderr).toContain("it is no namespace");
  });

  testCni("explain tells the network and its ports", async () => {
    const { stdout } = await inTestNet(
      dir,
      "$skiff explain exec --net --network-args portmap=8080:80/tcp img true | grep -A1 'network bridge'",
    );
    expect(stdout).toContain("--net on the command line");
    expect(stdout).toContain("port 8080 of the host is 80 in the container, tcp");
  });
});
