import { describe } from "bun:test";
import { make, peerLab } from "./peer-lab.ts";

/** Binds, as the peer makes them (reference: runtime.md 4.5). */
const { same } = peerLab(async (lab) => {
  await make(lab, "mksquashfs data data.sqfs -quiet -no-progress >/dev/null");
  await make(lab, "truncate -s 8M data.ext3 && mke2fs -q -t ext3 -d data data.ext3");
  await make(lab, "cp img.sif with-data.sif");
  for (const [fs, file] of [
    ["1", "data.sqfs"],
    ["2", "data.ext3"],
  ] as const) {
    const words = ["--datatype", "4", "--parttype", "3", "--partfs", fs, "--partarch", "2"];
    const at = (name: string): string => `${lab.inside}/${name}`;
    const added = await lab.run([
      ...[lab.peer, "sif", "add", ...words, "--groupid", "1", at("with-data.sif"), at(file)],
    ]);
    if (added.code !== 0) throw new Error(added.stderr);
  }
});

describe("--bind", () => {
  const cat = (bind: string, path: string) => ["exec", "--bind", bind, "@img", "cat", path];
  const rows: readonly (readonly [string, readonly string[], string | undefined])[] = [
    [
      "a directory on a place that the image lacks",
      cat("@lab/data:/new/deep/place", "/new/deep/place/file"),
      "hello",
    ],
    ["a directory on one that it has", cat("@lab/data:/opt", "/opt/file"), "hello"],
    ["a file on a file", cat("@lab/data/file:/etc/hosts", "/etc/hosts"), "hello"],
    [
      "a file on a place that the image lacks",
      cat("@lab/data/file:/one/file.txt", "/one/file.txt"),
      "hello",
    ],
    ["the same path when no destination is given", cat("@lab/data", "@lab/data/file"), "hello"],
    ["several binds in one word", cat("@lab/data:/a,@lab/data/sub:/b", "/b/x"), "x"],
    [
      "several words",
      ["exec", "-B", "@lab/data:/a", "-B", "@lab/data/sub:/b", "@img", "cat", "/a/file", "/b/x"],
      "hello\nx",
    ],
    ["a glued short option", ["exec", "-B@lab/data:/a", "@img", "cat", "/a/file"], "hello"],
    ["a relative source", cat("sub:/b", "/b/x"), "x"],
    ["a source with a dot", cat(".:/b", "/b/file"), "hello"],
    ["an escaped colon", cat("@lab/data/a\\:b:/b", "/b/f"), "colon"],
    ["an escaped comma", cat("@lab/data/c\\,d:/b", "/b/f"), "comma"],
    ["a blank in a name", cat("@lab/data/s p:/b c", "/b c/f"), "space"],
    ["a quote in a name", cat('@lab/data/q"e:/b', "/b/f"), "quote"],
    ["a source in the second place", cat(":@lab/data", "@lab/data/file"), "hello"],
    ["an option that belongs to the word before", cat("@lab/data:/a:ro,rw", "/a/file"), "hello"],
    [
      "a word that is no option starts a new bind",
      cat("@lab/data:/a,@lab/data/sub", "@lab/data/sub/x"),
      "x",
    ],
    ["a trailing slash", cat("@lab/data/:/a/", "/a/file"), "hello"],
    ["a destination with ..", cat("@lab/data:/opt/../a", "/a/file"), "hello"],
    ["a destination below another bind", cat("@lab/data:/a,@lab/data/sub:/a/own", "/a/own/x"), "x"],
    [
      "a destination below a bind that lacks it",
      cat("@lab/data:/a,@lab/data/sub:/a/none", "/a/none/x"),
      undefined,
    ],
    ["a missing source", cat("/nosuch:/a", "/a/x"), undefined],
    ["a relative destination", cat("@lab/data:a", "/a/file"), undefined],
    ["an unknown option", cat("@lab/data:/a:bad", "/a/file"), undefined],
    ["too many colons", cat("@lab/data:/a:ro:x", "/a/file"), undefined],
    ["a directory on a file", cat("@lab/data:/etc/passwd", "/etc/passwd"), undefined],
    ["a file on a directory", cat("@lab/data/file:/opt", "/opt"), undefined],
    ["the same destination twice", cat("@lab/data:/a,@lab/data/sub:/a", "/a/file"), "hello"],
    ["a destination behind a link of the image", cat("@lab/data:/lnk/a", "/lnk/a/file"), "hello"],
    ["an empty word", cat("", "/etc/group"), undefined],
    [
      "a file in the scripts' directory",
      [
        "exec",
        "-B",
        "@lab/data/file:/.singularity.d/env/99-file.sh",
        "@img",
        "cat",
        "/.singularity.d/env/99-file.sh",
      ],
      "hello",
    ],
    ["/tmp is the user's", ["exec", "-B", "@lab/data:/tmp", "@img", "cat", "/tmp/file"], "hello"],
    [
      "a home of the user's choice",
      ["exec", "-B", "@lab/data:/home/peer", "@img", "sh", "-c", "echo ~; cat ~/file"],
      undefined,
    ],
    ["a directory below the image's own", cat("@lab/data:/etc/new", "/etc/new/file"), "hello"],
    ["the root directory", cat("/:/rootfs", "/rootfs/etc/hostname"), undefined],
  ];
  for (const [name, words, prints] of rows) {
    same(`${name}`, { words, ...(prints === undefined ? {} : { prints, code: 0 }) });
    if (!name.includes("lacks")) continue;
    same(`${name}, in a SIF`, { words: words.map((w) => w.replace("@img", "@sif")) });
  }

  same("ro forbids writing", {
    words: ["exec", "-B", "@own:/a:ro", "@img", "touch", "/a/new"],
    after: "ls @own",
    code: 1,
  });
  for (const options of ["ro,rw", "rw,ro"]) {
    same(`is read-only with ${options}`, {
      words: ["exec", "-B", `@own:/a:${options}`, "@img", "touch", "/a/new"],
      code: 1,
    });
  }
  for (const words of [
    ["-B", "@lab/data:/"],
    ["--mount", "src=@lab/data,dst=/opt/.."],
  ]) {
    same(`the root stays: ${words.join(" ")}`, {
      words: ["exec", ...words, "@img", "ls", "/"],
      prints: /^bin$/m,
    });
  }
  same("rw allows it", {
    words: ["exec", "-B", "@own:/a:rw", "@img", "touch", "/a/new"],
    after: "ls @own",
    code: 0,
    prints: "new",
  });
  same("ro and nothing else shows in the mount table", {
    words: ["exec", "-B", "@lab/data:/a:ro,@lab/data/sub:/b", "@img", "mounts"],
    code: 0,
  });
  same("sub-mounts come along", {
    words: [
      "exec",
      "-B",
      "/dev:/hostdev",
      "@img",
      "sh",
      "-c",
      "test -d /hostdev/pts && ls /hostdev/shm >/dev/null && echo yes",
    ],
    prints: "yes",
  });
  same("the environment gives binds", {
    words: ["exec", "@img", "sh", "-c", "cat /a/file; env | grep BIND | sort"],
    env: { SINGULARITY_BIND: "@lab/data:/a" },
    prints: "hello",
  });
  same("both names of the variable, and the command line", {
    words: [
      "exec",
      "-B",
      "@lab/data/sub:/b",
      "@img",
      "sh",
      "-c",
      "ls /a /b; env | grep BIND | sort",
    ],
    env: { APPTAINER_BINDPATH: "@lab/data:/a" },
  });
  same("the variables list the destinations", {
    words: [
      "exec",
      "-B",
      "@lab/data:/a:ro,sub:/b",
      "--mount",
      "type=bind,src=@lab/data,dst=/c",
      "@img",
      "sh",
      "-c",
      "env | grep BIND | sort",
    ],
    prints: "APPTAINER_BIND=/a,/b,/c",
  });
  same("a missing source is told by name", {
    words: ["exec", "-B", "/nosuch:/a", "@img", "true"],
    says: /mount source \/nosuch doesn't exist/,
    code: 255,
  });
  same("a bad option is told by name", {
    words: ["exec", "-B", "/tmp:/b:bad", "@img", "true"],
    says: /bad is not a valid bind option/,
    code: 255,
  });
  same("a device below a minimal /dev", {
    words: [
      "exec",
      "--contain",
      "-B",
      "/dev/full",
      "@img",
      "sh",
      "-c",
      "ls /dev; echo x > /dev/full",
    ],
    cwd: "/",
  });
  same("the whole /dev with --contain", {
    words: [
      "exec",
      "--contain",
      "-B",
      "/dev",
      "@img",
      "sh",
      "-c",
      "test -e /dev/full && echo full",
    ],
    prints: "full",
  });
  same("a device on another name is refused", {
    words: ["exec", "--contain", "-B", "/dev/full:/dev/other", "@img", "ls", "/dev"],
  });
});

