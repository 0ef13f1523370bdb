import { describe, expect } from "bun:test";
import { make, peerLab } from "./peer-lab.ts";

/** Layers over the image (reference: runtime.md 4.6), images in other forms, and --writable. */
const { same, differ } = peerLab(async (lab) => {
  await make(
    lab,
    "mkdir -p ov/upper ov/work && echo over > ov/upper/over && mksquashfs ov/upper ov.sqfs -quiet -no-progress >/dev/null",
  );
  await make(lab, "truncate -s 16M ov.ext3 && mke2fs -q -t ext3 -d ov ov.ext3");
  await make(
    lab,
    "mkdir plain && echo plain > plain/over && mkdir -p plain2/upper && echo plain2 > plain2/upper/over",
  );
  await make(lab, "mksquashfs img img.sqfs -quiet -no-progress >/dev/null");
  await make(lab, "truncate -s 16M img.ext3 && mke2fs -q -t ext3 -d img img.ext3");
  await make(lab, "{ printf '#!/usr/bin/env run-singularity\\n'; cat img.sqfs; } > old.img");
  const add = async (sif: string, fs: string, file: string): Promise<void> => {
    const words = ["--datatype", "4", "--parttype", "4", "--partfs", fs, "--partarch", "2"];
    const at = (name: string): string => `${lab.inside}/${name}`;
    const done = await lab.run([
      ...[lab.peer, "sif", "add", ...words, "--groupid", "1", at(sif), at(file)],
    ]);
    if (done.code !== 0) throw new Error(done.stderr);
  };
  await make(lab, "cp img.sif ext3.sif && cp img.sif sqfs.sif");
  await add("ext3.sif", "2", "ov.ext3");
  await add("sqfs.sif", "1", "ov.sqfs");
});

const write = "touch /new && echo made; cat /over";

describe("--overlay", () => {
  const rows: readonly (readonly [string, readonly string[], string | undefined])[] = [
    ["a directory", ["--overlay", "@own"], "made"],
    ["a directory, read-only, with upper", ["--overlay", "@lab/ov:ro"], "over"],
    ["a directory, read-only, without upper", ["--overlay", "@lab/plain:ro"], "plain"],
    [
      "two read-only ones, the last on top",
      ["--overlay", "@lab/plain:ro", "--overlay", "@lab/plain2:ro"],
      "plain2",
    ],
    ["two in one word", ["--overlay", "@lab/plain2:ro,@lab/plain:ro"], "plain"],
    [
      "a read-only and a writable one",
      ["--overlay", "@lab/plain:ro", "--overlay", "@own"],
      "plain",
    ],
    ["a writable one first", ["--overlay", "@own", "--overlay", "@lab/plain:ro"], "plain"],
    ["two writable ones", ["--overlay", "@own", "--overlay", "@lab/ov"], undefined],
    ["a squashfs file", ["--overlay", "@lab/ov.sqfs"], "over"],
    ["a squashfs file, read-only", ["--overlay", "@lab/ov.sqfs:ro"], "over"],
    ["an ext3 file, read-only", ["--overlay", "@lab/ov.ext3:ro"], "over"],
    ["a missing one", ["--overlay", "/nosuch"], undefined],
    ["a file that is no image", ["--overlay", "@lab/data/file"], undefined],
    ["with --writable-tmpfs", ["--overlay", "@lab/plain:ro", "--writable-tmpfs"], "plain"],
    ["a writable one with --writable-tmpfs", ["--overlay", "@own", "--writable-tmpfs"], undefined],
    ["with --writable", ["--overlay", "@own", "--writable"], undefined],
    ["with --fakeroot", ["--fakeroot", "--overlay", "@own"], "made"],
    ["a SIF with an overlay partition", ["--overlay", "@lab/sqfs.sif:ro"], "over"],
  ];
  for (const [name, flags, prints] of rows) {
    for (const image of ["@img", "@sif"]) {
      same(`${name}, ${image.slice(1)}`, {
        words: ["exec", ...flags, image, "sh", "-c", write],
        ...(prints === undefined ? { code: 255 } : { prints }),
      });
    }
  }
  for (const image of ["@img", "@sif"]) {
    same(`what is written stays, ${image.slice(1)}`, {
      words: [
        "exec",
        "--overlay",
        "@own",
        image,
        "sh",
        "-c",
        "echo x > /kept; mkdir /etc/d; rm /etc/hosts.none /bin/true; chmod 700 /opt; cat /kept",
      ],
      after:
        "cat @own/upper/kept; find @own/upper -printf '%P %y %m\\n' | grep -v '[.]wh[.]' | sort",
      prints: "x",
    });
    same(`an ext3 file keeps it, ${image.slice(1)}`, {
      before: "cp @lab/ov.ext3 @own/o.ext3",
      words: [
        "exec",
        "--overlay",
        "@own/o.ext3",
        image,
        "sh",
        "-c",
        "echo x > /kept; cat /kept /over",
      ],
      prints: "x\nover",
    });
  }
  same("a writable overlay shows missing mount points", {
    words: [
      "exec",
      "--overlay",
      "@own",
      "-B",
      "@lab/data:/brand/new",
      "@img",
      "cat",
      "/brand/new/file",
    ],
    prints: "hello",
  });
  same("a directory that cannot be written is refused", {
    before: "mkdir -p @own/o/upper; chmod 555 @own/o @own/o/upper",
    words: ["exec", "--overlay", "@own/o", "@img", "true"],
    code: 255,
    says: /not writable/,
  });
  differ(
    "a SIF without an overlay partition is refused",
    { words: ["exec", "--overlay", "@sif:ro", "@img", "echo", "hi"] },
    (peer, skiff) => {
      expect(peer.code).toBe(0);
      expect([skiff.code, skiff.stderr]).toEqual([
        255,
        expect.stringContaining("no overlay partition"),
      ]);
    },
  );
});

