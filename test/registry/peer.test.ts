import { afterAll, beforeAll, expect } from "bun:test";
import { mkdirSync } from "node:fs";
import { noTool } from "../support/host-lacks.ts";
import { enterPeerPlace, noPeer, type PeerPlace } from "../support/peer.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { type LocalRegistry, noRegistry, startRegistry } from "./local-registry.ts";
import { sampleImage } from "./sample-image.ts";
import { packImage, packIndex, putManifest, upload } from "./test-image.ts";

/* The same images from the same registry to the peer and to skiff: what comes out must be alike. */

const why = firstReason(noPeer(), noRegistry(), noTool("busybox"));
const testIt = testUnless(why);
const folder = scratch();
const login = { username: "bob", password: "secret" };
let registry: LocalRegistry;
let closed: LocalRegistry;
let place: PeerPlace;

beforeAll(async () => {
  if (why !== undefined) return;
  mkdirSync(`${folder}/open`);
  mkdirSync(`${folder}/closed`);
  registry = await startRegistry({ folder: `${folder}/open` });
  closed = await startRegistry({ folder: `${folder}/closed`, login });
  const image = sampleImage();
  await upload(registry.url, "tools/sample", "1", image);
  await upload(closed.url, "tools/sample", "1", image, `Basic ${btoa("bob:secret")}`);
  const other = sampleImage({ config: { Cmd: ["/bin/echo", "just a command"] } });
  await upload(registry.url, "tools/cmd", "1", other);
  await upload(registry.url, "tools/list", "arm64", packImage({ layers: [[{ name: "etc/" }]] }));
  await putManifest(
    registry.url,
    "tools/list",
    "1",
    packIndex([
      { image: packImage({ layers: [[{ name: "etc/" }]] }), arch: "arm64" },
      { image: packImage({ layers: [[{ name: "etc/" }]] }), arch: "s390x" },
    ]),
  );
  place = enterPeerPlace();
  for (const name of ["sample", "cmd"]) {
    const address = `docker://${registry.host}/tools/${name}:1`;
    const [theirs, ours] = imagesOf(name);
    expect((await peer("pull", "--no-https", theirs, address)).code).toBe(0);
    expect((await own("pull", ours, address)).code).toBe(0);
  }
}, 120_000);
afterAll(async () => {
  place?.leave();
  await Promise.all([registry?.stop(), closed?.stop()]);
});

const env = () => ({
  SKIFF_CACHEDIR: `${place.inside}/c1`,
  APPTAINER_CACHEDIR: `${place.inside}/c2`,
});

/** The same image as the peer pulled it and as skiff did. */
const imagesOf = (name: string) =>
  [`${place.inside}/peer-${name}.sif`, `${place.inside}/own-${name}.sif`] as const;

function peer(...words: string[]) {
  return place.run([place.peer, ...words], { extraEnv: env(), timeoutMs: 100_000 });
}
function own(...words: string[]) {
  return place.run([place.skiff, ...words], { extraEnv: env(), timeoutMs: 100_000 });
}

testIt(
  "a pulled image has the same files, environment, runscript and labels",
  async () => {
    for (const name of ["sample", "cmd"]) {
      const [a, b] = imagesOf(name);
      const commands: readonly (readonly string[])[] = [
        [
          "sh",
          "-c",
          "cd /; for f in $(busybox find bin etc srv -type f); do busybox md5sum $f; done",
        ],
        [
          "sh",
          "-c",
          "busybox find / -xdev -path /proc -prune -o -path /sys -prune -o -path /dev -prune -o -path /.singularity.d -prune -o -type l -print | busybox sort",
        ],
        [
          "sh",
          "-c",
          "cd /; busybox ls -lnd bin srv bin/busybox bin/sh etc/word srv/noise; busybox readlink environment singularity",
        ],
        ["env"],
      ];
      for (const command of commands) {
        const [theirs, ours] = [
          await peer("exec", "--cleanenv", "--contain", a, ...command),
          await own("exec", "--cleanenv", "--contain", b, ...command),
        ];
        const plain = (text: string) =>
          text
            // A name of the peer's older versions that skiff sets as well.
            .replace(/^SINGULARITY_COMMAND=.*\n/m, "")
            .replaceAll(a, "IMAGE")
            .replaceAll(b, "IMAGE")
            .replaceAll(`peer-${name}`, "NAME")
            .replaceAll(`own-${name}`, "NAME");
        expect(plain(ours.stdout).split("\n").sort()).toEqual(
          plain(theirs.stdout).split("\n").sort(),
        );
        expect(ours.code).toBe(theirs.code);
      }
      for (const words of [[], ["one", "two words"]]) {
        const [theirs, ours] = [await peer("run", a, ...words), await own("run", b, ...words)];
        expect(ours.stdout).toBe(theirs.stdout);
      }
      for (const flag of ["-d"]) {
        expect((await own("inspect", flag, b)).stdout).toBe((await own("inspect", flag, a)).stdout);
      }
      const labels = async (image: string) => {
        const { stdout } = await own("inspect", "--json", image);
        const { attributes } = JSON.parse(stdout).data;
        for (const key of Object.keys(attributes.labels)) {
          // When and by what it was built.
          if (/build-date|version|image\.base/.test(key)) delete attributes.labels[key];
        }
        return attributes.labels;
      };
      expect(await labels(b)).toEqual(await labels(a));
    }
  },
  120_000,
);

