import { beforeAll, expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { layerArchive } from "../oci/layer-archive.ts";
import { writeLayout } from "../oci/oci-layout.ts";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { writeDefinition } from "./base-definition.ts";

/*
 * Lists of packages in images of every origin.
 */

const dir = scratch();
const lack = firstReason(noUserNamespaces(), noTool("mksquashfs"));
const testBuild = testUnless(lack);
const extraEnv = { SKIFF_CACHEDIR: `${dir}/cache` };
const STATUS = "Package: hello\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.10\n";
const call = (...args: string[]) => skiff(args, { cwd: dir, extraEnv });

beforeAll(() => {
  if (lack !== undefined) return;
  mkdirSync(`${dir}/cache`);
  Bun.spawnSync(["chmod", "777", `${dir}/cache`]);
  writeFileSync(`${dir}/status`, STATUS);
  const release = { path: "etc/os-release", content: "ID=debian\nVERSION_ID=12\n" };
  const archive = layerArchive([{ path: "var/lib/dpkg/status", content: STATUS }, release]);
  writeLayout(`${dir}/layout`, [{ tag: "v1", layers: [{ archive, packing: "gzip" }] }]);
  writeDefinition(dir, "own.def", "%files\n    status /var/lib/dpkg/status\n");
  writeFileSync(`${dir}/Dockerfile`, "FROM scratch\nCOPY status /var/lib/dpkg/status\n");
});

/** Names and package URLs of what an image says it holds. */
async function listed(image: string): Promise<readonly (readonly [string, string])[]> {
  const shown = await call("inspect", "--sbom", image);
  expect(shown.stderr).toBe("");
  const { packages } = JSON.parse(shown.stdout);
  return packages
    .slice(1)
    .map((one: { name: string; externalRefs: { referenceLocator: string }[] }) => [
      one.name,
      one.externalRefs[0]?.referenceLocator,
    ]);
}

for (const [name, source, url] of [
  ["a definition file", "own.def", "pkg:deb/hello@2.10?arch=amd64"],
  ["a Dockerfile", "Dockerfile", "pkg:deb/hello@2.10?arch=amd64"],
  ["an OCI image", "oci:layout:v1", "pkg:deb/debian/hello@2.10?arch=amd64&distro=debian-12"],
] as const) {
  testBuild(`an image from ${name} carries its list, and the same one each time`, async () => {
    const target = `${source.replace(/[^a-z]/gi, "")}.sif`;
    for (const word of [target, `again-${target}`]) {
      const built = await call("build", "--force", "--no-cache", word, source);
      expect(built.stderr).toContain("Build complete");
    }
    expect((await call("sif", "list", target)).stdout).toContain("SBOM (spdx-json)");
    expect(await listed(target)).toEqual([["hello", url]]);
    const [one, two] = await Promise.all(
      [target, `again-${target}`].map((word) => call("inspect", "--sbom", word)),
    );
    expect(one?.stdout).toBe(two?.stdout ?? "");
    // The system partition is where it is without the list.
    expect((await call("exec", target, "/nosuch")).stderr).toContain("no such file");
  });
}

testBuild("--no-sbom leaves the list out, and inspect then makes one", async () => {
  await call("build", "--force", "--no-sbom", "--no-cache", "none.sif", "own.def");
  expect((await call("sif", "list", "none.sif")).stdout).not.toContain("SBOM");
  expect(await listed("none.sif")).toEqual([["hello", "pkg:deb/hello@2.10?arch=amd64"]]);
});

testBuild("a directory has a list, too", async () => {
  await call("build", "--force", "--sandbox", "--no-cache", "box", "own.def");
  expect(await listed("box")).toEqual([["hello", "pkg:deb/hello@2.10?arch=amd64"]]);
});