describe("--writable-tmpfs", () => {
  for (const image of ["@img", "@sif"]) {
    same(`takes writes and forgets them, ${image.slice(1)}`, {
      words: [
        "exec",
        "--writable-tmpfs",
        image,
        "sh",
        "-c",
        "echo x > /etc/new && cat /etc/new; rm /bin/true; test -e /bin/true || echo gone",
      ],
      after: `test -e ${image}/etc/new || echo forgotten`,
      prints: "forgotten",
      code: 0,
    });
    if (image === "@sif") continue;
    same("holds 64 MiB", {
      words: [
        "exec",
        "--writable-tmpfs",
        image,
        "sh",
        "-c",
        "dd if=/dev/zero of=/big bs=1M count=80 2>/dev/null; echo $?; test $(stat -c %s /big) -lt 67108864 && echo bounded",
      ],
      prints: "bounded",
    });
  }
});

describe("--writable", () => {
  same("of a SIF that is unpacked", {
    words: [
      ...["exec", "--unsquash", "--writable", "@sif", "sh", "-c"],
      "echo new > /etc/new; rm -r /opt; cat /etc/new; ls -d /opt; exit 7",
    ],
    env: { APPTAINER_TMPDIR: "@own" },
    after: "ls @own",
    code: 7,
    prints: /^new$/m,
  });
  const sandbox = "cp -a @lab/img @own/box";
  same("a sandbox takes writes", {
    before: sandbox,
    words: ["exec", "--writable", "@own/box", "sh", "-c", "echo x > /etc/new; cat /etc/new"],
    after: "cat @own/box/etc/new",
    prints: "x\nx",
  });
  same("the mount table", {
    before: sandbox,
    cwd: "/home/peer",
    words: ["exec", "--writable", "@own/box", "sh", "-c", "mounts | grep -v ^/home; ls /home ~"],
  });
  same("a missing working directory is skipped", {
    before: sandbox,
    words: ["exec", "--writable", "@own/box", "pwd"],
    says: /WARNING/,
  });
  same("a missing bind point is fatal", {
    before: sandbox,
    cwd: "/home/peer",
    words: ["exec", "--writable", "-B", "@lab/data:/brand/new", "@own/box", "true"],
    code: 255,
  });
  same("a bind point that it has serves", {
    before: sandbox,
    cwd: "/home/peer",
    words: ["exec", "--writable", "-B", "@lab/data:/opt", "@own/box", "cat", "/opt/file"],
    prints: "hello",
  });
  same("with --fakeroot", {
    before: sandbox,
    cwd: "/home/peer",
    words: [
      "exec",
      "--fakeroot",
      "--writable",
      "@own/box",
      "sh",
      "-c",
      "id -u; touch /etc/f; chown 5:6 /etc/f; stat -c %u:%g /etc/f; cat /etc/passwd",
    ],
  });
  same("with --contain", {
    before: sandbox,
    words: [
      "exec",
      "--writable",
      "--contain",
      "@own/box",
      "sh",
      "-c",
      "mounts | grep -v ^/home; ls /home ~; touch ~/x; pwd",
    ],
  });
  same("with --no-home", {
    before: sandbox,
    cwd: "/",
    words: ["exec", "--writable", "--no-home", "@own/box", "mounts"],
  });
  same("a SIF cannot be written", {
    words: ["exec", "--writable", "@sif", "true"],
    code: 255,
    says: /no SIF writable overlay partition found/,
  });
  same("a squashfs file cannot", {
    words: ["exec", "--writable", "@lab/img.sqfs", "true"],
    code: 255,
  });
  same("with --writable-tmpfs", {
    before: sandbox,
    words: ["exec", "--writable", "--writable-tmpfs", "@own/box", "true"],
  });
  same("an ext3 file takes writes", {
    before: "cp @lab/img.ext3 @own/x.ext3",
    cwd: "/",
    words: ["exec", "--writable", "@own/x.ext3", "sh", "-c", "echo x > /opt/new && cat /opt/new"],
  });
  same("a SIF with an ext3 overlay takes writes", {
    before: "cp @lab/ext3.sif @own/x.sif",
    words: [
      "exec",
      "--writable",
      "@own/x.sif",
      "sh",
      "-c",
      "echo x > /opt/new && cat /opt/new /over",
    ],
  });
});