testIt(
  "a SIF pushed by one is pulled by the other",
  async () => {
    const address = `oras://${registry.host}/sifs/x`;
    const [a, b] = imagesOf("sample");
    expect((await peer("push", a, `${address}:peer`)).code).toBe(0);
    expect((await own("push", b, `${address}:own`)).code).toBe(0);
    expect((await own("pull", `${place.inside}/1.sif`, `${address}:peer`)).code).toBe(0);
    const pulled = await peer("pull", "--no-https", `${place.inside}/2.sif`, `${address}:own`);
    expect(pulled.code).toBe(0);
    const sums = await place.run([
      "sh",
      "-c",
      `cd ${place.inside}; md5sum peer-sample.sif 1.sif own-sample.sif 2.sif`,
    ]);
    const [first, second, third, fourth] = sums.stdout.split("\n").map((line) => line.slice(0, 32));
    expect(second).toBe(first ?? "");
    expect(fourth).toBe(third ?? "");
    const shape = async (tag: string) => {
      const answer = await fetch(`${registry.url}/v2/sifs/x/manifests/${tag}`, {
        headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
      });
      const text = await answer.text();
      return text
        .replace(/"size":[0-9]+/g, "SIZE")
        .replace(/sha256:[0-9a-f]{64}/g, "D")
        .replace(/(own|peer)-/, "");
    };
    expect(await shape("own")).toBe(await shape("peer"));
  },
  120_000,
);

testIt(
  "log-ins kept by the peer are found",
  async () => {
    const uri = `docker://${closed.host}`;
    const address = `${uri}/tools/sample:1`;
    const file = `${place.inside}/x.sif`;
    expect((await own("pull", "--disable-cache", file, address)).code).toBe(255);
    const logged = await peer("registry", "login", "-u", "bob", "-p", "secret", uri);
    try {
      expect(logged.code).toBe(0);
      expect((await own("pull", "--disable-cache", file, address)).code).toBe(0);
    } finally {
      await peer("registry", "logout", uri);
    }
  },
  120_000,
);

testIt(
  "refusals have the peer's status",
  async () => {
    const words: readonly (readonly string[])[] = [
      ["pull", `docker://${registry.host}/tools/none:1`],
      ["pull", `docker://${registry.host}/tools/list:1`],
      ["pull", "docker://Upper/Case"],
      ["pull", "name"],
      ["pull", "foo://name"],
      ["pull", `oras://${registry.host}/tools/sample:1`],
      ["pull", `${place.inside}/own-sample.sif`, `docker://${registry.host}/tools/sample:1`],
      ["push", `${place.inside}/none.sif`, `oras://${registry.host}/x:1`],
      ["push", `${place.inside}/own-sample.sif`, "docker://x/y:1"],
      ["exec", `docker://${registry.host}/tools/none:1`, "true"],
      ["registry", "login", "docker://127.0.0.1:1"],
      ["registry", "login", "-u", "x", "-p", "y", "docker://127.0.0.1:1"],
      ["registry", "login", "name"],
    ];
    for (const line of words) {
      const [theirs, ours] = [await peer(...line), await own(...line)];
      expect({ line, code: ours.code }).toEqual({ line, code: theirs.code });
    }
  },
  120_000,
);

testIt("the list of services is read by the peer, and shown as it shows it", async () => {
  const file = `${place.inside}/remote.yaml`;
  for (const [name, uri] of [
    ["site", "https://library.example.org"],
    ["zoo", "zoo.example.org"],
  ]) {
    const words = ["remote", "-c", file, "add", "--no-login", name ?? "", uri ?? ""];
    expect((await own(...words)).code).toBe(0);
  }
  const [theirs, ours] = [
    await peer("remote", "-c", file, "list"),
    await own("remote", "-c", file, "list"),
  ];
  expect(theirs.code).toBe(0);
  expect(ours.stdout.replace(/ +$/gm, "")).toBe(theirs.stdout.replace(/ +$/gm, ""));
});
