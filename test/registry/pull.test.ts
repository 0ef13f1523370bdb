import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { pullLab } from "./pull-lab.ts";
import { noise, sampleImage } from "./sample-image.ts";
import { packImage, packIndex, putManifest, upload } from "./test-image.ts";

const lab = pullLab();
const { testIt, image, newHome, call, address, requestsOf } = lab;

describe("pull", () => {
  testIt("writes a SIF that has the image's files, environment, runscript and labels", async () => {
    const home = newHome();
    const pulled = await call(home, ["pull", address("tools/sample:1")]);
    expect(pulled).toMatchObject({ code: 0, stdout: "" });
    expect(pulled.stderr).not.toContain("\r");
    const sif = `${home}/sample_1.sif`;
    expect((await call(home, ["exec", sif, "cat", "/etc/word"])).stdout).toBe("above\n");
    expect((await call(home, ["exec", sif, "test", "-e", "/etc/gone"])).code).toBe(1);
    expect((await call(home, ["run", sif])).stdout).toBe("entry point with words\n");
    expect((await call(home, ["run", sif, "other"])).stdout).toBe("entry point other\n");
    const inspected = await call(home, ["inspect", sif]);
    expect(inspected.stdout).toContain("org.example.label: value 1");
    // As apptainer 1.5 has them.
    const name = address("tools/sample:1").replace("docker://", "");
    const base = `org.opencontainers.image.base.digest: ${image.manifest.digest}\norg.opencontainers.image.base.name: ${name}\n`;
    expect(inspected.stdout).toContain(base);
  });

  testIt("takes layers of zstd and of no compression", async () => {
    const home = newHome();
    for (const name of ["zstd", "plain"]) {
      await call(home, ["pull", "--force", "x.sif", address(`tools/${name}:1`)]);
      expect((await call(home, ["exec", "x.sif", "cat", "/etc/word"])).stdout).toBe("above\n");
    }
  });

  testIt("asks once when the image is in the cache, and never for a digest", async () => {
    const home = newHome();
    await call(home, ["pull", address("tools/sample:1")]);
    const again = await requestsOf(() =>
      call(home, ["pull", "--force", address("tools/sample:1")]),
    );
    expect(again).toEqual(["HEAD /v2/tools/sample/manifests/1"]);
    const byDigest = address(`tools/sample@${image.manifest.digest}`);
    await call(home, ["pull", "by-digest.sif", byDigest]);
    const none = await requestsOf(() => call(home, ["pull", "--force", "by-digest.sif", byDigest]));
    expect(none).toEqual([]);
  });

  testIt("fetches no layer twice for two images", async () => {
    const home = newHome();
    await call(home, ["pull", address("tools/sample:1")]);
    await upload(
      lab.registry().url,
      "tools/sample",
      "other",
      sampleImage({ config: { Env: ["A=1"] } }),
    );
    const requests = await requestsOf(() => call(home, ["pull", address("tools/sample:other")]));
    expect(requests.filter((line) => line.includes("/blobs/")).length).toBe(1);
  });

  testIt("--dir and the whole path of a file contradict each other", async () => {
    const home = newHome();
    const image = `oci:${home}/none`;
    const refused = await call(home, ["pull", "--dir", "images", `${home}/x.sif`, image]);
    expect(refused.code).toBe(255);
    expect(refused.stderr).toContain("not both");
    expect(existsSync(`${home}/images`)).toBe(false);
  });

  testIt(
    "an entry of the cache that is a directory, as old releases made them, is replaced",
    async () => {
      const home = newHome();
      await call(home, ["pull", "x.sif", address("tools/sample:1")]);
      const folder = `${home}/.skiff/cache/oci-tmp`;
      const [name = ""] = readdirSync(folder);
      renameSync(`${folder}/${name}`, `${home}/entry`);
      mkdirSync(`${folder}/${name}`);
      // Root may run this, for whom the program runs as another user.
      chmodSync(`${folder}/${name}`, 0o777);
      renameSync(`${home}/entry`, `${folder}/${name}/entry`);
      expect((await call(home, ["pull", "y.sif", address("tools/sample:1")])).code).toBe(0);
      expect(statSync(`${folder}/${name}`).isFile()).toBe(true);
    },
  );

  testIt("cache list counts the kinds that were asked for, whatever words follow", async () => {
    const home = newHome();
    await call(home, ["pull", "x.sif", address("tools/sample:1")]);
    const list = async (...words: readonly string[]): Promise<string> =>
      (await call(home, ["cache", "list", ...words])).stdout;
    expect(await list("all")).toMatch(/^There are 1 container file\(s\) .* and \d+ oci blob file/);
    expect(await list("--type", "oci")).toMatch(
      /^There are 1 container file\(s\) using [^ ]+ [KM]iB of/,
    );
    expect(await list("--type", "blob")).toMatch(/^There are \d+ oci blob file\(s\)/);
    expect(await list("--type", "net,blob")).toMatch(/^There are 0 container file\(s\) .* and/);
  });

  testIt("--sandbox writes a directory, and replaces one only with --force", async () => {
    const home = newHome();
    const words = ["pull", "--sandbox", "tree", address("tools/sample:1")];
    expect((await call(home, words)).code).toBe(0);
    expect((await call(home, ["run", "tree", "one"])).stdout).toBe("entry point one\n");
    expect(existsSync(`${home}/tree/etc/gone`)).toBe(false);
    const again = await call(home, words);
    expect(again.code).toBe(255);
    expect(again.stderr).toContain('Image file already exists: "tree" - will not overwrite');
    writeFileSync(`${home}/tree/mine`, "");
    expect((await call(home, ["pull", "--force", ...words.slice(1)])).code).toBe(0);
    expect(existsSync(`${home}/tree/mine`)).toBe(false);
    expect(readdirSync(home).sort()).toEqual([".skiff", "tree"]);
  });

  testIt("gives the same bytes in two homes", async () => {
    const sums: string[] = [];
    for (const home of [newHome(), newHome()]) {
      await call(home, ["pull", "x.sif", address("tools/sample:1")]);
      sums.push(new Bun.CryptoHasher("sha256").update(readFileSync(`${home}/x.sif`)).digest("hex"));
    }
    expect(sums[0]).toBe(sums[1] ?? "");
  });

  testIt("leaves an existing file alone without --force, before anything is fetched", async () => {
    const home = newHome();
    writeFileSync(`${home}/sample_1.sif`, "mine");
    const requests = await requestsOf(async () => {
      const refused = await call(home, ["pull", address("tools/sample:1")]);
      expect(refused.code).toBe(255);
      expect(refused.stderr).toContain(
        'Image file already exists: "sample_1.sif" - will not overwrite',
      );
    });
    expect(requests).toEqual([]);
    expect(readFileSync(`${home}/sample_1.sif`, "utf8")).toBe("mine");
  });

  testIt("writes to --dir and --name, says nothing with --quiet", async () => {
    const home = newHome();
    const pulled = await call(home, [
      ...["--quiet", "pull", "--dir", "deep/er", "--name", "n.img", address("tools/sample:1")],
    ]);
    expect(pulled).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(readdirSync(`${home}/deep/er`)).toEqual(["n.img"]);
  });

  testIt("chooses the platform of an index by --arch, --arch-variant and --platform", async () => {
    const home = newHome();
    const of = (word: string) =>
      packImage({
        layers: [[{ name: "etc/" }, { name: "etc/word", content: `${word}\n` }]],
        arch: word,
      });
    const entries = [
      { image: of("amd64"), arch: "amd64" },
      { image: of("arm"), arch: "arm", variant: "v6" },
      { image: of("s390x"), arch: "s390x" },
    ];
    for (const entry of entries)
      await upload(lab.registry().url, "tools/multi", entry.arch, entry.image);
    await putManifest(lab.registry().url, "tools/multi", "all", packIndex(entries));
    const archOf = async (...flags: string[]): Promise<string> => {
      const pulled = await call(home, [
        "pull",
        "--force",
        ...flags,
        "m.sif",
        address("tools/multi:all"),
      ]);
      if (pulled.code !== 0) return pulled.stderr;
      return (await call(home, ["sif", "header", "m.sif"])).stdout;
    };
    expect(await archOf("--arch", "s390x")).toContain("s390x");
    expect(await archOf("--arch", "arm", "--arch-variant", "6")).toContain("arm");
    expect(await archOf("--platform", "linux/amd64")).toContain("amd64");
    const missing = await archOf("--arch", "riscv64");
    expect(missing).toContain("no image found in image index for linux/riscv64");
    expect(missing).toContain("linux/arm/v6");
  });

  testIt("uses the site's cache, without writing there", async () => {
    const site = newHome();
    const home = newHome();
    await call(site, ["pull", address("tools/sample:1")]);
    const shared = `${site}/.skiff/cache`;
    const before = readdirSync(shared, { recursive: true }).sort();
    const requests = await requestsOf(async () => {
      const pulled = await call(home, ["pull", address("tools/sample:1")], {
        SKIFF_SHARED_CACHE: shared,
      });
      expect(pulled.code).toBe(0);
    });
    expect(requests).toEqual(["HEAD /v2/tools/sample/manifests/1"]);
    const other = newHome();
    writeFileSync(`${other}/conf`, `shared image cache = ${shared}\n`);
    const configured = await requestsOf(() =>
      call(other, ["-c", "conf", "pull", address("tools/sample:1")]),
    );
    expect(configured).toEqual(["HEAD /v2/tools/sample/manifests/1"]);
    expect(readdirSync(shared, { recursive: true }).sort()).toEqual(before);
  });

  testIt("by 12 processes at once downloads each layer once", async () => {
    const home = newHome();
    const big = packImage({
      layers: [
        [{ name: "etc/" }, { name: "etc/a", content: noise(5_000_000, 3) }],
        [{ name: "etc/b", content: noise(1_000_000, 4) }],
      ],
    });
    await upload(lab.registry().url, "tools/big", "1", big);
    const requests = await requestsOf(async () => {
      const calls = Array.from({ length: 12 }, (_, at) =>
        call(home, ["pull", `x-${at}.sif`, address("tools/big:1")]),
      );
      for (const { code, stderr } of await Promise.all(calls))
        expect({ code, stderr }).toMatchObject({ code: 0 });
    });
    for (const { digest } of [big.config, ...big.layers]) {
      expect(requests.filter((line) => line.includes(digest)).length).toBe(1);
    }
    expect(readdirSync(`${home}/.skiff/cache/oci-tmp`).length).toBe(1);
    expect(readdirSync(`${home}/.skiff/cache/skiff/claims`)).toEqual([]);
  });
});

