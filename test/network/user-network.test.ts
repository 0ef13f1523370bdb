import { beforeAll, describe, expect } from "bun:test";
import { IMAGE_TREE, makeTree } from "../launch/image-tree.ts";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { FETCH, inTestNet, noNetworks } from "./test-net.ts";

/** Networks that an ordinary user connects. */
const dir = scratch();
const lack = noNetworks(noUserNamespaces());

beforeAll(() => {
  if (lack !== undefined) return;
  const applets = Object.fromEntries(
    ["httpd", "nc", "nslookup", "timeout"].map((name) => [`/bin/${name}`, { link: "busybox" }]),
  );
  makeTree(`${dir}/img`, { ...IMAGE_TREE, ...applets, "/bin/fetch": FETCH });
});

for (const tool of ["pasta", "slirp4netns"] as const) {
  const testTool = testUnless(firstReason(lack, noTool(tool)));
  const flags = tool === "pasta" ? "--net" : "--network slirp4netns";

  describe(tool, () => {
    testTool("reaches what the caller reaches", async () => {
      const { stdout, stderr } = await inTestNet(
        dir,
        `$user exec ${flags} img fetch 198.51.100.1 7000; left`,
      );
      expect(stdout, stderr).toBe("there\n");
    });

    testTool("lets in what is mapped, and nothing else", async () => {
      const { stdout, stderr } = await inTestNet(
        dir,
        `$user exec ${flags} -B inside:/srv --network-args portmap=7001:7002/tcp img httpd -f -p 7002 -h /srv & p=$!
         wait_for get 127.0.0.1:7001; get 198.51.100.2:7001; get 127.0.0.1:7002 || echo closed
         kill -KILL $p; wait $p 2>/dev/null; left`,
      );
      expect(stdout, stderr).toBe("inside\ninside\nclosed\n");
    });

    testTool("does not reach the loopback of the host", async () => {
      const { stdout, stderr } = await inTestNet(
        dir,
        `/bin/busybox httpd -f -p 127.0.0.1:7003 -h web & p=$!
         wait_for get 127.0.0.1:7003
         for address in 127.0.0.1 10.0.2.2 198.51.100.2 198.51.100.1; do
           $user exec ${flags} img fetch $address 7003 2>/dev/null
         done; echo end; kill $p; left`,
      );
      expect(stdout, stderr).toBe("there\nend\n");
    });

    testTool("leaves nothing, whenever its launch is killed", async () => {
      const { stdout, stderr } = await inTestNet(
        dir,
        `for i in 0 1 2 3 4 5 6 7 8 9; do
           $user exec ${flags} img sleep 30 & p=$!
           sleep 0.0$i; kill -KILL $p; wait $p
         done 2>/dev/null
         $user exec ${flags} --pid img sh -c 'exit 3'; echo $?; left`,
      );
      expect(stdout, stderr).toBe("3\n");
    });

    testTool("works for a fake root too", async () => {
      const network = tool === "pasta" ? "--net" : "--network slirp4netns";
      const { stdout, stderr } = await inTestNet(
        dir,
        `$user exec --fakeroot ${network} img sh -c 'id -u; fetch 198.51.100.1 7000'; left`,
      );
      expect(stdout, stderr).toBe("0\nthere\n");
    });
  });
}

describe("names", () => {
  testUnless(firstReason(lack, noTool("pasta"), noTool("python3")))(
    "are asked of the host's nameserver, also where only the host's loopback has one",
    async () => {
      const { stdout, stderr } = await inTestNet(
        dir,
        `echo "nameserver 127.0.0.1" > names; echo "search example.org" >> names; mount --bind names /etc/resolv.conf
         cat > server.py <<'END'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 53))
while True:
    q, a = s.recvfrom(512); end = q.index(0, 12) + 5
    is_a = q[end - 4:end - 2] == bytes([0, 1])
    s.sendto(q[:2] + bytes([0x81, 0x80, 0, 1, 0, 1 if is_a else 0, 0, 0, 0, 0]) + q[12:end] +
             (bytes([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 9]) if is_a else b""), a)
END
         python3 server.py & p=$!; sleep 0.3
         $user exec --net img sh -c 'cat /etc/resolv.conf; nslookup host.example.org' | grep -v "^$"
         $user exec --net --dns 192.0.2.7 img cat /etc/resolv.conf; kill $p`,
      );
      expect(stdout, stderr).toContain("nameserver 169.254.1.1\nsearch example.org\n");
      expect(stdout, stderr).toContain("203.0.113.9");
      expect(stdout).toEndWith("nameserver 192.0.2.7\n");
    },
  );
});

describe("what an ordinary user may not have", () => {
  const refused = (flags: string): Promise<string> =>
    inTestNet(dir, `$user exec ${flags} img true; echo $?`).then(
      ({ stdout, stderr }) => stderr + stdout,
    );

  for (const [flags, message] of [
    ["--network bridge", "non-root users can only use --network=none"],
    ["--network bridge,ptp", "non-root users can only use --network=none"],
    ["--network none,bridge", "name each network once"],
    ["--net --network-args portmap=80", "portmap=hostPort:containerPort/protocol"],
    ["--net --network-args portmap=99999:80/tcp", "is no port mapping"],
    ["--net --network-args other:IP=192.0.2.9", "the network other is not among those"],
    ["--netns-path /proc/1/ns/net", "allow net users"],
    ["--netns-path /nosuch", "no such file"],
    ["--net --netns-path /proc/self/ns/net", "together with --net"],
  ] as const) {
    testUnless(lack)(flags, async () => {
      const text = await refused(flags);
      expect(text).toContain(message);
      expect(text).toEndWith("\n255\n");
      expect(text.trimEnd().split("\n")).toHaveLength(2);
    });
  }

  testUnless(firstReason(lack, noTool("pasta")))("a port that is taken", async () => {
    const text = await inTestNet(
      dir,
      `/bin/busybox httpd -f -p 7004 -h web & p=$!; wait_for get 127.0.0.1:7004 >/dev/null
       $user exec --network slirp4netns --network-args portmap=7004:80/tcp img true; echo $?; kill $p; left`,
    );
    expect(text.stdout, text.stderr).toBe("255\n");
    expect(text.stderr).toContain("port 7004/tcp of the host cannot be mapped");
  });

  testUnless(lack)("--network none has loopback only, and costs no tool", async () => {
    const { stdout } = await inTestNet(
      dir,
      "$user exec --net --network none img ls /sys/class/net; $user exec --network none img grep -c : /proc/net/dev; left",
    );
    expect(stdout).toEndWith("1\n");
  });
});
