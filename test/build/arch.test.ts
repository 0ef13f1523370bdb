import { afterAll, expect } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { imageHost } from "../../src/host/image-host.ts";
import { openImage } from "../../src/image/open.ts";
import { noSubIds, noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { treeRoot } from "../support/tree.ts";

/*
 * `Bootstrap: arch` of a user, by the host's pacman from a repository on loopback.
 */

const dir = scratch();
const lack = firstReason(
  noUserNamespaces(),
  ...["mksquashfs", "pacman", "pacstrap", "makepkg", "bsdtar", "busybox", "zstd"].map(noTool),
);

const repository = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request) => {
    const path = `${dir}/repo${new URL(request.url).pathname}`;
    return existsSync(path) ? new Response(Bun.file(path)) : new Response("no", { status: 404 });
  },
});
afterAll(() => repository.stop(true));

/** Makes a package of files: text, or `-> target` of a link, or a path to copy. */
async function makePackage(
  name: string,
  files: Readonly<Record<string, string>>,
  install = "",
): Promise<void> {
  const root = `${dir}/packages/${name}`;
  for (const [path, content] of Object.entries(files)) {
    const to = `${root}/${path}`;
    mkdirSync(dirname(to), { recursive: true });
    if (content.startsWith("-> ")) symlinkSync(content.slice(3), to);
    else if (content.startsWith("/")) copyFileSync(content, to);
    else writeFileSync(to, content);
    if (!content.startsWith("-> ") && path.startsWith("usr/bin/")) chmodSync(to, 0o755);
  }
  const info = `pkgname = ${name}\npkgver = 1-1\npkgdesc = x\nbuilddate = 1600000000\nsize = 1\narch = x86_64\n`;
  writeFileSync(`${root}/.PKGINFO`, name === "base" ? info : `${info}depend = base\n`);
  if (install !== "") writeFileSync(`${root}/.INSTALL`, install);
  const names = readdirSync(root).sort();
  const file = `${dir}/repo/${name}-1-1-x86_64.pkg.tar.zst`;
  const words = ["--zstd", "--owner=0", "--group=0", "-C", root, "-cf", file, ...names];
  expect((await run(["tar", ...words], { as: "self" })).code).toBe(0);
}

async function makeRepository(): Promise<void> {
  if (existsSync(`${dir}/repo/core.db`)) return;
  mkdirSync(`${dir}/repo`, { recursive: true });
  const script = '#!/bin/sh\necho "$0" "$@"\n';
  await makePackage("base", {
    "usr/bin/sh": `${treeRoot}/dist/libexec/skiff/bash`,
    "usr/bin/busybox": "/bin/busybox",
    "usr/bin/pacman": script,
    "usr/bin/pacman-key": script,
    bin: "-> usr/bin",
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
  });
  await makePackage("haveged", { "usr/bin/haveged": script });
  const install = "post_install() {\n busybox chown 77:78 /var/lib/mini/state\n}\n";
  await makePackage("mini", { "var/lib/mini/state": "s\n" }, install);
  const packages = readdirSync(`${dir}/repo`).map((name) => `${dir}/repo/${name}`);
  const added = await run(["repo-add", "-q", `${dir}/repo/core.db.tar.gz`, ...packages], {
    as: "self",
  });
  expect([added.code, added.stderr]).toEqual([0, ""]);
  const config = `[options]\nArchitecture = auto\nSigLevel = Never\n[core]\nServer = ${repository.url}\n`;
  writeFileSync(`${dir}/repo/pacman.conf`, config);
  await run(["chown", "-R", "--reference", dir, dir], { as: "self" });
}

for (const [title, reason, rung] of [
  ["with sub-ids", noSubIds(), []],
  ["with one id", noTool("setfattr"), ["--ignore-subuid"]],
] as const) {
  testUnless(firstReason(lack, reason))(
    `pacman fills the root ${title}`,
    async () => {
      await makeRepository();
      writeFileSync(
        `${dir}/arch.def`,
        `Bootstrap: arch\nConfurl: ${repository.url}pacman.conf\nInclude: mini\n%post\n    busybox id -u > /made\n`,
      );
      const words = ["--no-cache", "--force", ...rung, "arch.sif", "arch.def"];
      const built = await skiff(["build", ...words], { cwd: dir });
      expect([built.code, built.stderr]).toEqual([0, expect.stringContaining("Build complete")]);
      expect(built.stdout).toContain("/usr/bin/pacman-key --populate archlinux");
      const { tree } = openImage(`${dir}/arch.sif`, imageHost);
      const { uid, gid } = tree.lstat("/var/lib/mini/state") ?? {};
      expect([uid, gid]).toEqual([77, 78]);
      expect(tree.list("/var/cache/pacman/pkg") ?? []).toEqual([]);
      expect(tree.list("/proc")).toEqual([]);
    },
    60_000,
  );
}