describe("--mount", () => {
  const mount = (spec: string, ...command: string[]) => [
    "exec",
    "--mount",
    spec,
    "@img",
    ...command,
  ];
  const rows: readonly (readonly [string, readonly string[], string | undefined])[] = [
    [
      "source and destination",
      mount("type=bind,source=@lab/data,destination=/a", "cat", "/a/file"),
      "hello",
    ],
    ["short keys", mount("type=bind,src=@lab/data,dst=/a", "cat", "/a/file"), "hello"],
    ["target", mount("type=bind,src=@lab/data,target=/a", "cat", "/a/file"), "hello"],
    ["no type", mount("src=@lab/data,dst=/a", "cat", "/a/file"), "hello"],
    ["ro", mount("type=bind,src=@lab/data,dst=/a,ro", "touch", "/a/x"), undefined],
    ["readonly", mount("type=bind,src=@lab/data,dst=/a,readonly", "touch", "/a/x"), undefined],
    ["rw is no key", mount("type=bind,src=@lab/data,dst=/a,rw", "true"), undefined],
    ["another type", mount("type=tmpfs,dst=/a", "true"), undefined],
    [
      "bind-propagation",
      mount("type=bind,src=@lab/data,dst=/a,bind-propagation=shared", "true"),
      undefined,
    ],
    ["no source", mount("type=bind,dst=/a", "true"), undefined],
    ["no destination", mount("type=bind,src=@lab/data", "true"), undefined],
    ["a relative source", mount("type=bind,src=sub,dst=/a", "cat", "/a/x"), "x"],
    [
      "a quoted field with a comma",
      mount('type=bind,"src=@lab/data/c,d",dst=/a', "cat", "/a/f"),
      "comma",
    ],
    ["a doubled quote", mount('type=bind,"src=@lab/data/q""e",dst=/a', "cat", "/a/f"), "quote"],
    [
      "a colon needs no escape",
      mount("type=bind,src=@lab/data/a:b,dst=/a", "cat", "/a/f"),
      "colon",
    ],
    [
      "two mounts in two lines",
      mount("src=@lab/data,dst=/a\nsrc=@lab/data/sub,dst=/b", "cat", "/a/file", "/b/x"),
      "hello\nx",
    ],
    ["a quote that does not end", mount('type=bind,"src=@lab/data,dst=/a', "true"), undefined],
    ["an unknown key", mount("type=bind,src=@lab/data,dst=/a,colour=red", "true"), undefined],
    ["an empty word", mount("", "true"), undefined],
  ];
  for (const [name, words, prints] of rows) {
    same(name, { words, ...(prints === undefined ? {} : { prints, code: 0 }) });
  }
  same("the environment gives mounts", {
    words: ["exec", "@img", "cat", "/a/file"],
    env: { APPTAINER_MOUNT: "src=@lab/data,dst=/a" },
    prints: "hello",
  });
});

