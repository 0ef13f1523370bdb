import { expect } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";
import { inVirtualMachine, noVirtualMachine } from "../support/user-mode-linux.ts";

const dir = scratch();
const WORD = "the-word-that-must-not-be-seen";
const FS_TYPE_AT = 4096 + 2 * 585 + 201;

let made: Promise<void> | undefined;
/** A directory image with busybox and a secret, and RSA keys; made once. */
function prepare(): Promise<void> {
  made ??= (async () => {
    for (const name of ["bin", "etc", "proc", "sys", "dev", "tmp", "root"]) {
      mkdirSync(`${dir}/box/${name}`, { recursive: true });
    }
    copyFileSync(Bun.which("busybox") ?? "", `${dir}/box/bin/busybox`);
    for (const name of ["sh", "cat", "ls", "true", "sleep"])
      symlinkSync("busybox", `${dir}/box/bin/${name}`);
    writeFileSync(`${dir}/box/etc/secret`, `${WORD}\n`.repeat(200));
    for (const name of ["passwd", "group"]) writeFileSync(`${dir}/box/etc/${name}`, "");
    for (const name of ["key", "other"]) {
      const argv = ["openssl", "genrsa", "-traditional", "-out", `${name}.pem`, "2048"];
      await run(argv, { cwd: dir, as: "self" });
    }
    const argv = ["openssl", "rsa", "-in", "key.pem", "-RSAPublicKey_out", "-out", "key.pub"];
    await run(argv, { cwd: dir, as: "self" });
    await run(["chmod", "-R", "a+rwX", dir], { as: "self" });
  })();
  return made;
}

const lacks = (tool: string): string | undefined =>
  Bun.which(tool, { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` }) === null
    ? `${tool} is not installed`
    : undefined;

testUnless(
  firstReason(noVirtualMachine(), lacks("cryptsetup"), lacks("mksquashfs"), lacks("openssl")),
)(
  "root builds, starts and inspects an image that the kernel encrypts (LUKS), and nothing of it stays behind",
  async () => {
    await prepare();
    const output = await inVirtualMachine(
      dir,
      `export SKIFF_CACHEDIR=/tmp/cache
skiff() { ${skiffPath} -q "$@"; }
left() {
  for i in 1 2 3 4 5 6 7 8 9 10; do ls /sys/block | grep -q dm- && sleep 0.5; done
  ls /sys/block | grep dm-; losetup -a; ls /dev/mapper | grep skiff; echo "left $1"
}
skiff build --pem-path key.pub /tmp/key.sif box || exit
skiff sif list /tmp/key.sif
grep -c ${WORD} /tmp/key.sif
echo "started $(skiff exec --pem-path key.pem /tmp/key.sif cat /etc/secret | tail -1)"
echo "as user namespace $(skiff exec --userns --pem-path key.pem /tmp/key.sif cat /etc/secret | tail -1)"
for flag in "" --userns "--userns --pid"; do
  echo "open" $(skiff exec $flag --pem-path key.pem /tmp/key.sif ls /proc/self/fd)
done
skiff exec --pem-path other.pem /tmp/key.sif true; echo "wrong key $?"
skiff exec /tmp/key.sif true; echo "no key $?"
skiff inspect --deffile /tmp/key.sif
skiff instance start --pem-path key.pem /tmp/key.sif one
echo "in the instance $(skiff exec instance://one cat /etc/secret | tail -1)"
skiff instance stop one
left 1
setpriv --reuid 65534 --clear-groups ${skiffPath} exec --pem-path key.pem /tmp/key.sif true; echo "user $?"
printf 'a passphrase\\n' | skiff build --passphrase /tmp/pass.sif box || exit
printf 'a passphrase\\n' | skiff exec --passphrase /tmp/pass.sif cat /etc/secret | tail -1
SKIFF_ENCRYPTION_PASSPHRASE=other skiff exec /tmp/key.sif true; echo "wrong passphrase $?"
${skiffPath} -q exec --pem-path key.pem /tmp/key.sif sleep 600 & sleep 2; kill -9 $!; wait
left 2
`,
      170_000,
    );
    expect(output).toContain("Encrypted squashfs/*System");
    expect(output).toContain("Cryptographic Message (PEM/RSA-OAEP)\n0\n");
    expect(output).toContain(`\nstarted ${WORD}\n`);
    // No descriptor of the image or the device reaches the program: the fourth is the tool's own.
    const open = "open 0 1 2 3\n".repeat(3);
    expect(output).toMatch(
      new RegExp(
        `as user namespace ${WORD}\n${open}.*the RSA key is not the one.*\nwrong key 255\n`,
      ),
    );
    expect(output).toMatch(
      /\n.*required option --passphrase or --pem-path missing.*\nno key 255\nbootstrap: localimage\n/,
    );
    expect(output).toContain(`\nin the instance ${WORD}\nleft 1\n`);
    expect(output).toMatch(/\n.*which only root may open.*\nuser 255\n/);
    expect(output).toMatch(
      new RegExp(
        `user 255\n.*${WORD}\n.*the passphrase or key is not that of the image\nwrong passphrase 255\n`,
      ),
    );
    expect(output).toMatch(/wrong passphrase 255\n(.*Killed\n)?left 2\nend 0\n$/);
  },
  180_000,
);

testUnless(firstReason(lacks("mksquashfs"), lacks("openssl")))(
  "an image that the kernel encrypts is refused with one line where only root may open it",
  async () => {
    await prepare();
    await skiff(["-q", "build", "plain.sif", "box"], { cwd: dir });
    const bytes = new Uint8Array(readFileSync(`${dir}/plain.sif`));
    bytes[FS_TYPE_AT] = 5;
    writeFileSync(`${dir}/luks.sif`, bytes);
    const extraEnv = { SKIFF_ENCRYPTION_PASSPHRASE: "any" };
    const refused = await skiff(["exec", "luks.sif", "true"], { cwd: dir, extraEnv });
    expect(refused).toMatchObject({ code: 255, stdout: "" });
    expect(refused.stderr).toMatch(/^FATAL: .*LUKS\), which only root may open; .*\n$/);
  },
);
