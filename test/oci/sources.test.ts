import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { LayerScan, UNPACK_LIMITS } from "../../src/build/oci/scan-layer.ts";
import { openLocalOciImage } from "../../src/build/oci/sources/open-local-image.ts";
import type { OciImage } from "../../src/format/oci/oci-image.ts";
import { noTool } from "../support/host-lacks.ts";
import { ownArch } from "../support/own-arch.ts";
import { run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { convertLocal } from "./convert-layout.ts";
import { layerArchive } from "./layer-archive.ts";
import { writeLayout } from "./oci-layout.ts";

const dir = scratch("self");
const archive = (name: string) => layerArchive([{ path: name, content: name }]);
const image = (tag: string) => ({
  tag,
  layers: [
    { archive: archive(tag), packing: "gzip" as const },
    { archive: archive("top"), packing: "zstd" as const },
  ],
});
writeLayout(`${dir}/layout`, [image("one"), image("two")]);
writeLayout(`${dir}/single`, [image("only")]);
// Docker's format has no zstd, and skopeo does not pack anew.
const gzipped = image("only").layers.map((layer) => ({ ...layer, packing: "gzip" as const }));
writeLayout(`${dir}/gzipped`, [{ tag: "only", layers: gzipped }]);

const platform = { os: "linux", arch: ownArch, variant: "" };
const open = (transport: "oci" | "oci-archive" | "docker-archive", place: string) =>
  openLocalOciImage(transport, place, dir, platform, dir);

async function names(opened: OciImage): Promise<readonly string[]> {
  const out: string[] = [];
  for (const layer of opened.layers) {
    const scan = new LayerScan(layer, UNPACK_LIMITS, () => {}, new AbortController().signal);
    await scan.done;
    for (const { path } of scan.entries) out.push(path);
  }
  return out;
}

test("oci: takes the image of a tag, of a digest, and the only one", async () => {
  expect(await names(await open("oci", "layout:two"))).toEqual(["two", "top"]);
  expect(await names(await open("oci", `${dir}/single`))).toEqual(["only", "top"]);
  const { manifestDigest } = await open("oci", "layout:one");
  const byDigest = await open("oci", `layout@${manifestDigest}`);
  expect(byDigest.manifestDigest).toBe(manifestDigest);
  expect(byDigest.reference).toBe(`oci:layout@${manifestDigest}`);
});

test("oci: refuses to guess among several images, and lists the tags", async () => {
  try {
    await open("oci", "layout");
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ hint: "name one of one, two after a colon" });
  }
  await expect(open("oci", "layout:three")).rejects.toThrow('it holds no image "three"');
  await expect(open("oci", "nowhere:x")).rejects.toThrow("does not exist");
});

test("a layer with other bytes than its digest is refused when it is read, and named", async () => {
  writeLayout(`${dir}/damaged`, [image("a")]);
  const opened = await open("oci", "damaged:a");
  const [first, second] = opened.layers;
  const pathOf = (digest: string): string => `${dir}/damaged/blobs/${digest.replace(":", "/")}`;
  const path = pathOf(first?.digest ?? "");
  writeFileSync(path, new Uint8Array(statSync(path).size));
  truncateSync(pathOf(second?.digest ?? ""), 10);
  const read = async (layer: (typeof opened.layers)[number] | undefined): Promise<void> => {
    for await (const _ of layer?.open() ?? []);
  };
  await expect(read(first)).rejects.toThrow(
    `layer ${first?.digest} of oci:damaged:a: its digest is`,
  );
  await expect(read(second)).rejects.toThrow(`it has 10 bytes instead of ${second?.sizeBytes}`);
  await expect(convertLocal("oci", `${dir}/damaged:a`, `${dir}/damaged.sif`)).rejects.toThrow(
    /Cannot (?:use|unpack|read) the layer sha256:/,
  );
  await Bun.sleep(100);
  expect(readdirSync(dir).filter((name) => /damaged\.sif|skiff-build/.test(name))).toEqual([]);
});

test("a page in place of the index is refused as what it is", async () => {
  writeLayout(`${dir}/page`, [image("a")]);
  writeFileSync(`${dir}/page/index.json`, "<!DOCTYPE html><html>Sign in</html>");
  await expect(open("oci", "page:a")).rejects.toThrow("HTML page");
});

const lack = firstReason(noTool("skopeo"), noTool("mksquashfs"));
const copy = async (from: string, to: string): Promise<void> => {
  const end = await run(["skopeo", "copy", "--insecure-policy", from, to], {
    as: "self",
    cwd: dir,
  });
  if (end.code !== 0) throw new Error(end.stderr);
};

testUnless(lack)(
  "docker-archive: reads what skopeo writes, by tag and by place, packed too",
  async () => {
    await copy("oci:gzipped:only", "docker-archive:docker.tar:example.org/some/name:v1");
    for (const place of ["docker.tar", "docker.tar:example.org/some/name:v1", "docker.tar:@0"]) {
      expect(await names(await open("docker-archive", place))).toEqual(["only", "top"]);
    }
    writeFileSync(`${dir}/docker.tar.gz`, Bun.gzipSync(readFileSync(`${dir}/docker.tar`)));
    const before = readdirSync(dir);
    expect(await names(await open("docker-archive", "docker.tar.gz"))).toEqual(["only", "top"]);
    // What it was decompressed to has no name.
    expect(readdirSync(dir)).toEqual(before);
    await expect(open("docker-archive", "docker.tar:other")).rejects.toThrow('no image "other"');
    // The same image gives the same file system, wherever it comes from.
    await convertLocal("oci", `${dir}/gzipped:only`, `${dir}/from-oci.sif`);
    await convertLocal("docker-archive", `${dir}/docker.tar`, `${dir}/from-docker.sif`);
    expect(statSync(`${dir}/from-oci.sif`).size).toBe(statSync(`${dir}/from-docker.sif`).size);
  },
);

testUnless(lack)("oci-archive: reads what skopeo writes", async () => {
  await copy("oci:single:only", "oci-archive:oci.tar:v2");
  expect(await names(await open("oci-archive", "oci.tar:v2"))).toEqual(["only", "top"]);
  expect(await names(await open("oci-archive", "oci.tar"))).toEqual(["only", "top"]);
  await expect(open("oci-archive", "oci.tar:v3")).rejects.toThrow('no image "v3"');
});

test("docker-archive: follows links between members, and takes no others", async () => {
  const layer = archive("linked");
  const diff = `sha256:${new Bun.CryptoHasher("sha256").update(layer).digest("hex")}`;
  const config = JSON.stringify({ rootfs: { diff_ids: [diff, diff] } });
  const list = [
    { Config: "c.json", RepoTags: ["a:b"], Layers: ["one/layer.tar", "two/layer.tar"] },
  ];
  const members = (target: string) =>
    layerArchive([
      { path: "c.json", content: config },
      { path: "one", kind: "dir" },
      { path: "one/layer.tar", content: layer },
      { path: "two/layer.tar", kind: "symlink", link: target },
      { path: "manifest.json", content: JSON.stringify(list) },
    ]);
  writeFileSync(`${dir}/linked.tar`, members("../one/layer.tar"));
  expect(await names(await open("docker-archive", "linked.tar"))).toEqual(["linked", "linked"]);
  writeFileSync(`${dir}/leading.tar`, members("../../../../../etc/passwd"));
  await expect(open("docker-archive", "leading.tar")).rejects.toThrow('no member "two/layer.tar"');
});