describe("binds out of image files", () => {
  const rows: readonly (readonly [string, readonly string[], string | undefined])[] = [
    ["a squashfs file", ["-B", "@lab/data.sqfs:/a:image-src=/"], "hello"],
    ["an empty image-src", ["-B", "@lab/data.sqfs:/a:image-src="], "hello"],
    ["an ext3 file", ["-B", "@lab/data.ext3:/a:image-src=/,ro"], "hello"],
    ["the first data partition of a SIF", ["-B", "@lab/with-data.sif:/a:image-src=/"], "hello"],
    ["a partition by its id", ["-B", "@lab/with-data.sif:/a:id=5,ro"], "hello"],
    ["an id that is no data partition", ["-B", "@lab/with-data.sif:/a:id=1"], undefined],
    ["an id that is not there", ["-B", "@lab/with-data.sif:/a:id=99"], undefined],
    ["an id that is no number", ["-B", "@lab/with-data.sif:/a:id=x"], undefined],
    ["a SIF without data", ["-B", "@sif:/a:image-src=/"], undefined],
    ["a directory that the image lacks", ["-B", "@lab/data.sqfs:/a:image-src=/nosuch"], undefined],
    ["a directory instead of a file", ["-B", "@lab/data:/a:image-src=/sub"], undefined],
    ["by --mount", ["--mount", "type=bind,src=@lab/data.sqfs,dst=/a,image-src=/"], "hello"],
    ["by --mount with an id", ["--mount", "type=bind,src=@lab/with-data.sif,dst=/a,id=4"], "hello"],
  ];
  for (const [name, flags, prints] of rows) {
    same(name, {
      words: ["exec", ...flags, "@img", "cat", "/a/file"],
      ...(prints === undefined ? {} : { prints, code: 0 }),
    });
  }
  same("a directory inside", {
    words: ["exec", "-B", "@lab/data.sqfs:/a:image-src=/sub", "@img", "ls", "/a"],
    prints: "x",
  });
  same("the root partition by its id", {
    words: [
      "exec",
      "-B",
      "@lab/with-data.sif:/a:id=3",
      "@img",
      "cat",
      "/a/.singularity.d/runscript",
    ],
    prints: "run",
  });
  same("a single file inside", {
    words: [
      "exec",
      "-B",
      "@lab/data.sqfs:/etc/hosts:image-src=/other",
      "@img",
      "cat",
      "/etc/hosts",
    ],
    prints: "other",
  });
  same("two directories of one file", {
    words: [
      "exec",
      "-B",
      "@lab/data.sqfs:/a:image-src=/sub,@lab/data.sqfs:/b:image-src=/own",
      "@img",
      "ls",
      "/a",
      "/b",
    ],
  });
  same("an ext3 file takes writes", {
    before: "cp @lab/data.ext3 @own/d.ext3",
    words: [
      "exec",
      "-B",
      "@own/d.ext3:/a:image-src=/",
      "@img",
      "sh",
      "-c",
      "echo new > /a/own/new && cat /a/own/new",
    ],
  });
  same("squashfs refuses them", {
    words: ["exec", "-B", "@lab/data.sqfs:/a:image-src=/", "@img", "touch", "/a/own/new"],
    code: 1,
  });
});

