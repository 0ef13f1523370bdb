import { afterAll, expect } from "bun:test";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { imageHost } from "../../src/host/image-host.ts";
import { openImage } from "../../src/image/open.ts";
import { noSubIds, noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { treeRoot } from "../support/tree.ts";

/*
 * `Bootstrap: dnf` by the host's dnf from a repository on loopback, whose packages give files to
 * accounts of their own.
 */

const dir = scratch();
const lack = firstReason(
  noUserNamespaces(),
  ...["mksquashfs", "dnf", "rpmbuild", "createrepo_c", "busybox", "setfattr"].map(noTool),
);

const repository = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request) => new Response(Bun.file(`${dir}/repo${new URL(request.url).pathname}`)),
});
afterAll(() => repository.stop(true));

const SPEC = `Name: coreutils
Version: 1
Release: 1
Summary: a shell
License: MIT
AutoReqProv: no
%global __os_install_post %{nil}
%global debug_package %{nil}
%description
A shell.
%package -n mini-release
Summary: accounts
AutoReqProv: no
Requires(pre): coreutils
%description -n mini-release
Accounts.
%package -n mini-daemon
Summary: files of an account
AutoReqProv: no
Requires(pre): coreutils mini-release
%description -n mini-daemon
Files of an account.
%install
mkdir -p %{buildroot}/bin %{buildroot}/etc %{buildroot}/var/lib/mini %{buildroot}/opt
cp ${dir}/static-shell %{buildroot}/bin/sh
cp ${dir}/busybox %{buildroot}/bin/busybox
echo mini 1 >%{buildroot}/etc/redhat-release
echo root:x:0:0:root:/root:/bin/sh >%{buildroot}/etc/passwd
echo root:x:0: >%{buildroot}/etc/group
echo state >%{buildroot}/var/lib/mini/state
echo scripted >%{buildroot}/opt/scripted
%files
/bin/*
%files -n mini-release
/etc/*
%files -n mini-daemon
%attr(0750,minid,minig) %dir /var/lib/mini
%attr(0640,minid,minig) /var/lib/mini/state
/opt/scripted
%pre -n mini-daemon
echo minid:x:77:78::/:/bin/sh >>/etc/passwd
echo minig:x:78: >>/etc/group
%post -n mini-daemon
/bin/busybox chown 33:34 /opt/scripted
`;

async function makeRepository(): Promise<void> {
  copyFileSync(`${treeRoot}/dist/libexec/skiff/bash`, `${dir}/static-shell`);
  copyFileSync("/bin/busybox", `${dir}/busybox`);
  mkdirSync(`${dir}/repo`, { recursive: true });
  writeFileSync(`${dir}/mini.spec`, SPEC);
  await run(["chown", "-R", "--reference", dir, dir], { as: "self" });
  const defines = [`_rpmdir ${dir}/repo`, `_topdir ${dir}/top`, `_tmppath ${dir}`];
  const words = defines.flatMap((define) => ["--define", define]);
  const built = await run(["rpmbuild", "-bb", ...words, `${dir}/mini.spec`]);
  expect([built.code, built.stderr]).toEqual([0, expect.any(String)]);
  expect((await run(["createrepo_c", `${dir}/repo`])).code).toBe(0);
}

for (const [title, reason, rung] of [
  ["with sub-ids", noSubIds(), []],
  ["with one id", undefined, ["--ignore-subuid"]],
] as const) {
  testUnless(firstReason(lack, reason))(
    `packages are installed ${title}, and their files belong to whom rpm gave them`,
    async () => {
      await makeRepository();
      const header = `Bootstrap: dnf\nMirrorURL: ${repository.url}\nOSVersion: 1\nInclude: mini-release mini-daemon\n`;
      writeFileSync(`${dir}/mini.def`, `${header}\n%post\n    /bin/busybox touch /made\n`);
      const built = await skiff(
        ["build", "--no-cache", "--force", ...rung, "mini.sif", "mini.def"],
        {
          cwd: dir,
        },
      );
      expect([built.code, built.stderr]).toEqual([0, expect.stringContaining("Build complete")]);
      const { tree } = openImage(`${dir}/mini.sif`, imageHost);
      const owners = ["/var/lib/mini", "/var/lib/mini/state", "/opt/scripted", "/made"].map(
        (path) => {
          const entry = tree.lstat(path);
          return `${entry?.uid}:${entry?.gid}`;
        },
      );
      expect(owners).toEqual(["77:78", "77:78", "33:34", "0:0"]);
    },
    60_000,
  );
}
