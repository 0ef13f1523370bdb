import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, skiff, start } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";
import { type LocalRegistry, noRegistry, startRegistry } from "./local-registry.ts";
import { noise, sampleImage } from "./sample-image.ts";
import { packImage, packIndex, putManifest, upload } from "./test-image.ts";

const why = firstReason(noRegistry(), noTool("busybox"), noTool("mksquashfs"), noUserNamespaces());
const testIt = testUnless(why);
const folder = scratch();
let registry: LocalRegistry;
const image = sampleImage();
let homes = 0;

/** A new home, with the cache in it. */
function newHome(): string {
  homes += 1;
  const home = `${folder}/home-${homes}`;
  mkdirSync(home);
  const user = ordinaryUser();
  if (isRoot && user !== undefined) Bun.spawnSync(["chown", `${user.uid}:${user.gid}`, home]);
  return home;
}

function call(home: string, args: readonly string[], env = {}): Promise<Finished> {
  return skiff(args, { cwd: home, extraEnv: { HOME: home, ...env }, timeoutMs: 100_000 });
}

const address = (name: string): string => `docker://${registry.host}/${name}`;

/** Requests that a call makes. */
async function requestsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  const before = registry.requests().length;
  await work();
  return registry.requests().slice(before);
}

beforeAll(async () => {
  if (why !== undefined) return;
  mkdirSync(`${folder}/registry`);
  registry = await startRegistry({ folder: `${folder}/registry` });
  await upload(registry.url, "tools/sample", "1", image);
  await upload(registry.url, "tools/zstd", "1", sampleImage({ compression: "zstd" }));
  await upload(registry.url, "tools/plain", "1", sampleImage({ compression: "none" }));
});
afterAll(() => registry?.stop());

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
    await upload(registry.url, "tools/sample", "other", sampleImage({ config: { Env: ["A=1"] } }));
    const requests = await requestsOf(() => call(home, ["pull", address("tools/sample:other")]));
    expect(requests.filter((line) => line.includes("/blobs/")).length).toBe(1);
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
    for (const entry of entries) await upload(registry.url, "tools/multi", entry.arch, entry.image);
    await putManifest(registry.url, "tools/multi", "all", packIndex(entries));
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
    await upload(registry.url, "tools/big", "1", big);
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

  testIt(
    "killed at any moment leaves nothing that looks whole, and the next one succeeds",
    async () => {
      const home = newHome();
      for (const delay of [20, 60, 100, 160, 240, 350]) {
        const child = start([skiffPath, "pull", address("tools/sample:1")], {
          cwd: home,
          extraEnv: { HOME: home },
        });
        await Bun.sleep(delay);
        child.kill("SIGKILL");
        await child.exited;
        if (existsSync(`${home}/sample_1.sif`)) {
          expect((await call(home, ["exec", "sample_1.sif", "cat", "/etc/word"])).stdout).toBe(
            "above\n",
          );
          break;
        }
      }
      expect((await call(home, ["pull", "--force", address("tools/sample:1")])).code).toBe(0);
      expect((await call(home, ["exec", "sample_1.sif", "cat", "/etc/word"])).stdout).toBe(
        "above\n",
      );
      expect(readdirSync(home).filter((name) => name !== ".skiff")).toEqual(["sample_1.sif"]);
    },
  );

  testIt("ends in one line when the packer ends before it has read all", async () => {
    const home = newHome();
    mkdirSync(`${home}/bin`);
    writeFileSync(`${home}/bin/mksquashfs`, "#!/bin/sh\necho 'no luck today' >&2\nexit 2\n");
    chmodSync(`${home}/bin/mksquashfs`, 0o755);
    const PATH = `${home}/bin:${process.env["PATH"]}`;
    const { code, stderr } = await call(home, ["pull", address("tools/sample:1")], { PATH });
    expect(code).toBe(255);
    const lines = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("INFO:"));
    expect(lines).toEqual([expect.stringMatching(/^FATAL: {3}.*no luck today/)]);
    expect(existsSync(`${home}/sample_1.sif`)).toBe(false);
  });

  testIt(
    "names directory, variable and number when there is no room, before layers are fetched",
    async () => {
      const home = newHome();
      mkdirSync(`${home}/small`);
      const script = `mount -t tmpfs -o size=64k,mode=777 none small && SKIFF_CACHEDIR=$PWD/small exec "$0" pull "$1"`;
      const requests = await requestsOf(async () => {
        const child = start(
          ["unshare", "-Urm", "sh", "-c", script, skiffPath, address("tools/sample:1")],
          { cwd: home, extraEnv: { HOME: home } },
        );
        const [stderr, code] = await Promise.all([child.stderr.text(), child.exited]);
        expect(code).toBe(255);
        expect(stderr).toContain("SKIFF_CACHEDIR");
        expect(stderr).toContain(`${home}/small/cache`);
        expect(stderr).toMatch(/[0-9]+ MiB are needed, [0-9]+ MiB are free/);
      });
      expect(requests.filter((line) => image.layers.some((l) => line.includes(l.digest)))).toEqual(
        [],
      );
      expect(existsSync(`${home}/sample_1.sif`)).toBe(false);
    },
  );

  testIt("counts the room of the target before layers are fetched", async () => {
    const home = newHome();
    mkdirSync(`${home}/small`);
    const script = `mount -t tmpfs -o size=64k,mode=777 none small && exec "$0" pull --dir small "$1"`;
    const requests = await requestsOf(async () => {
      const child = start(
        ["unshare", "-Urm", "sh", "-c", script, skiffPath, address("tools/sample:1")],
        { cwd: home, extraEnv: { HOME: home } },
      );
      const [stderr, code] = await Promise.all([child.stderr.text(), child.exited]);
      expect(code).toBe(255);
      expect(stderr).toMatch(/in ".*\/small": [0-9]+ MiB are needed, [0-9]+ MiB are free.*--dir/);
    });
    expect(requests.filter((line) => line.includes("/blobs/")).length).toBeLessThan(2);
  });

  testIt("says in one line why it cannot write there, before anything is fetched", async () => {
    const home = newHome();
    writeFileSync(`${home}/file`, "");
    const from = address("tools/sample:1");
    const wrong: readonly (readonly [words: readonly string[], said: string])[] = [
      [["/root/none/x.sif", from], "its directory does not exist"],
      [["file/x.sif", from], "its directory does not exist"],
      [["--dir", "file", from], "file exists"],
      [["/x.sif", from], "permission denied"],
      [["x".repeat(300), from], "name too long"],
      [["--disable-cache", "--tmpdir", "/nosuch", from], "no such file or directory"],
      [["http://127.0.0.1:99999/x"], "it is no valid address"],
    ];
    for (const [words, said] of wrong) {
      const refused = await call(home, ["pull", ...words]);
      expect(refused.code).toBe(255);
      expect(refused.stderr).toContain(said);
      expect(refused.stderr.trim().split("\n").length).toBe(1);
    }
    const long = await call(home, ["exec", `docker://${"a".repeat(5000)}`, "true"]);
    expect(long.stderr).toContain("is no repository name");
    expect(existsSync(`${home}/.skiff/cache/blob`)).toBe(false);
  });

  testIt("works without a cache", async () => {
    const home = newHome();
    const off = await call(home, ["pull", "--disable-cache", address("tools/sample:1")]);
    expect(off.code).toBe(0);
    expect(existsSync(`${home}/.skiff/cache`)).toBe(false);
    const unwritable = await call(home, ["pull", "--force", address("tools/sample:1")], {
      SKIFF_CACHEDIR: "/proc/none",
    });
    expect(unwritable.code).toBe(0);
    expect(unwritable.stderr).toContain("Cache disabled");
  });
});

