import { afterAll, expect } from "bun:test";
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { type LocalRegistry, noRegistry, startRegistry } from "../registry/local-registry.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { testUnless } from "../support/skip.ts";
import { fixtures } from "./fixtures.ts";
import { desk } from "./signer.ts";

const { dir, skiff } = desk();
let registry: LocalRegistry | undefined;
afterAll(async () => await registry?.stop());

testUnless(noRegistry())(
  "verify at an oras:// address fetches ranges: a large object that is not asked for stays there",
  async () => {
    const folder = `${dir}/registry`;
    mkdirSync(folder);
    chmodSync(dir, 0o755);
    const user = ordinaryUser();
    if (isRoot && user !== undefined) chownSync(folder, user.uid, user.gid);
    registry = await startRegistry({ folder });
    writeFileSync(`${dir}/small`, "small\n");
    writeFileSync(`${dir}/large`, crypto.getRandomValues(new Uint8Array(60_000)));
    const image = `${dir}/image.sif`;
    await skiff(["sif", "new", image]);
    for (const [group, name] of [
      ["1", "small"],
      ["2", "large"],
    ] as const) {
      const object = ["--datatype", "7", "--groupid", group, image, `${dir}/${name}`];
      expect(await skiff(["sif", "add", ...object])).toMatchObject({ code: 0 });
    }
    const owner = ["-N", "A", "-E", "a@example.org", "-C", "", "-P", "", "-b", "2048"];
    await skiff(["key", "newpair", ...owner, "--push=false"]);
    expect(await skiff(["sign", image])).toMatchObject({ code: 0 });
    const address = `oras://${registry.host}/tools/image:1`;
    expect(await skiff(["push", image, address])).toMatchObject({ code: 0 });
    const cache = { extraEnv: { SKIFF_CACHEDIR: `${dir}/cache` } };
    const all = await skiff(["verify", address], cache);
    expect(all).toMatchObject({ code: 0 });
    expect(all.stdout).toStartWith(`${address}: trusted: signed by A `);
    expect(await skiff(["verify", "-i", "1", address], cache)).toMatchObject({ code: 0 });
    expect((await skiff(["verify", "-g", "9", address], cache)).code).toBe(255);
    const unsigned = `oras://${registry.host}/tools/unsigned:1`;
    await skiff(["push", "-U", "-D", "what it is", `${fixtures}/one-group.sif`, unsigned]);
    expect((await skiff(["verify", unsigned], cache)).code).toBe(3);
    expect(await skiff(["sign", unsigned], cache)).toMatchObject({ code: 0 });
    expect(await skiff(["verify", unsigned], cache)).toMatchObject({ code: 0 });
    const manifest = await fetch(`${registry.url}/v2/tools/unsigned/manifests/1`, {
      headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
    });
    expect(await manifest.json()).toMatchObject({
      layers: [{ annotations: { "org.opencontainers.image.title": "one-group.sif" } }],
      annotations: { "org.opencontainers.image.description": "what it is" },
    });
    const pulled = ["pull", `${dir}/pulled.sif`, unsigned];
    expect(await skiff(pulled, cache)).toMatchObject({ code: 0 });
    expect(await skiff(["verify", `${dir}/pulled.sif`])).toMatchObject({ code: 0 });
    expect(await skiff(["sign", address], cache)).toMatchObject({ code: 0 });
    expect((await skiff(["verify", "--json", address], cache)).stdout).toContain('"Signatures": 4');
    const docker = await skiff(["verify", `docker://${registry.host}/tools/image:1`], cache);
    expect(docker.stdout).toContain("only SIFs carry signatures");
  },
);
