import { beforeAll, expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { type Finished, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";

/*
 * `Fingerprints:` of a definition: an image is built upon only when all those keys signed it.
 */

const dir = scratch();
const why = firstReason(noUserNamespaces(), noTool("mksquashfs"), noTool("unsquashfs"));
const testIt = testUnless(why);
const keys: string[] = [];
const NOBODY = "0".repeat(40);

function call(args: readonly string[], stdin?: string): Promise<Finished> {
  const extraEnv = { SKIFF_CONFIGDIR: `${dir}/config` };
  return skiff(args, { cwd: dir, extraEnv, ...(stdin === undefined ? {} : { stdin }) });
}

/** Builds upon an image that has to be signed by these keys. */
async function upon(image: string, wanted: readonly string[], agent = "localimage") {
  const lines = [`Bootstrap: ${agent}`, `From: ${image}`, `Fingerprints: ${wanted.join(" , ")}`];
  writeFileSync(`${dir}/signed.def`, `${lines.join("\n")}\n`);
  return await call(["build", "--force", "out.sif", "signed.def"]);
}

beforeAll(async () => {
  if (why !== undefined) return;
  mkdirSync(`${dir}/root/etc`, { recursive: true });
  for (const name of ["a", "b"]) {
    const owner = ["--name", name, "--email", `${name}@example.org`, "--comment", ""];
    await call(["key", "newpair", ...owner, "--password", "", "-b", "1024"]);
  }
  const { stdout } = await call(["key", "list"]);
  keys.push(...[...stdout.matchAll(/[0-9A-F]{40}/g)].map(([hex]) => hex));
  await call(["build", "none.sif", "root"]);
  for (const [image, signers] of [
    ["one.sif", ["0"]],
    ["both.sif", ["0", "1"]],
  ] as const) {
    await call(["build", image, "root"]);
    for (const signer of signers) await call(["sign", "-k", signer, image]);
  }
}, 60_000);

testIt(
  "all of the keys have to have signed, whoever else did",
  async () => {
    const [a = "", b = ""] = keys;
    expect(keys.length).toBe(2);
    expect((await upon("one.sif", [a])).code).toBe(0);
    expect((await upon("one.sif", [a.toLowerCase()])).code).toBe(0);
    expect((await upon("both.sif", [a])).code).toBe(0);
    expect((await upon("both.sif", [a, b])).code).toBe(0);
    expect((await upon("none.sif", [])).code).toBe(0);
    for (const [image, wanted] of [
      ["one.sif", [a, b]],
      ["one.sif", [NOBODY]],
      ["both.sif", [a, NOBODY]],
      ["one.sif", ["abc"]],
    ] as const) {
      const refused = await upon(image, wanted);
      expect(refused.code).toBe(255);
      expect(refused.stderr).toContain("image not signed by required entities");
    }
  },
  60_000,
);

testIt("what is not signed, or cannot be, is not built upon", async () => {
  const [a = ""] = keys;
  const unsigned = await upon("none.sif", [a]);
  expect(unsigned.code).toBe(255);
  expect(unsigned.stderr).toContain("signature not found");
  expect((await upon("root", [a])).code).toBe(255);
});

testIt("a base that was kept counts only while its image is signed so", async () => {
  const [a = "", b = ""] = keys;
  expect((await upon("one.sif", [a])).code).toBe(0);
  // The same content by the same steps: the base lies in the cache.
  expect((await upon("one.sif", [a, b])).code).toBe(255);
});
