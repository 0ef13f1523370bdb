import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { parseManifest } from "../../src/format/oci/manifest.ts";
import { loadOpenPgp } from "../../src/trust/pgp/library.ts";
import { layerArchive } from "../oci/layer-archive.ts";
import { writeLayout } from "../oci/oci-layout.ts";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { fixture, fixtureKeys, outcome } from "../trust/fixtures.ts";

/** Weaknesses in how images, registries' documents and signatures were read elsewhere. */
const DIGEST = `sha256:${"0".repeat(64)}`;
const descriptor = { mediaType: "application/octet-stream", digest: DIGEST, size: 1 };

describe("documents of a registry", () => {
  const read = (document: object) => () => parseManifest(JSON.stringify(document), "", "manifest");

  test("CVE-2021-41190: an image and an index at once is neither", () => {
    const image = { schemaVersion: 2, config: descriptor, layers: [descriptor] };
    expect(read({ ...image, manifests: [descriptor] })).toThrow("an image and an index at once");
    expect(read(image)).not.toThrow();
  });

  test.each([
    "sha256:../../../../etc/passwd",
    "sha256:",
    "../x",
    `sha512:${"0".repeat(64)}`,
    `sha256:${"0".repeat(63)}/`,
    `sha256:${"A".repeat(64)}`,
    `${DIGEST}\n`,
  ])("CVE-2024-3727: %j is no digest, and becomes part of no path", (digest) => {
    const bad = { ...descriptor, digest };
    expect(read({ schemaVersion: 2, config: bad, layers: [] })).toThrow("is no digest");
    expect(read({ schemaVersion: 2, config: descriptor, layers: [bad] })).toThrow("is no digest");
    expect(read({ schemaVersion: 2, manifests: [bad] })).toThrow("is no digest");
  });
});

describe("layers", () => {
  const dir = scratch();
  const lack = firstReason(noUserNamespaces(), noTool("mksquashfs"));
  const user = ordinaryUser();
  let count = 0;

  async function build(entries: Parameters<typeof layerArchive>[0]): Promise<string> {
    const name = `case${count++}`;
    const root = `${dir}/${name}`;
    mkdirSync(`${root}/victim`, { recursive: true });
    writeLayout(`${root}/layout`, [
      { tag: "x", layers: [{ archive: layerArchive(entries), packing: "gzip" }] },
    ]);
    if (isRoot && user !== undefined) {
      await run(["chown", "-R", `${user.uid}:${user.gid}`, root], { as: "self" });
    }
    await skiff(["-q", "build", "--sandbox", `${root}/box`, `oci:${root}/layout:x`], {
      cwd: root,
      extraEnv: { SKIFF_CACHEDIR: `${root}/cache`, TMPDIR: root },
    });
    return root;
  }

  testUnless(lack)("CVE-2021-29136: a link in the place of the root leads nowhere", async () => {
    for (const path of [".", "./", "/"]) {
      const root = await build([
        { path, kind: "symlink", link: `${dir}/case${count}/victim` },
        { path: "escaped", content: "x" },
      ]);
      expect(readdirSync(`${root}/victim`)).toEqual([]);
    }
  });

  testUnless(lack)(
    "CVE-2019-14271, CVE-2018-15664: no entry is written through a link, or upwards",
    async () => {
      const target = `${dir}/case${count}/victim`;
      const root = await build([
        { path: "way", kind: "symlink", link: target },
        { path: "way/escaped", content: "x" },
        { path: "../victim/escaped", content: "x" },
        { path: "a/../../victim/escaped", content: "x" },
        { path: `${target}/escaped`, content: "x" },
        { path: "hard", kind: "hardlink", link: "../victim/escaped" },
      ]);
      expect(readdirSync(`${root}/victim`)).toEqual([]);
      expect(existsSync(`${root}/escaped`)).toBe(false);
    },
  );
});

describe("signatures", () => {
  test("CVE-2020-13847: header and descriptors are signed with the data", async () => {
    const keys = await fixtureKeys();
    for (const at of [0, 50, 4096 + 9, 4096 + 57, 4096 + 80, 4096 + 210]) {
      const bytes = fixture("one-group-signed-pgp");
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      expect(await outcome(bytes, keys)).toStartWith("altered");
    }
  });

  test("CVE-2020-13846: all that is asked for must be signed, not some of it", async () => {
    const keys = await fixtureKeys();
    expect(
      await outcome(fixture("two-groups-signed-legacy-all"), keys, { legacy: true, all: true }),
    ).toStartWith("unsigned");
    expect(await outcome(fixture("one-group"), keys)).toStartWith("unsigned");
  });

  test("CVE-2022-39237: a signature by a weak hash is none", async () => {
    const { config, enums } = await loadOpenPgp();
    for (const hash of [enums.hash.md5, enums.hash.sha1, enums.hash.ripemd]) {
      expect(config.rejectMessageHashAlgorithms.has(hash)).toBe(true);
    }
  });

  test("CVE-2021-29499: identifiers of images are random", async () => {
    const dir = await run(["mktemp", "-d", "/var/tmp/skiff-scratch.XXXXXX"], { as: "self" });
    const place = dir.stdout.trim();
    const ids = new Set<string>();
    for (let i = 0; i < 8; i++) {
      await run(["rm", "-f", `${place}/x.sif`], { as: "self" });
      await skiff(["sif", "new", `${place}/x.sif`], { as: "self", cwd: place });
      const { stdout } = await skiff(["sif", "header", `${place}/x.sif`], { as: "self" });
      ids.add(/[0-9a-f]{8}-[0-9a-f-]{27}/.exec(stdout)?.[0] ?? "");
    }
    await run(["rm", "-r", place], { as: "self" });
    expect([...ids].filter((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-4/.test(id))).toHaveLength(8);
  });
});
