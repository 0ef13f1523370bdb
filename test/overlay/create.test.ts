import { beforeAll, describe, expect } from "bun:test";
import { existsSync, mkdirSync, readdirSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { BUSYBOX, giveTo, IMAGE_TREE, makeTree } from "../launch/image-tree.ts";
import { noFuse, noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { run, skiff, start } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** `overlay create`, and launches with what it makes. */
const dir = scratch();
const user = ordinaryUser();
const lack = firstReason(
  noUserNamespaces(),
  noFuse(),
  existsSync(BUSYBOX) ? undefined : noTool("busybox"),
  ...["mksquashfs", "mkfs.ext3", "debugfs", "e2fsck", "fuse2fs", "fuse-overlayfs"].map(noTool),
);
const MIB = 1024 * 1024;
let count = 0;

beforeAll(async () => {
  if (lack !== undefined) return;
  makeTree(`${dir}/img`, IMAGE_TREE);
  if (isRoot && user !== undefined) giveTo(dir, user);
  await skiff(["build", `${dir}/img.sif`, `${dir}/img`]);
});

/** A directory for one test. */
function place(): string {
  const path = `${dir}/${++count}`;
  mkdirSync(path);
  if (isRoot && user !== undefined) giveTo(path, user);
  return path;
}

async function say(args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await skiff(args, { cwd });
  expect(code, stderr).toBe(0);
  return stdout;
}

async function debugfs(image: string, request: string): Promise<string> {
  return (await run(["/sbin/debugfs", "-R", request, image], { as: "self" })).stdout;
}

describe("overlay create", () => {
  testUnless(lack)("makes a sound ext3 file of the size asked for, the caller's", async () => {
    const at = place();
    await say(["overlay", "create", "--size", "70", "o.img"], at);
    const stat = statSync(`${at}/o.img`);
    expect([stat.size, stat.mode & 0o777, stat.uid]).toEqual([70 * MIB, 0o600, user?.uid ?? -1]);
    expect(stat.blocks * 512).toBeGreaterThanOrEqual(70 * MIB);
    expect((await run(["/sbin/e2fsck", "-fn", `${at}/o.img`], { as: "self" })).code).toBe(0);
    const upper = await debugfs(`${at}/o.img`, "stat /upper");
    expect(upper).toMatch(new RegExp(`Mode:\\s+0755[^]*User:\\s+${user?.uid}\\s`));
    expect(readdirSync(at)).toEqual(["o.img"]);
  });

  testUnless(lack)("--sparse takes little room, --create-dir makes directories", async () => {
    const at = place();
    const flags = ["--sparse", "--size", "1000", "--create-dir", "/usr/local/x,a b/c"];
    await say(["overlay", "create", ...flags, "o.img"], at);
    const { size, blocks } = statSync(`${at}/o.img`);
    expect(size).toBe(1000 * MIB);
    expect(blocks * 512).toBeLessThan(100 * MIB);
    const list = ["exec", "--overlay", "o.img", "../img.sif", "sh", "-c"];
    expect(
      await say([...list, "touch /usr/local/x/f '/a b/c/f' && ls -d /usr/local/x /a*/c"], at),
    ).toBe("/a b/c\n/usr/local/x\n");
  });

  testUnless(lack)("what is written stays, also with --fakeroot", async () => {
    const at = place();
    await say(["overlay", "create", "--sparse", "o.img"], at);
    await say(["overlay", "create", "--sparse", "--fakeroot", "f.img"], at);
    await say(["exec", "--overlay", "o.img", "../img.sif", "sh", "-c", "echo a > /kept"], at);
    expect(await say(["exec", "--overlay", "o.img:ro", "../img.sif", "cat", "/kept"], at)).toBe(
      "a\n",
    );
    const fake = ["exec", "--fakeroot", "--overlay"];
    await say(
      [...fake, "f.img", "../img.sif", "sh", "-c", "echo b > /k; chown 5:6 /k; rm /bin/whoami"],
      at,
    );
    expect(await say([...fake, "f.img:ro", "../img.sif", "stat", "-c", "%u:%g", "/k"], at)).toBe(
      "5:6\n",
    );
    const refused = await skiff(["exec", "--overlay", "f.img", "../img.sif", "true"], { cwd: at });
    expect([refused.code, refused.stderr]).toEqual([
      255,
      expect.stringContaining("/upper in it belongs to user 0 and is not writable"),
    ]);
  });

  testUnless(lack)("what was deleted stays deleted when the layer is only read", async () => {
    const at = place();
    await say(["overlay", "create", "--sparse", "o.img"], at);
    const use = (suffix: string, script: string): Promise<string> =>
      say(["exec", "--overlay", `o.img${suffix}`, "../img", "sh", "-c", script], at);
    await use("", "rm /bin/whoami; rm -r /srv; mkdir /srv; touch /srv/new");
    writeFileSync(`${at}/f`, "bound\n");
    const bind = ["exec", "--overlay", "o.img", "-B", "f:/srv/f", "../img", "cat", "/srv/f"];
    expect(await say(bind, at)).toBe("bound\n");
    const look = "ls -a /srv; test -e /bin/whoami || echo gone; ls -a /bin | grep wh || true";
    expect(await use(":ro", look)).toMatch(/^[.]\n[.][.]\n(f\n)?new\ngone\n$/);
    expect(await use("", look)).toMatch(/^[.]\n[.][.]\n(f\n)?new\ngone\n$/);
  });

  testUnless(lack)("adds a partition to a SIF, which every launch then uses", async () => {
    const at = place();
    await run(["cp", "../img.sif", "x.sif"], { cwd: at });
    await say(["overlay", "create", "--sparse", "x.sif"], at);
    expect(await say(["sif", "list", "x.sif"], at)).toContain("FS (Ext3/Overlay/");
    await say(
      ["exec", "--writable", "x.sif", "sh", "-c", "mkdir /real && ln -s real /way && echo w > /w"],
      at,
    );
    const look = "cat /w /way/f; touch /new 2>/dev/null || echo read-only";
    writeFileSync(`${at}/f`, "bound\n");
    expect(await say(["exec", "-B", "f:/way/f", "x.sif", "sh", "-c", look], at)).toBe(
      "w\nbound\nread-only\n",
    );
    expect(await say(["exec", "--overlay", "x.sif:ro", "../img", "cat", "/w"], at)).toBe("w\n");
    const again = await skiff(["overlay", "create", "x.sif"], { cwd: at });
    expect([again.code, again.stderr]).toEqual([
      255,
      expect.stringContaining("a writable overlay partition already exists in x.sif (ID: "),
    ]);
  });

  const refusals: readonly (readonly [readonly string[], string])[] = [
    [["o.img"], "EXT3 overlay image o.img already exists"],
    [["--size", "63", "n.img"], "image size must be equal or greater than 64 MiB"],
    [["--size", "17000000", "n.img"], "image size must be equal or greater than 64 MiB"],
    [["--size", "16000000", "n.img"], "Cannot make an overlay of 16000000 MiB: "],
    [["--create-dir", "../x", "n.img"], "overlay directory created outside of overlay layout"],
    [["no/n.img"], "no such file or directory"],
    [["text"], "image format not recognized"],
    [["."], "destination image must be SIF image"],
    [["/etc/n.img"], "ermission denied"],
    [["cut.sif"], "cut.sif"],
  ];
  for (const [words, says] of refusals) {
    testUnless(lack)(`refuses ${words.join(" ")}`, async () => {
      const at = place();
      writeFileSync(`${at}/text`, "no image\n");
      await run(["cp", `${dir}/img.sif`, `${at}/cut.sif`]);
      truncateSync(`${at}/cut.sif`, 20_000);
      await say(["overlay", "create", "--sparse", "o.img"], at);
      const { code, stderr } = await skiff(["overlay", "create", ...words], { cwd: at });
      expect([code, stderr]).toEqual([255, expect.stringContaining(says)]);
      expect(readdirSync(at).sort()).toEqual(["cut.sif", "o.img", "text"]);
    });
  }

  testUnless(lack)("killed at any moment it leaves no file, and a SIF as it was", async () => {
    const at = place();
    await run(["cp", "../img.sif", "x.sif"], { cwd: at });
    const before = await say(["sif", "list", "x.sif"], at);
    for (let i = 0; i < 12; i++) {
      const target = i % 2 === 0 ? "o.img" : "x.sif";
      const child = start([skiffPath, "overlay", "create", "--size", "100", target], { cwd: at });
      await Bun.sleep(Math.random() * 60);
      child.kill("SIGKILL");
      await child.exited;
      const list = await say(["sif", "list", "x.sif"], at);
      if (list !== before) expect(list).toContain("FS (Ext3/Overlay/");
      expect(readdirSync(at).filter((name) => name !== "o.img" || i % 2 === 0)).toContain("x.sif");
      expect(readdirSync(at).every((name) => name === "o.img" || name === "x.sif")).toBe(true);
      await run(["rm", "-f", "o.img"], { cwd: at });
      if (list !== before) break;
    }
    expect(await say(["exec", "x.sif", "echo", "sound"], at)).toBe("sound\n");
  });
});

describe("an overlay image in use", () => {
  testUnless(lack)(
    "is refused to others while it is written, and free when its user is killed",
    async () => {
      const at = place();
      await say(["overlay", "create", "--sparse", "o.img"], at);
      const use = (overlay: string, ...words: string[]): string[] => [
        "exec",
        "--overlay",
        overlay,
        "../img.sif",
        ...words,
      ];
      const holder = start([skiffPath, ...use("o.img", "sh", "-c", "echo on; exec sleep 60")], {
        cwd: at,
      });
      await holder.stdout.getReader().read();
      const [writer, reader] = await Promise.all([
        skiff(use("o.img", "true"), { cwd: at }),
        skiff(use("o.img:ro", "true"), { cwd: at }),
      ]);
      expect([writer.code, writer.stderr]).toEqual([
        255,
        expect.stringContaining("for writing, currently in use by another process"),
      ]);
      expect([reader.code, reader.stderr]).toEqual([
        255,
        expect.stringContaining("for reading, currently in use for writing by another process"),
      ]);
      holder.kill("SIGKILL");
      await holder.exited;
      expect(await say(use("o.img", "echo", "free"), at)).toBe("free\n");
    },
  );

  testUnless(lack)("is shared by readers", async () => {
    const at = place();
    await say(["overlay", "create", "--sparse", "o.img"], at);
    const use = ["exec", "--overlay", "o.img:ro", "../img.sif"];
    const holder = start([skiffPath, ...use, "sh", "-c", "echo on; exec sleep 60"], { cwd: at });
    await holder.stdout.getReader().read();
    expect(await say([...use, "echo", "shared"], at)).toBe("shared\n");
    holder.kill("SIGKILL");
    await holder.exited;
  });
});