describe("a mirror of registries.conf", () => {
  testIt("is asked first, and the registry itself when the mirror lacks the image", async () => {
    const home = newHome();
    const conf = `${home}/registries.conf`;
    const rule = (location: string, mirror: string): string =>
      `[[registry]]\nlocation = "${location}"\n[[registry.mirror]]\nlocation = "${mirror}"\ninsecure = true\n`;
    writeFileSync(conf, rule("registry.invalid/far", `${lab.registry().host}/tools`));
    const env = { CONTAINERS_REGISTRIES_CONF: conf };
    const by = await call(home, ["pull", "x.sif", "docker://registry.invalid/far/sample:1"], env);
    expect(by.code).toBe(0);
    const from = "docker://registry.invalid/far/sample:1";
    const built = await call(home, ["build", "--sandbox", "tree", from], env);
    expect(built).toMatchObject({ code: 0 });
    const moved = `[[registry]]\nprefix = "gone.invalid/a"\nlocation = "${lab.registry().host}/tools"\n`;
    writeFileSync(conf, moved);
    const here = await call(home, ["pull", "moved.sif", "docker://gone.invalid/a/sample:1"], env);
    expect(here).toMatchObject({ code: 0 });
    const none = await call(home, ["pull", "none.sif", "docker://gone.invalid/a/none:1"], env);
    expect(none.stderr).toContain(`${lab.registry().host} has no such thing (404)`);
    writeFileSync(conf, rule(lab.registry().host, `${lab.registry().host}/nothing/here`));
    const past = await call(home, ["pull", "y.sif", address("tools/zstd:1")], env);
    expect(past.code).toBe(0);
    expect(past.stderr).toContain("The mirror");
  });
});

