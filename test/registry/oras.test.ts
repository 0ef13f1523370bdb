import { describe, expect } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { pullLab } from "./pull-lab.ts";

/** SIF files in a registry. */
const lab = pullLab();
const { testIt, newHome, call, address, requestsOf } = lab;

describe("oras", () => {
  testIt("push and pull carry a SIF unchanged", async () => {
    const home = newHome();
    await call(home, ["pull", "x.sif", address("tools/sample:1")]);
    const oras = `oras://${lab.registry().host}/sifs/sample:1`;
    expect((await call(home, ["push", "x.sif", oras])).code).toBe(0);
    const manifest = await (
      await fetch(`${lab.registry().url}/v2/sifs/sample/manifests/1`, {
        headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
      })
    ).json();
    expect(manifest).toMatchObject({
      config: { mediaType: "application/vnd.sylabs.sif.config.v1+json", size: 2 },
      layers: [
        {
          mediaType: "application/vnd.sylabs.sif.layer.v1.sif",
          annotations: { "org.opencontainers.image.title": "x.sif" },
        },
      ],
    });
    expect((await call(home, ["pull", "y.sif", oras])).code).toBe(0);
    expect(readFileSync(`${home}/y.sif`).equals(readFileSync(`${home}/x.sif`))).toBe(true);
    expect((await call(home, ["exec", oras, "cat", "/etc/word"])).stdout).toBe("above\n");
    const wrong = await call(home, ["pull", `docker://${lab.registry().host}/sifs/sample:1`]);
    expect(wrong.stderr).toContain(`use oras://${lab.registry().host}/sifs/sample:1`);
    const other = await call(home, ["pull", `oras://${lab.registry().host}/tools/sample:1`]);
    expect(other.stderr).toContain("it is not one SIF");
  });

  testIt("push says the digest of the manifest, and puts annotations there", async () => {
    const home = newHome();
    await call(home, ["pull", "x.sif", address("tools/sample:1")]);
    const oras = `oras://${lab.registry().host}/sifs/noted:1`;
    const words = ["--annotation", "b=2=2", "--annotation", "a=1", "--annotation", "none"];
    const pushed = await call(home, [
      "push",
      ...words,
      "--description",
      "what it is",
      "x.sif",
      oras,
    ]);
    expect(pushed.code).toBe(0);
    expect(pushed.stderr).toContain('Value missing for "none"');
    const answer = await fetch(`${lab.registry().url}/v2/sifs/noted/manifests/1`, {
      headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
    });
    const digest = answer.headers.get("docker-content-digest");
    expect(pushed.stderr).toContain(`Digest: ${digest}\n`);
    expect(await answer.json()).toMatchObject({
      annotations: { a: "1", b: "2=2", "org.opencontainers.image.description": "what it is" },
    });
  });

  testIt("tag gives an image a further name without sending it again", async () => {
    const home = newHome();
    const requests = await requestsOf(async () => {
      expect((await call(home, ["tag", address("tools/sample:1"), "second", "third"])).code).toBe(
        0,
      );
    });
    expect(requests.filter((line) => line.includes("/blobs/"))).toEqual([]);
    const pulled = await call(home, ["pull", "x.sif", address("tools/sample:third")]);
    expect(pulled.code).toBe(0);
    expect((await call(home, ["tag", address("tools/sample:1"), "no tag"])).code).toBe(255);
  });

  testIt("search lists the images of a registry, delete removes one with its tags", async () => {
    const home = newHome();
    await call(home, ["pull", "x.sif", address("tools/sample:1")]);
    const name = `oras://${lab.registry().host}/gone/sif`;
    await call(home, ["push", "x.sif", `${name}:1`]);
    await call(home, ["tag", `${name}:1`, "2"]);
    const search = ["search", `oras://${lab.registry().host}/gone`];
    expect((await call(home, search)).stdout).toBe(
      `Found 1 container images matching "oras://${lab.registry().host}/gone":\n\n\t${name}:1,2\n\n`,
    );
    expect((await call(home, ["delete", `${name}:2`])).code).toBe(0);
    expect((await call(home, search)).stdout).toStartWith("Found 1");
    expect((await call(home, ["delete", "--force", `${name}:2`])).code).toBe(0);
    expect((await call(home, search)).stdout).toStartWith("No container images found");
    expect((await call(home, ["delete", "--force", `${name}:1`])).code).toBe(255);
  });

  testIt("push refuses what is no SIF", async () => {
    const home = newHome();
    writeFileSync(`${home}/text`, "text");
    const refused = await call(home, ["push", "text", `oras://${lab.registry().host}/sifs/text:1`]);
    expect(refused.code).toBe(255);
  });
});
