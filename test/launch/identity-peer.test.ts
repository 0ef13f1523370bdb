import { describe, expect } from "bun:test";
import { peerLab } from "./peer-lab.ts";

/** Namespaces, ids, capabilities (reference: runtime.md 5 to 7). */
const { same, differ } = peerLab();

const who =
  "id -u; id -g; id -un; echo $HOME; cat /proc/self/uid_map /proc/self/gid_map; cat /proc/self/setgroups";
const powers = "grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs' /proc/self/status";

describe("who the program is", () => {
  const rows: readonly (readonly [string, ...string[]])[] = [
    ["plain"],
    ["--userns", "--userns"],
    ["--fakeroot", "--fakeroot"],
    ["--fakeroot --no-home", "--fakeroot", "--no-home"],
    ["--fakeroot --ignore-subuid", "--fakeroot", "--ignore-subuid"],
    [
      "--fakeroot --ignore-subuid --ignore-fakeroot-command",
      "--fakeroot",
      "--ignore-subuid",
      "--ignore-fakeroot-command",
    ],
    ["--security uid", "--security", "uid:77"],
    ["--security uid and gid", "--security", "uid:77", "--security", "gid:88"],
    ["--containall", "--containall"],
  ];
  for (const [name, ...flags] of rows) {
    for (const image of ["@img", "@sif"]) {
      if (image === "@sif" && !name.includes("fakeroot")) continue;
      if (!name.startsWith("--security")) {
        same(`${name}, ${image.slice(1)}`, { words: ["exec", ...flags, image, "sh", "-c", who] });
      }
    }
    // The peer leaves no_new_privs off where it takes itself for root.
    const shown = name.includes("subuid") ? `${powers} | grep -v New` : powers;
    same(`${name}, capabilities`, { words: ["exec", ...flags, "@img", "sh", "-c", shown] });
  }
  same("files that a fake root makes belong to the caller", {
    words: [
      "exec",
      "--fakeroot",
      "-B",
      "@own:/out",
      "@img",
      "sh",
      "-c",
      "echo x > /out/f; mkdir /out/d; stat -c %u:%g /out/f",
    ],
    after: "stat -c '%n %U' @own/f @own/d | sed 's/.*[/]//'",
    prints: "0:0",
  });
  same("a fake root with sub-ids gives files away", {
    words: [
      "exec",
      "--fakeroot",
      "-B",
      "@own:/out",
      "@img",
      "sh",
      "-c",
      "echo x > /out/f; chown 5:6 /out/f && stat -c %u:%g /out/f",
    ],
    prints: "5:6",
  });
  same("one without sub-ids does not", {
    words: [
      "exec",
      "--fakeroot",
      "--ignore-subuid",
      "--ignore-fakeroot-command",
      "-B",
      "@own:/out",
      "@img",
      "sh",
      "-c",
      "echo x > /out/f; chown 5:6 /out/f || echo refused",
    ],
    prints: "refused",
  });
  same("files of the host's root", {
    words: ["exec", "-B", "/etc:/hostetc", "@img", "stat", "-c", "%u:%g", "/hostetc/passwd"],
  });
  same("the same as fake root", {
    words: [
      "exec",
      "--fakeroot",
      "-B",
      "/etc:/hostetc",
      "@img",
      "stat",
      "-c",
      "%u:%g",
      "/hostetc/passwd",
    ],
  });
});

describe("capabilities", () => {
  const rows: readonly (readonly [string, ...string[]])[] = [
    ["--add-caps", "--add-caps", "CAP_NET_RAW"],
    ["--add-caps of two", "--add-caps", "CAP_NET_RAW,CAP_CHOWN"],
    ["--add-caps in small letters", "--add-caps", "net_raw"],
    ["--add-caps all", "--add-caps", "all"],
    ["--add-caps of an unknown one", "--add-caps", "CAP_NOTHING"],
    ["--drop-caps of a user", "--drop-caps", "CAP_NET_RAW"],
    ["--keep-privs of a user", "--keep-privs"],
    ["--no-privs of a user", "--no-privs"],
    ["--allow-setuid of a user", "--allow-setuid"],
  ];
  for (const [name, ...flags] of rows) {
    same(name, { words: ["exec", ...flags, "@img", "sh", "-c", powers] });
  }
  differ(
    "--drop-caps reduces a fake root too",
    { words: ["exec", "--fakeroot", "--drop-caps", "CAP_NET_RAW", "@img", "sh", "-c", powers] },
    (peer, skiff) => {
      expect(peer.stdout).toMatch(/CapEff:\s*000001ffffffffff/);
      expect(skiff.stdout).toMatch(/CapEff:\s*000001ffffffdfff/);
    },
  );
});

