import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { noFuse } from "../support/host-lacks.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { pullLab } from "./pull-lab.ts";

const { testIt, newHome, call, address, registry } = pullLab();
const needsFuse = noFuse() === undefined ? testIt : testUnless(firstReason(noFuse()));

async function manifestOf(name: string): Promise<Record<string, unknown>> {
  const answer = await fetch(`${registry().url}/v2/${name}/manifests/1`, {
    headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
  });
  return (await answer.json()) as Record<string, unknown>;
}

testIt("an OCI-SIF comes back from a registry as it was, whatever its layers", async () => {
  const home = newHome();
  for (const flags of [[], ["--keep-layers"]]) {
    const name = `own/kept${flags.length}`;
    const pulled = await call(home, [
      ...["pull", "--oci", "--force", ...flags, "it.sif", address("tools/sample:1")],
    ]);
    expect(pulled.code, pulled.stderr).toBe(0);
    const pushed = await call(home, ["push", "it.sif", address(`${name}:1`)]);
    expect(pushed.code, pushed.stderr).toBe(0);
    const { layers, config } = (await manifestOf(name)) as {
      layers: readonly { mediaType: string }[];
      config: { mediaType: string };
    };
    expect(layers).toHaveLength(flags.length === 0 ? 1 : 2);
    const type = "application/vnd.sylabs.image.layer.v1.squashfs";
    for (const { mediaType } of layers) expect(mediaType).toBe(type);
    expect(config.mediaType).toBe("application/vnd.oci.image.config.v1+json");
    const back = await call(home, [
      ...["pull", "--oci", "--force", "--disable-cache", ...flags, "back.sif"],
      address(`${name}:1`),
    ]);
    expect(back.code, back.stderr).toBe(0);
    expect(readFileSync(`${home}/back.sif`).equals(readFileSync(`${home}/it.sif`))).toBe(true);
  }
});

needsFuse(
  "layers sent as archives are what any program reads, marks of removal included",
  async () => {
    const home = newHome();
    await call(home, ["pull", "--oci", "--keep-layers", "it.sif", address("tools/zstd:1")]);
    const pushed = await call(home, [
      ...["push", "--layer-format", "tar", "it.sif", address("own/tar:1")],
    ]);
    expect(pushed.code, pushed.stderr).toBe(0);
    const { layers } = (await manifestOf("own/tar")) as {
      layers: readonly { mediaType: string }[];
    };
    const types = layers.map(({ mediaType }) => mediaType);
    expect(types).toEqual(Array(2).fill("application/vnd.oci.image.layer.v1.tar+gzip"));
    const words = ["sh", "-c", "cat /etc/word; ls /etc/gone"];
    const done = await call(home, ["-q", "exec", address("own/tar:1"), ...words]);
    expect(done.stdout, done.stderr).toBe("above\n");
    expect(done.stderr).toContain("No such file");
  },
);

needsFuse("SquashFS layers of a registry become a SIF, or one layer, like others", async () => {
  const home = newHome();
  await call(home, ["pull", "--oci", "--keep-layers", "it.sif", address("tools/plain:1")]);
  await call(home, ["push", "it.sif", address("own/packed:1")]);
  for (const flags of [[], ["--oci"]]) {
    const file = `made${flags.length}.sif`;
    const made = await call(home, ["pull", ...flags, file, address("own/packed:1")]);
    expect(made.code, made.stderr).toBe(0);
    const words = ["sh", "-c", "cat /etc/word; ls /etc/gone"];
    expect((await call(home, ["exec", file, ...words])).stdout).toBe("above\n");
    expect((await call(home, ["run", file])).stdout).toBe("entry point with words\n");
  }
});

testIt("what cannot be sent is refused in one line before anything is", async () => {
  const home = newHome();
  await call(home, ["-q", "pull", "native.sif", address("tools/sample:1")]);
  await call(home, ["-q", "pull", "--oci", "it.sif", address("tools/sample:1")]);
  const bytes = readFileSync(`${home}/it.sif`);
  bytes[200_000] = (bytes[200_000] ?? 0) ^ 1;
  await Bun.write(`${home}/bad.sif`, bytes);
  for (const [words, why] of [
    [["native.sif"], "can only be pushed to OCI registries via oras://"],
    [["bad.sif"], "has another digest"],
    [["--layer-format", "tar", "bad.sif"], "has another digest"],
    [["--layer-format", "zip", "it.sif"], "unsupported layer format: zip"],
  ] as const) {
    const done = await call(home, ["-q", "push", ...words, address("own/none:1")]);
    expect([done.code, done.stderr.split("\n").length], done.stderr).toEqual([255, 2]);
    expect(done.stderr).toContain(why);
  }
});

testIt("a library with a registry takes an OCI-SIF and gives it back", async () => {
  const token = "t".repeat(300);
  const asked: string[] = [];
  const library = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request): Response => {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      if (pathname === "/assets/config/config.prod.json") {
        const uri = `http://127.0.0.1:${library.port}`;
        return Response.json({ libraryAPI: { uri, registryUri: registry().url } });
      }
      if (pathname === "/v1/rbac/users/current") {
        return Response.json({ username: "me", oidc_user_meta: { secret: "word" } });
      }
      if (pathname.startsWith("/v1/images/me/tools/it:")) {
        const message = "unexpected type application/vnd.oci.image.config.v1+json";
        return Response.json({ error: { code: 400, message } }, { status: 400 });
      }
      return new Response("", { status: 404 });
    },
  });
  try {
    const home = newHome();
    await Bun.write(`${home}/token`, token);
    const service = `http://127.0.0.1:${library.port}`;
    const add = ["remote", "add", "--insecure", "--no-login", "--tokenfile", `${home}/token`];
    const added = await call(home, [...add, "mine", service]);
    expect(added.code, added.stderr).toBe(0);
    await call(home, ["remote", "use", "mine"]);
    await call(home, ["-q", "pull", "--oci", "it.sif", address("tools/sample:1")]);
    const pushed = await call(home, ["push", "it.sif", "library://me/tools/it:1"]);
    expect(pushed.code, pushed.stderr).toBe(0);
    expect(await manifestOf("me/tools/it")).toHaveProperty("layers");
    const words = ["pull", "--oci", "--allow-unsigned", "back.sif", "library://me/tools/it:1"];
    const back = await call(home, words);
    expect(back.code, back.stderr).toBe(0);
    expect(readFileSync(`${home}/back.sif`).equals(readFileSync(`${home}/it.sif`))).toBe(true);
    const other = await call(home, ["pull", "-U", "other.sif", "library://me/tools/it:1"]);
    expect(other.code, other.stderr).toBe(0);
    expect(other.stderr).toContain("is an OCI image");
    expect(readFileSync(`${home}/other.sif`).equals(readFileSync(`${home}/it.sif`))).toBe(true);
    const none = await call(home, ["pull", "--oci", "none.sif", "library://me/tools/none:1"]);
    expect([none.code, none.stderr.split("\n").length]).toEqual([255, 2]);
  } finally {
    await library.stop(true);
  }
});