describe("a mirror of registries.conf", () => {
  testIt("is asked first, and the registry itself when the mirror lacks the image", async () => {
    const home = newHome();
    const conf = `${home}/registries.conf`;
    const rule = (location: string, mirror: string): string =>
      `[[registry]]\nlocation = "${location}"\n[[registry.mirror]]\nlocation = "${mirror}"\ninsecure = true\n`;
    writeFileSync(conf, rule("registry.invalid/far", `${registry.host}/tools`));
    const env = { CONTAINERS_REGISTRIES_CONF: conf };
    const by = await call(home, ["pull", "x.sif", "docker://registry.invalid/far/sample:1"], env);
    expect(by.code).toBe(0);
    writeFileSync(conf, rule(registry.host, `${registry.host}/nothing/here`));
    const past = await call(home, ["pull", "y.sif", address("tools/zstd:1")], env);
    expect(past.code).toBe(0);
    expect(past.stderr).toContain("The mirror");
  });
});

describe("exec, run and shell", () => {
  testIt("start an image by its address, from the cache with one request", async () => {
    const home = newHome();
    const first = await call(home, ["exec", address("tools/sample:1"), "cat", "/etc/word"]);
    expect(first).toMatchObject({ code: 0, stdout: "above\n" });
    const requests = await requestsOf(async () => {
      const second = await call(home, ["run", address("tools/sample:1"), "x"]);
      expect(second).toMatchObject({ code: 0, stdout: "entry point x\n" });
    });
    expect(requests).toEqual(["HEAD /v2/tools/sample/manifests/1"]);
    const offline = await requestsOf(async () => {
      const third = await call(home, ["exec", "--offline", address("tools/sample:1"), "true"]);
      expect(third.code).toBe(0);
    });
    expect(offline).toEqual([]);
  });

  testIt(
    "leave the program no connection or file of the fetching, and all of the caller's",
    async () => {
      const home = newHome();
      const words = ["exec", address("tools/sample:1"), "ls", "/proc/self/fd"];
      for (const flags of [[], ["--disable-cache"]]) {
        const line = `exec 9</dev/null; exec "$0" ${[words[0], ...flags, ...words.slice(1)].join(" ")}`;
        const child = start(["sh", "-c", line, skiffPath], {
          cwd: home,
          extraEnv: { HOME: home },
        });
        const [stdout, code] = await Promise.all([child.stdout.text(), child.exited]);
        expect(code).toBe(0);
        // The last one is of the listing itself.
        const found = stdout
          .trim()
          .split("\n")
          .map(Number)
          .sort((a, b) => a - b);
        expect(found.filter((fd) => fd > 3)).toEqual([9]);
      }
    },
  );

  testIt("without a cache leave nothing when the program has ended", async () => {
    const home = newHome();
    mkdirSync(`${home}/tmp`, { mode: 0o777 });
    chmodSync(`${home}/tmp`, 0o777);
    const words = ["exec", "--disable-cache", "--tmpdir", "tmp", address("tools/sample:1")];
    expect((await call(home, [...words, "cat", "/etc/word"])).stdout).toBe("above\n");
    expect((await call(home, [...words, "nosuch-program"])).code).toBe(255);
    expect((await call(home, ["exec", "--cwd", "/nosuch", ...words.slice(1), "true"])).code).toBe(
      255,
    );
    for (let i = 0; i < 100 && readdirSync(`${home}/tmp`).length > 0; i++) await Bun.sleep(50);
    expect(readdirSync(`${home}/tmp`)).toEqual([]);
  });

  testIt("leave ignored what the caller ignores", async () => {
    const home = newHome();
    await call(home, ["pull", "local.sif", address("tools/sample:1")]);
    const ignored = async (image: string): Promise<string> => {
      const line = `trap "" HUP INT; exec "$0" exec ${image} sed -n /^SigIgn/p /proc/self/status`;
      const options = { cwd: home, extraEnv: { HOME: home } };
      return await start(["sh", "-c", line, skiffPath], options).stdout.text();
    };
    const local = await ignored("local.sif");
    expect(Number.parseInt(local.replace("SigIgn:", "").trim(), 16) & 3).toBe(3);
    expect(await ignored(address("tools/sample:1"))).toBe(local);
  });

  testIt("take a file of such a name for what it is", async () => {
    const home = newHome();
    await call(home, ["pull", "x.sif", address("tools/sample:1")]);
    const name = "docker:odd";
    writeFileSync(`${home}/${name}`, readFileSync(`${home}/x.sif`), { mode: 0o755 });
    const ran = await call(home, ["exec", name, "cat", "/etc/word"]);
    expect(ran).toMatchObject({ code: 0, stdout: "above\n" });
  });

  testIt("pass on the status of the program, also without a cache", async () => {
    const home = newHome();
    const failed = await call(home, [
      ...["exec", "--disable-cache", address("tools/sample:1"), "sh", "-c", "exit 7"],
    ]);
    expect(failed.code).toBe(7);
  });
});