describe("forms of images", () => {
  for (const file of ["img.sqfs", "img.ext3", "old.img", "ext3.sif", "sqfs.sif"]) {
    same(`${file} runs`, {
      words: ["exec", `@lab/${file}`, "sh", "-c", "echo $E2; touch /x || echo read-only"],
      prints: "image-two\nread-only",
    });
    same(`${file} has mount points made`, {
      words: ["exec", "-B", "@lab/data:/a/b", `@lab/${file}`, "cat", "/a/b/file"],
      prints: "hello",
    });
    same(`${file}, --fakeroot`, {
      words: [
        "exec",
        "--fakeroot",
        `@lab/${file}`,
        "sh",
        "-c",
        "id -u; stat -c %u:%g /bin/busybox",
      ],
    });
  }
  same("overlay partitions of a SIF are seen", {
    words: ["exec", "@lab/sqfs.sif", "cat", "/over"],
    prints: "over",
  });
  same("an ext3 one too", { words: ["exec", "@lab/ext3.sif", "cat", "/over"], prints: "over" });
  same("files belong to whom they should", {
    words: ["exec", "@sif", "stat", "-c", "%u:%g %a", "/bin/busybox", "/tmp", "/"],
  });
  same("files of a directory do", {
    words: ["exec", "@img", "stat", "-c", "%u:%g", "/bin/busybox", "/tmp"],
  });
  same("the root directory has the image's mode", {
    words: ["exec", "@img", "stat", "-c", "%a", "/", "/etc", "/tmp", "/root"],
  });
});

describe("--underlay", () => {
  for (const image of ["@img", "@sif"]) {
    same(`missing mount points, ${image.slice(1)}`, {
      words: [
        "exec",
        "--underlay",
        "-B",
        "@lab/data:/brand/new/place,@lab/data/file:/etc/newfile",
        image,
        "sh",
        "-c",
        "cat /brand/new/place/file /etc/newfile; ls /; ls /etc; touch /x || echo read-only",
      ],
      prints: "hello\nhello",
    });
    same(`links of the image, ${image.slice(1)}`, {
      words: ["exec", "--underlay", "-B", "@lab/data:/lnk/x", image, "cat", "/opt/x/file"],
      prints: "hello",
    });
  }
  same("with --writable-tmpfs", {
    words: ["exec", "--underlay", "--writable-tmpfs", "@img", "sh", "-c", "touch /x && echo ok"],
  });
  same("with --overlay", {
    words: ["exec", "--underlay", "--overlay", "@own", "@img", "sh", "-c", "touch /x && echo ok"],
  });
  same("with --contain", {
    words: [
      "exec",
      "--underlay",
      "--contain",
      "@img",
      "sh",
      "-c",
      "ls /dev; touch /tmp/x && echo ok",
    ],
  });
});

describe("--unsquash", () => {
  same("runs from a temporary directory", {
    words: ["exec", "--unsquash", "@sif", "sh", "-c", "echo $E2; ls /bin | wc -l"],
    prints: "image-two",
  });
  same("leaves nothing there", {
    words: ["exec", "--unsquash", "@sif", "true"],
    env: { TMPDIR: "@own" },
    after: "sleep 0.3; ls -A @own",
    code: 0,
  });
  same("with --fakeroot", {
    words: ["exec", "--unsquash", "--fakeroot", "@sif", "id", "-u"],
    prints: "0",
  });
  same("a directory is as it is", {
    words: ["exec", "--unsquash", "@img", "echo", "hi"],
    prints: "hi",
  });
  differ(
    "shows the image, not the temporary directory, in the environment",
    { words: ["exec", "--unsquash", "@sif", "sh", "-c", "echo $APPTAINER_CONTAINER"] },
    (peer, skiff) => {
      expect(peer.stdout).toMatch(/rootfs-/);
      expect(skiff.stdout).toBe("@lab/img.sif\n");
    },
  );
});

same("the directory of an overlay can be searched and removed afterwards", {
  before: "mkdir @own/ov",
  words: ["exec", "--overlay", "@own/ov", "@sif", "touch", "/made"],
  after: "find @own/ov/work -printf '%P %m\\n'; rm -r @own/ov && echo gone",
  prints: "gone",
  code: 0,
});