describe("cache", () => {
  testIt("list tells what there is, clean removes it", async () => {
    const home = newHome();
    await call(home, ["pull", address("tools/sample:1")]);
    const list = JSON.parse((await call(home, ["cache", "list", "--json"])).stdout);
    expect(list.entries.map((entry: { type: string }) => entry.type).sort()).toEqual([
      ...["blob", "blob", "blob", "oci-tmp"],
    ]);
    expect((await call(home, ["cache", "list"])).stdout).toContain("There are 1 container file(s)");
    await call(home, ["cache", "clean", "--dry-run"]);
    expect((await call(home, ["cache", "list"])).stdout).toContain("There are 1 container file(s)");
    await call(home, ["cache", "clean", "--force", "--type", "blob"]);
    expect((await call(home, ["cache", "list"])).stdout).toContain("and 0 oci blob file(s)");
    const requests = await requestsOf(() =>
      call(home, ["pull", "--force", address("tools/sample:1")]),
    );
    expect(requests.length).toBe(1);
    await call(home, ["cache", "clean", "--force"]);
    expect((await call(home, ["cache", "list"])).stdout).toContain("Total space used: 0.00 KiB");
  });
});

test("the sample image is the same in each run", () => {
  expect(sampleImage().manifest.digest).toBe(image.manifest.digest);
});