describe("oras", () => {
  testIt("push and pull carry a SIF unchanged", async () => {
    const home = newHome();
    await call(home, ["pull", "x.sif", address("tools/sample:1")]);
    const oras = `oras://${registry.host}/sifs/sample:1`;
    expect((await call(home, ["push", "x.sif", oras])).code).toBe(0);
    const manifest = await (
      await fetch(`${registry.url}/v2/sifs/sample/manifests/1`, {
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
    const wrong = await call(home, ["pull", `docker://${registry.host}/sifs/sample:1`]);
    expect(wrong.stderr).toContain(`use oras://${registry.host}/sifs/sample:1`);
    const other = await call(home, ["pull", `oras://${registry.host}/tools/sample:1`]);
    expect(other.stderr).toContain("it is not one SIF");
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
    const name = `oras://${registry.host}/gone/sif`;
    await call(home, ["push", "x.sif", `${name}:1`]);
    await call(home, ["tag", `${name}:1`, "2"]);
    const search = ["search", `oras://${registry.host}/gone`];
    expect((await call(home, search)).stdout).toBe(
      `Found 1 container images matching "oras://${registry.host}/gone":\n\n\t${name}:1,2\n\n`,
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
    const refused = await call(home, ["push", "text", `oras://${registry.host}/sifs/text:1`]);
    expect(refused.code).toBe(255);
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