describe("binds among the other mounts", () => {
  const rows: readonly (readonly [string, readonly string[], string])[] = [
    ["below a scratch directory", ["--scratch", "/scr", "-B", "@lab/data:/scr/d"], "ls -R /scr"],
    ["below --contain's /tmp", ["--contain", "-B", "@lab/data:/tmp/d"], "ls -R /tmp"],
    ["over /etc: nothing else is there", ["-B", "@own:/etc"], "ls -A /etc"],
    ["a directory after what is bound into it", ["-B", "@lab/data/sub:/a/x,@own:/a"], "ls -R /a"],
    [
      "blanks around the words",
      ["-B", "@lab/data: /a: ro, @own:/b"],
      "ls /a; touch /a/n; ls -d /b",
    ],
    ["over the homes: a home is there", ["-B", "@own:/home"], "cd; pwd; touch n; ls -R /home"],
    ["over the homes, with --no-home", ["--no-home", "-B", "@own:/home"], "ls -A /home ~"],
    [
      "over the homes, with --no-mount",
      ["--no-mount", "home,cwd", "-B", "@own:/home"],
      "ls -A /home ~; pwd",
    ],
    ["over the homes, with --contain", ["--contain", "-B", "@own:/home"], "pwd; ls -R /home"],
  ];
  for (const [name, flags, look] of rows) {
    same(name, {
      before: "rm -f @own/localtime; touch @own/localtime @own/hosts @own/resolv.conf",
      words: ["exec", ...flags, "@img", "sh", "-c", look],
      after: "find @own -mindepth 1 -printf '%P %y %m\\n' | sort",
    });
  }
  same("--writable cannot make the place of --home", {
    words: ["exec", "--writable", "--home", "@own:/none/home", "@lab/bare", "true"],
    code: 255,
  });
});
