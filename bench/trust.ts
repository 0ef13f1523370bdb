import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { type Case, compare, type Setting } from "./cases.ts";
import { halfCompressible } from "./images.ts";

const BIG_BYTES = 500 << 20;
const OWNER = ["-N", "Bench", "-E", "bench@example.org", "-C", "", "-P", "", "-b", "2048"];

/** Runs skiff with key rings of its own; throws when it fails. */
async function call({ place }: Setting, program: string, ...args: string[]): Promise<string> {
  const extraEnv = { SKIFF_KEYSDIR: `${place.inside}/bench-keys` };
  const { code, stdout, stderr } = await place.run([program, "-q", ...args], { extraEnv });
  if (code !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** The fingerprint of the only key in the ring, made for the purpose. */
async function makeKey(setting: Setting): Promise<string> {
  const { skiff } = setting.place;
  const find = async (): Promise<string | undefined> => {
    const list = await call(setting, skiff, "key", "list");
    return /Fingerprint: +([0-9A-F]{40})/.exec(list)?.[1];
  };
  const known = await find();
  if (known !== undefined) return known;
  await call(setting, skiff, "key", "newpair", ...OWNER, "--push=false");
  return (await find()) ?? "";
}

const verifying: Case = {
  name: "verify",
  preparesItself: true,
  run: async (setting) => {
    const { place, peer } = setting;
    const { skiff, outside, inside } = place;
    await makeKey(setting);
    const image = `${inside}/verify.sif`;
    writeFileSync(`${outside}/verify.bin`, halfCompressible(BIG_BYTES), { mode: 0o644 });
    await call(setting, skiff, "sif", "new", image);
    const partition = ["--datatype", "4", "--parttype", "2", "--partfs", "1", "--partarch", "2"];
    await call(
      setting,
      skiff,
      "sif",
      "add",
      ...partition,
      "--groupid",
      "1",
      image,
      `${inside}/verify.bin`,
    );
    await call(setting, skiff, "sign", image);
    const keys = `SKIFF_KEYSDIR=${inside}/bench-keys`;
    const peerKeys = `APPTAINER_KEYSDIR=${inside}/bench-keys`;
    return await compare(
      setting,
      "verify a signed SIF of 500 MB",
      { rounds: setting.quick ? 3 : 8, warmup: 1, jobs: 1 },
      [
        ["skiff verify", "/usr/bin/env", keys, skiff, "verify", image],
        ["sha256sum", "/usr/bin/sha256sum", image],
        ["peer verify", peer && "/usr/bin/env", peerKeys, peer ?? "", "verify", "--local", image],
      ],
      [
        { contender: "skiff verify", against: "sha256sum", most: 1.3 },
        { contender: "skiff verify", against: "peer verify", most: 1.3 },
      ],
    );
  },
};

const underPolicy: Case = {
  name: "policy",
  preparesItself: true,
  run: async (setting) => {
    const { outside, inside, skiff } = setting.place;
    const key = await makeKey(setting);
    mkdirSync(`${outside}/policy-box/bin`, { recursive: true });
    copyFileSync("/bin/busybox", `${outside}/policy-box/bin/busybox`);
    symlinkSync("busybox", `${outside}/policy-box/bin/true`);
    const image = `${inside}/policy.sif`;
    await call(setting, skiff, "build", image, `${inside}/policy-box`);
    await call(setting, skiff, "sign", image);
    // Two installations, one with rules.
    for (const name of ["free", "ruled"]) {
      const prefix = `${outside}/${name}`;
      mkdirSync(`${prefix}/bin`, { recursive: true });
      copyFileSync(`${outside}/skiff`, `${prefix}/bin/skiff`);
      if (existsSync(`${outside}/libexec`)) {
        cpSync(`${outside}/libexec`, `${prefix}/libexec`, { recursive: true });
      }
    }
    mkdirSync(`${outside}/ruled/etc/skiff`, { recursive: true });
    const policy = `[[rule]]\npath = "${inside}/*.sif"\nkeys = ["${key}"]\n`;
    writeFileSync(`${outside}/ruled/etc/skiff/trust-policy.toml`, policy);
    copyFileSync(
      `${outside}/bench-keys/pgp-public`,
      `${outside}/ruled/etc/skiff/global-pgp-public`,
    );
    chmodSync(`${outside}/ruled/etc/skiff/global-pgp-public`, 0o644);
    // A launch of files that have just changed is not remembered.
    await Bun.sleep(3000);
    return await compare(
      setting,
      "exec true of a signed SIF, with and without a trust policy",
      { rounds: setting.quick ? 10 : 40, warmup: 4, jobs: 1 },
      [
        ["without", `${inside}/free/bin/skiff`, "exec", image, "true"],
        ["under a policy", `${inside}/ruled/bin/skiff`, "exec", image, "true"],
      ],
      [{ contender: "under a policy", against: "without", most: 1.2 }],
    );
  },
};

/** Signatures: what checking them costs. */
export const trustCases: readonly Case[] = [verifying, underPolicy];
