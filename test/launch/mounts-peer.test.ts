import { describe, expect } from "bun:test";
import { peerLab } from "./peer-lab.ts";

/** What is mounted, with and without the flags that change it (reference: runtime.md 4.1 to 4.4). */
const { same, differ } = peerLab();

describe("the mount table", () => {
  const rows: readonly (readonly [string, ...string[]])[] = [
    ["without flags"],
    ["--contain", "--contain"],
    ["--containall", "--containall"],
    ["--no-home", "--no-home"],
    ["--no-mount home", "--no-mount", "home"],
    ["--no-mount tmp", "--no-mount", "tmp"],
    ["--no-mount cwd", "--no-mount", "cwd"],
    ["--no-mount proc", "--no-mount", "proc"],
    ["--no-mount sys", "--no-mount", "sys"],
    ["--no-mount dev", "--no-mount", "dev"],
    ["--no-mount hostfs", "--no-mount", "hostfs"],
    ["--no-mount bind-paths", "--no-mount", "bind-paths"],
    ["--no-mount of one configured bind", "--no-mount", "/etc/hosts"],
    ["--no-mount of two words", "--no-mount", "home,tmp"],
    ["--no-mount of an unknown word", "--no-mount", "colour"],
    ["--home of one directory", "--home", "@own"],
    ["--home of two", "--home", "@own:/users/me"],
    ["--home with --contain", "--contain", "--home", "@own:/users/me"],
    ["--home with --no-home", "--no-home", "--home", "@own:/users/me"],
    ["--home over the account's", "--home", "@own:/home/peer"],
    ["--home that is /tmp", "--home", "/tmp"],
    ["--home that is /tmp with --contain", "--contain", "--home", "/tmp"],
    ["--scratch", "--scratch", "/scr"],
    ["--scratch below a new directory", "--scratch", "/new/scr"],
    ["--scratch twice", "--scratch", "/scr,/scr2"],
    ["--scratch with --contain", "--contain", "--scratch", "/scr"],
    ["--hostname", "--hostname", "box"],
    ["--dns", "--dns", "192.0.2.1"],
    ["--fakeroot", "--fakeroot"],
    ["--fakeroot --contain", "--fakeroot", "--contain"],
    ["--pid", "--pid"],
    ["--ipc", "--ipc"],
    ["--writable-tmpfs", "--writable-tmpfs"],
    ["--compat", "--compat"],
    ["--underlay", "--underlay"],
    ["--bind /etc/passwd", "--bind", "@lab/data/file:/etc/passwd"],
    ["--bind /etc/resolv.conf", "--bind", "@lab/data/file:/etc/resolv.conf"],
    ["--bind /etc/hosts", "--bind", "@lab/data/file:/etc/hosts"],
  ];
  for (const [name, ...flags] of rows) {
    same(`${name}, directory`, { words: ["exec", ...flags, "@img", "mounts"] });
    if (!/--contain$|without|fakeroot|tmpfs/.test(name)) continue;
    same(`${name}, SIF`, { words: ["exec", ...flags, "@sif", "mounts"] });
  }
  same("--contain with --workdir", {
    words: ["exec", "--contain", "--workdir", "@own", "@img", "mounts"],
    after: "find @own -mindepth 1 -printf '%P %m\\n' | sort",
  });
  same("--scratch with --workdir", {
    words: [
      "exec",
      "--workdir",
      "@own",
      "--scratch",
      "/scr/x",
      "@img",
      "sh",
      "-c",
      "echo hi > /scr/x/f; mounts",
    ],
    after: "find @own -mindepth 1 -printf '%P %m\\n' | sort",
  });
  same("--workdir alone", {
    words: ["exec", "--workdir", "@own", "@img", "mounts"],
    after: "find @own -mindepth 1 -printf '%P %m\\n' | sort",
  });
  same("a missing --workdir", {
    words: ["exec", "--contain", "--workdir", "/nosuch", "@img", "true"],
  });
  same("a relative --scratch", { words: ["exec", "--scratch", "scr", "@img", "mounts"] });
  same("a --home that does not exist is empty", {
    words: ["exec", "--home", "/nosuch", "@img", "mounts"],
  });
  differ(
    "a relative --home is taken from the working directory",
    { words: ["exec", "--home", "sub", "@img", "sh", "-c", "echo $HOME; ls ~"] },
    (peer, skiff) => {
      expect(peer.code).toBe(255);
      expect(skiff.stdout).toBe("@lab/data/sub\nx\n");
    },
  );
  same("a relative --home destination", { words: ["exec", "--home", "@own:me", "@img", "true"] });
  same("a file as --home", { words: ["exec", "--home", "@lab/data/file", "@img", "true"] });
  same("--home with an empty destination", {
    words: ["exec", "--home", "@own:", "@img", "sh", "-c", "echo $HOME"],
  });
  same("--home of three parts", {
    words: ["exec", "--home", "@own:/a:/b", "@img", "sh", "-c", "echo $HOME"],
  });
  same("a bad --dns", {
    words: ["exec", "--dns", "nowhere", "@img", "true"],
    code: 255,
    says: /nowhere/,
  });
});