describe("namespaces", () => {
  const host =
    "while read n id; do test $(readlink /proc/self/ns/$n) = $id && echo $n host || echo $n own; done < /ids";
  const rows: readonly (readonly [string, ...string[]])[] = [
    ["plain"],
    ["--pid", "--pid"],
    ["--ipc", "--ipc"],
    ["--uts", "--uts"],
    ["--hostname", "--hostname", "box"],
    ["--net --network none", "--net", "--network", "none"],
    ["--containall", "--containall"],
    ["--compat", "--compat"],
    ["--fakeroot --pid", "--fakeroot", "--pid"],
    ["--contain", "--contain"],
  ];
  for (const [name, ...flags] of rows) {
    same(name, {
      before:
        "for n in pid ipc uts net cgroup; do echo $n $(readlink /proc/self/ns/$n); done > @own/ids",
      words: ["exec", "-B", "@own/ids:/ids", ...flags, "@img", "sh", "-c", host],
    });
  }
  same("--pid hides the host's processes", {
    words: [
      "exec",
      "--pid",
      "@img",
      "sh",
      "-c",
      "test $(ls /proc | grep -c '^[0-9]') -lt 20 && echo few",
    ],
    prints: "few",
  });
  same("--pid has a reaping init", {
    words: [
      "exec",
      "--pid",
      "@img",
      "sh",
      "-c",
      "(sh -c 'sleep 0.1 & true' &); sleep 0.5; ps -o stat | grep -c Z",
    ],
  });
  same("--pid --no-init is process 1", {
    words: ["exec", "--pid", "--no-init", "@img", "sh", "-c", "echo $$"],
    prints: "1",
  });
  same("--pid passes the status", {
    words: ["exec", "--pid", "@img", "sh", "-c", "exit 7"],
    code: 7,
  });
  same("--pid passes death by a signal", {
    words: ["exec", "--pid", "@img", "sh", "-c", "kill -TERM $$"],
    code: 143,
  });
  same("--hostname", {
    words: ["exec", "--hostname", "box", "@img", "sh", "-c", "hostname; uname -n"],
    prints: "box\nbox",
  });
  same("--uts keeps the name", { words: ["exec", "--uts", "@img", "hostname"] });
  same("--net without a network", { words: ["exec", "--net", "@img", "true"], code: 255 });
  same("--network of a name", {
    words: ["exec", "--network", "bridge", "@img", "true"],
    code: 255,
  });
  same("--network none alone", {
    words: ["exec", "--network", "none", "@img", "sh", "-c", "ls /sys/class/net"],
  });
  same("--net none has loopback", {
    words: [
      "exec",
      "--net",
      "--network",
      "none",
      "@img",
      "sh",
      "-c",
      "cat /proc/net/dev | awk 'NR>2{print $1}'; grep -c . /proc/net/if_inet6",
    ],
  });
  same("--fakeroot --net falls back", {
    words: [
      "exec",
      "--fakeroot",
      "--net",
      "@img",
      "sh",
      "-c",
      "awk 'NR>2{print $1}' /proc/net/dev",
    ],
  });
  differ(
    "--no-pid cancels a PID namespace",
    {
      words: [
        "exec",
        "--containall",
        "--no-pid",
        "@img",
        "sh",
        "-c",
        "test $(ls /proc | grep -c '^[0-9]') -gt 20 && echo many",
      ],
    },
    (peer, skiff) => {
      expect(peer.stdout).toBe("");
      expect(skiff.stdout).toBe("many\n");
    },
  );
});

describe("limits, masks, descriptors", () => {
  same("the umask is the caller's", {
    before: "umask 027",
    words: ["exec", "@img", "sh", "-c", "umask"],
    prints: "0027",
  });
  same("--no-umask", {
    before: "umask 027",
    words: ["exec", "--no-umask", "@img", "sh", "-c", "umask"],
    prints: "0022",
  });
  same("--compat", {
    before: "umask 027",
    words: ["exec", "--compat", "@img", "sh", "-c", "umask"],
  });
  same("resource limits", {
    before: "ulimit -n 99 -c 0",
    words: ["exec", "@img", "sh", "-c", "ulimit -n; ulimit -c; ulimit -u >/dev/null"],
  });
  differ(
    "signals that the caller ignores stay ignored",
    { before: "trap '' HUP", words: ["exec", "@img", "grep", "SigIgn", "/proc/self/status"] },
    (peer, skiff) => {
      expect(peer.stdout).toMatch(/0[0-6]$/m);
      expect(Number.parseInt(skiff.stdout.slice(8), 16) & 1).toBe(1);
    },
  );
  same("no signal is blocked", { words: ["exec", "@img", "grep", "SigBlk", "/proc/self/status"] });
  same("an inherited descriptor", {
    before: "exec 9<@lab/data/file",
    words: ["exec", "@img", "sh", "-c", "cat <&9"],
    prints: "hello",
  });
  same("a descriptor with --pid", {
    before: "exec 9<@lab/data/file",
    words: ["exec", "--pid", "@img", "sh", "-c", "cat <&9"],
    prints: "hello",
  });
  same("no descriptor is left open", { words: ["exec", "@img", "ls", "/proc/self/fd"] });
  same("none with a SIF", { words: ["exec", "@sif", "ls", "/proc/self/fd"] });
  same("none with --pid", { words: ["exec", "--pid", "@sif", "ls", "/proc/self/fd"] });
  same("standard input", { words: ["exec", "@img", "cat"], stdin: "line\n", prints: "line" });
  same("standard input with --pid", {
    words: ["exec", "--pid", "@sif", "cat"],
    stdin: "line\n",
    prints: "line",
  });
  same("closed standard streams", {
    before: "exec 0<&-",
    words: ["exec", "@img", "echo", "hi"],
    prints: "hi",
  });
});
