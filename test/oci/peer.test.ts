import { afterAll, beforeAll, describe, expect } from "bun:test";
import { chmodSync, readFileSync, rmSync } from "node:fs";
import { noTool } from "../support/host-lacks.ts";
import { enterPeerPlace, noPeer, type PeerPlace } from "../support/peer.ts";
import { run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { treeRoot } from "../support/tree.ts";
import { partitionOffset } from "./convert-layout.ts";
import { type LayerEntry, layerArchive } from "./layer-archive.ts";
import { writeLayout } from "./oci-layout.ts";

/*
 * One docker archive made into a SIF by skiff and by the peer, then run by skiff and by the peer.
 */

const lack = firstReason(noPeer(), noTool("skopeo"), noTool("unsquashfs"));
const testPeer = testUnless(lack);
const dir = scratch("self");
let place: PeerPlace;

const CONFIG = {
  Env: ["PATH=/bin:/usr/bin", "WORD=one", "SPACED=two  words"],
  Entrypoint: ["/bin/sh", "-c", 'for word; do echo "[$word]"; done', "name"],
  Cmd: ["default", "two words", "$WORD"],
  Labels: { "org.example.b": "<&>", "org.example.a": "plain" },
};

function layers(): readonly (readonly LayerEntry[])[] {
  const shell = readFileSync(`${treeRoot}/dist/libexec/skiff/bash`);
  return [
    [
      // All of them: where an archive leaves parents out, the peer goes by its umask.
      ...["./", "bin", "etc", "data"].map((path) => ({ path, kind: "dir" as const })),
      { path: "bin/sh", mode: 0o755, content: shell },
      { path: "etc/hosts", content: "of the image\n" },
      { path: "etc/gone", content: "x" },
      { path: "data/low", content: "low" },
      { path: "data/same", content: "low" },
      { path: "tmp", kind: "dir", mode: 0o1777 },
      { path: "set", mode: 0o4755, content: "id" },
      { path: "one", content: "linked" },
      { path: "two", kind: "hardlink", link: "one" },
    ],
    [
      { path: "etc/.wh.gone" },
      { path: "data/.wh..wh..opq" },
      { path: "data/same", content: "high" },
      { path: "link", kind: "symlink", link: "/data/same" },
      { path: ".wh.one" },
    ],
  ];
}

interface Both {
  readonly ours: string;
  readonly theirs: string;
}

/** What both programs say in both images, as [program, image]. */
async function everywhere(words: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const out: Record<string, string> = {};
  for (const [who, program] of [
    ["skiff", place.skiff],
    ["peer", place.peer],
  ] as const) {
    for (const image of ["ours", "theirs"]) {
      const argv = words.map((word) => word.replaceAll("@", `${place.inside}/${image}.sif`));
      const end = await place.run([program, ...argv], { timeoutMs: 60_000 });
      out[`${who} ${image}`] = end.stdout;
    }
  }
  return out;
}

const same = (text: string): Readonly<Record<string, string>> => ({
  "skiff ours": text,
  "skiff theirs": text,
  "peer ours": text,
  "peer theirs": text,
});

describe("side by side with the peer", () => {
  beforeAll(async () => {
    if (lack !== undefined) return;
    place = enterPeerPlace();
    const made = layers().map((entries) => ({
      archive: layerArchive(entries),
      packing: "gzip" as const,
    }));
    writeLayout(`${dir}/layout`, [{ tag: "t", layers: made, config: CONFIG }]);
    const archive = `${place.outside}/image.tar`;
    rmSync(archive, { force: true });
    const to = `docker-archive:${archive}:example.org/image:t`;
    const argv = ["skopeo", "copy", "--insecure-policy", `oci:${dir}/layout:t`, to];
    const copied = await run(argv, { as: "self" });
    if (copied.code !== 0) throw new Error(copied.stderr);
    chmodSync(archive, 0o644);
    for (const [image, program] of [
      ["ours", place.skiff],
      ["theirs", place.peer],
    ] as const) {
      const from = `docker-archive:${place.inside}/image.tar`;
      const words = ["build", "--force", `${place.inside}/${image}.sif`, from];
      const built = await place.run([program, ...words], { timeoutMs: 120_000 });
      expect(built.stderr).toContain("Build complete");
    }
  }, 240_000);

  afterAll(() => place?.leave());

  testPeer(
    "the root file systems have the same names, kinds, modes, targets and lengths",
    async () => {
      const list = async (name: string): Promise<readonly string[]> => {
        const sif = `${place.outside}/${name}.sif`;
        const offset = String(await partitionOffset(sif));
        const argv = ["unsquashfs", "-o", offset, "-lln", "-d", "", sif];
        const { stdout } = await run(argv, { as: "self" });
        return stdout
          .split("\n")
          .filter((line) => / \/(?!\.singularity\.d\/)/.test(line))
          .map((line) =>
            line.startsWith("d")
              ? line.replace(/ +\d+ \S+ \S+ /, " ")
              : line.replace(/ \d{4}-\d\d-\d\d \d\d:\d\d /, " "),
          )
          .sort();
      };
      const both: Both = {
        ours: (await list("ours")).join("\n"),
        theirs: (await list("theirs")).join("\n"),
      };
      expect(both.ours).toBe(both.theirs);
    },
  );

  for (const [words, expected] of [
    [["run", "@"], "[default]\n[two words]\n[$WORD]\n"],
    [["run", "@", "a", "b  c"], "[a]\n[b  c]\n"],
    [["run", "@", "$WORD"], "[one]\n"],
    [["run", "--no-eval", "@", "$WORD"], "[$WORD]\n"],
    [["run", "--env", "WORD=other", "@", "$WORD"], "[other]\n"],
    [["exec", "@", "sh", "-c", "echo $WORD ${PATH%%:/usr/local*}"], "one /bin:/usr/bin\n"],
  ] as const) {
    testPeer(
      `${words.join(" ")} does the same in both images by both programs`,
      async () => {
        const found = await everywhere(words);
        expect(found).toEqual(same(expected));
      },
      120_000,
    );
  }

  testPeer("labels and the stored configuration are the same", async () => {
    const labels = async (program: string, image: string) => {
      const words = ["inspect", "--labels", "--json", `${place.inside}/${image}.sif`];
      const end = await place.run([program, ...words]);
      const found: Record<string, string> = JSON.parse(end.stdout).data.attributes.labels;
      for (const key of Object.keys(found)) {
        if (/build-date|\.version$/.test(key)) delete found[key];
      }
      return found;
    };
    expect(await labels(place.peer, "ours")).toEqual(await labels(place.peer, "theirs"));
    const stored = await everywhere(["sif", "dump", "3", "@"]);
    expect(stored["peer ours"]).toBe(stored["peer theirs"] ?? "");
    const definition = await everywhere(["sif", "dump", "1", "@"]);
    expect(definition["peer ours"]).toBe(definition["peer theirs"] ?? "");
  });
});