describe("directories of the user", () => {
  const look =
    "echo $HOME; pwd; for d in ~ /tmp /var/tmp; do test -w $d && echo $d writable; ls -A $d | head -3; stat -c %a $d; done";
  const rows: readonly (readonly [string, ...string[]])[] = [
    ["--contain", "--contain"],
    ["--containall", "--containall"],
    ["--compat", "--compat"],
    ["--contain --no-home", "--contain", "--no-home"],
    ["--contain --home", "--contain", "--home", "@lab/data:/users/me"],
    ["--contain --fakeroot", "--contain", "--fakeroot"],
    ["--contain --no-mount tmp", "--contain", "--no-mount", "tmp"],
  ];
  for (const [name, ...flags] of rows) {
    same(name, { words: ["exec", ...flags, "@img", "sh", "-c", look] });
  }
  same("siblings of the home do not appear", {
    words: ["exec", "@img", "ls", "/home"],
    prints: "peer",
    code: 0,
  });
  same("they do not with --contain", { words: ["exec", "--contain", "@img", "ls", "/home"] });
});

describe("the working directory", () => {
  const pwd = ["exec", "@img", "pwd"];
  same("the caller's", { words: pwd, prints: "@lab/data", code: 0 });
  same("it is bound", { words: ["exec", "@img", "cat", "file"], prints: "hello" });
  for (const dir of [
    "/",
    "/etc",
    "/usr",
    "/usr/bin",
    "/var",
    "/opt",
    "/proc",
    "/proc/sys",
    "/sys/kernel",
    "/tmp",
    "/dev/shm",
    "/home/peer",
  ]) {
    same(`in ${dir}`, { words: ["exec", "@img", "sh", "-c", "pwd; mounts"], cwd: dir });
  }
  differ(
    "behind a link that the container lacks has both names",
    {
      before: "ln -s @lab/data @own/link",
      cwd: "@own/link",
      words: ["exec", "@img", "sh", "-c", "pwd; cat file @lab/data/file"],
    },
    (peer, skiff) => {
      expect(peer.stdout).not.toContain("hello");
      expect(skiff.stdout).toBe("@own/link\nhello\nhello\n");
    },
  );
  differ(
    "behind a link that the container has keeps its name",
    {
      before: "ln -s @lab/data @own/link",
      cwd: "@own/link",
      words: ["exec", "-B", "@own", "@img", "sh", "-c", "pwd; cat file"],
    },
    (_, skiff) => expect(skiff.stdout).toBe("@own/link\nhello\n"),
  );
  same("behind a link beside it has the caller's name", {
    before: "mkdir @own/d && ln -s d @own/link",
    cwd: "@own/link",
    words: ["exec", "@img", "pwd"],
    prints: "@own/link",
  });
  for (const flag of ["--bind=@own:@lab/data", "--home=@own:@lab/data", "--scratch=@lab/data"]) {
    same(`does not cover ${flag}`, {
      before: "echo mine >@own/mine",
      words: ["exec", flag, "@img", "sh", "-c", "pwd; ls"],
      code: 0,
    });
  }
  for (const flag of ["--bind=@own:@lab/data", "--home=@own:@lab/data", "--scratch=@lab/data"]) {
    same(`is made below ${flag}`, {
      cwd: "@lab/data/sub",
      words: ["exec", flag, "@img", "sh", "-c", "pwd; ls"],
      prints: "x",
      code: 0,
    });
  }
  same("with --contain", { words: ["exec", "--contain", "@img", "pwd"] });
  same("with --no-home in the home", {
    words: ["exec", "--no-home", "@img", "sh", "-c", "pwd; mounts"],
    cwd: "/home/peer",
  });
  same("without the mount of it", {
    words: ["exec", "--no-mount", "cwd", "@img", "pwd"],
    says: /WARNING/,
  });
  same("--pwd", { words: ["exec", "--pwd", "/opt", "@img", "pwd"], prints: "/opt" });
  same("--cwd", { words: ["exec", "--cwd", "/opt", "@img", "pwd"], prints: "/opt" });
  for (const path of ["/opt/", "//opt", "/opt/.", "/opt/../srv", "/tmp/..", "/proc/../opt/"]) {
    same(`--pwd ${path}`, { words: ["exec", "--pwd", path, "@img", "sh", "-c", "pwd; echo $PWD"] });
  }
  same("--pwd to a bind", { words: ["exec", "--pwd", "/a", "-B", "@lab/data:/a", "@img", "ls"] });
  same("--pwd to nowhere", {
    words: ["exec", "--pwd", "/nosuch", "@img", "pwd"],
    code: 255,
    says: /\/nosuch/,
  });
  same("--pwd to a file", { words: ["exec", "--pwd", "/etc/passwd", "@img", "pwd"], code: 255 });
  same("--pwd with a relative path", { words: ["exec", "--pwd", "opt", "@img", "pwd"] });
  same("--pwd with --contain", {
    words: ["exec", "--contain", "--pwd", "/opt", "@img", "pwd"],
    prints: "/opt",
  });
  same("APPTAINER_CWD", { words: pwd, env: { APPTAINER_CWD: "/opt" }, prints: "/opt" });
  same("SINGULARITY_PWD", { words: pwd, env: { SINGULARITY_PWD: "/opt" }, prints: "/opt" });
  same("a directory that is gone", {
    before: "mkdir @own/gone",
    cwd: "@own/gone",
    words: ["exec", "@img", "pwd"],
  });
});

describe("files that the runtime writes", () => {
  const show = (path: string, ...flags: string[]) => ["exec", ...flags, "@img", "cat", path];
  for (const flags of [
    [],
    ["--fakeroot"],
    ["--contain"],
    ["--home", "@lab/data:/users/me"],
    ["--no-home"],
    ["--writable-tmpfs"],
    ["--fakeroot", "--writable-tmpfs"],
    ["--compat"],
  ]) {
    const name = flags.length === 0 ? "plain" : flags.join(" ");
    same(`/etc/passwd, ${name}`, { words: show("/etc/passwd", ...flags) });
    same(`/etc/group, ${name}`, { words: show("/etc/group", ...flags) });
  }
  differ(
    "/etc/passwd, --security uid:77",
    { words: show("/etc/passwd", "--security", "uid:77") },
    (peer, skiff) => {
      expect(peer.stdout).toContain("peer:x:4242:");
      expect(skiff.stdout).toContain("peer:x:77:");
    },
  );
  same("a user bind over /etc/passwd wins", {
    words: ["exec", "-B", "@lab/data/file:/etc/passwd", "@img", "cat", "/etc/passwd"],
    prints: "hello",
  });
  same("/etc/resolv.conf", { words: show("/etc/resolv.conf"), code: 0 });
  same("--dns", {
    words: show("/etc/resolv.conf", "--dns", "192.0.2.1,2001:db8::1"),
    prints: "nameserver",
  });
  same("--dns with blanks", { words: show("/etc/resolv.conf", "--dns", "192.0.2.1, 192.0.2.2") });
  same("--hostname", { words: show("/etc/hostname", "--hostname", "box"), prints: "box" });
  same("/etc/hosts with --contain and a network", {
    words: show("/etc/hosts", "--contain", "--net", "--network", "none"),
  });
  same("/etc/hosts with a network", { words: show("/etc/hosts", "--net", "--network", "none") });
  same("an image without passwd", {
    before: "cp -a @lab/bare @own/x && rm @own/x/etc/passwd @own/x/etc/group",
    words: ["exec", "@own/x", "ls", "/etc"],
    says: /passwd/,
  });
  same("an image that has the uid already", {
    before:
      "cp -a @lab/bare @own/x && echo 'someone:x:4242:1:old name:/old:/bin/ash' >> @own/x/etc/passwd",
    words: [
      "exec",
      "@own/x",
      "sh",
      "-c",
      "grep -c 4242 /etc/passwd; grep 4242 /etc/passwd | cut -d: -f3,4,6,7",
    ],
  });
  same("a passwd without a last line end", {
    before:
      "cp -a @lab/bare @own/x && printf 'a:x:1:1::/:/bin/sh' > @own/x/etc/passwd && printf 'a:x:1:' > @own/x/etc/group",
    words: ["exec", "@own/x", "cat", "/etc/passwd", "/etc/group"],
  });
});

describe("/dev", () => {
  for (const flags of [
    ["--contain"],
    ["--contain", "--ipc"],
    ["--containall"],
    ["--contain", "--no-mount", "devpts"],
    ["--contain", "--no-mount", "dev"],
    ["--contain", "--nv"],
  ]) {
    same(flags.join(" "), {
      words: [
        "exec",
        ...flags,
        "@img",
        "sh",
        "-c",
        "ls -l /dev | awk '{print $1, $NF}' | grep -v total; echo x > /dev/null; head -c 2 /dev/zero | od -c; stat -c %a /dev/shm",
      ],
    });
  }
  same("shared memory with --contain", {
    words: ["exec", "--contain", "@img", "sh", "-c", "echo hi > /dev/shm/f && cat /dev/shm/f"],
    prints: "hi",
  });
  same("the host's", {
    words: ["exec", "@img", "sh", "-c", "test -e /dev/full && echo full"],
    prints: "full",
  });
});
