import { existsSync, statSync } from "node:fs";
import type { Place } from "../test/support/place.ts";
import type { Images } from "./images.ts";
import { type Contender, measure, type Repeats } from "./sample.ts";
import { starterAlone } from "./starter-alone.ts";
import type { Bound, CaseResult } from "./table.ts";

/** What the cases run on. */
export interface Setting {
  readonly place: Place;
  readonly images: Images;
  /** The peer's program as seen inside. */
  readonly peer: string | undefined;
  /** charliecloud's ch-run as seen inside. */
  readonly chRun: string | undefined;
  /** Fewer rounds. */
  readonly quick: boolean;
}

/** One line of enquiry: its name for `--only`, and how it is measured. */
export interface Case {
  readonly name: string;
  /** It needs none of the common images. */
  readonly preparesItself?: boolean;
  readonly run: (setting: Setting) => Promise<CaseResult>;
}

type Line = readonly [name: string, program: string | undefined, ...args: string[]];

/** Measures lines that do the same; those whose program is missing are left out. */
export async function compare(
  setting: Setting,
  title: string,
  repeats: Repeats,
  lines: readonly Line[],
  bounds: readonly Bound[],
): Promise<CaseResult> {
  const contenders: Contender[] = lines.flatMap(([name, program, ...args]) =>
    program === undefined ? [] : [{ name, argv: [program, ...args] }],
  );
  console.error(`==> ${title}`);
  const measured = await measure(setting.place, contenders, repeats);
  const known = new Set(contenders.map((contender) => contender.name));
  const both = bounds.filter((b) => known.has(b.contender) && known.has(b.against));
  return { title, measured, bounds: both, notes: [] };
}

const atMost = (contender: string, most: number, against: string): Bound => ({
  contender,
  against,
  most,
});

const startUp: Case = {
  name: "start",
  run: async (setting) => {
    const { images, peer, place, chRun } = setting;
    const exec = ["exec"] as const;
    const [aloneSif, ...aloneSifArgs] = (await starterAlone(place, images.rootSif, "sif")) ?? [];
    const [aloneRoot, ...aloneRootArgs] = (await starterAlone(place, images.root, "root")) ?? [];
    return compare(
      setting,
      "exec true",
      { rounds: setting.quick ? 10 : 40, warmup: 2, jobs: 1 },
      [
        ["skiff, gzip SIF of the peer", peer && place.skiff, ...exec, images.peerRootSif, "true"],
        ["skiff, own zstd SIF", place.skiff, ...exec, images.rootSif, "true"],
        ["skiff, directory", place.skiff, ...exec, images.root, "true"],
        ["starter alone, own zstd SIF", aloneSif, ...aloneSifArgs],
        ["starter alone, directory", aloneRoot, ...aloneRootArgs],
        ["peer, its gzip SIF", peer, ...exec, images.peerRootSif, "true"],
        ["peer, zstd SIF of skiff", peer, ...exec, images.rootSif, "true"],
        ["peer, directory", peer, ...exec, images.root, "true"],
        ["ch-run, directory", chRun, images.root, "--", "true"],
      ],
      [
        atMost("skiff, gzip SIF of the peer", 1 / 4.5, "peer, its gzip SIF"),
        atMost("skiff, own zstd SIF", 1 / 6, "peer, its gzip SIF"),
        atMost("skiff, directory", 1 / 7, "peer, directory"),
        atMost("skiff, directory", 1.2, "ch-run, directory"),
      ],
    );
  },
};

const together: Case = {
  name: "together",
  run: (setting) => {
    const { images, peer, place } = setting;
    return compare(
      setting,
      "64 at once, exec true",
      { rounds: setting.quick ? 2 : 7, warmup: 1, jobs: 64 },
      [
        ["skiff, gzip SIF of the peer", peer && place.skiff, "exec", images.peerRootSif, "true"],
        ["skiff, own zstd SIF", place.skiff, "exec", images.rootSif, "true"],
        ["skiff, directory", place.skiff, "exec", images.root, "true"],
        ["peer, its gzip SIF", peer, "exec", images.peerRootSif, "true"],
        ["peer, directory", peer, "exec", images.root, "true"],
      ],
      [
        atMost("skiff, gzip SIF of the peer", 1 / 5, "peer, its gzip SIF"),
        atMost("skiff, own zstd SIF", 1 / 5, "peer, its gzip SIF"),
        atMost("skiff, directory", 1 / 10, "peer, directory"),
      ],
    );
  },
};

const building: Case = {
  name: "build",
  run: async (setting) => {
    const { images, peer, place } = setting;
    const [own, theirs] = ["built-by-skiff.sif", "built-by-peer.sif"];
    const result = await compare(
      setting,
      "Debian root to SIF",
      { rounds: setting.quick ? 1 : 5, warmup: setting.quick ? 0 : 1, jobs: 1 },
      [
        ["skiff, zstd", place.skiff, "build", "--force", `${place.inside}/${own}`, images.root],
        ["peer, gzip", peer, "build", "--force", `${place.inside}/${theirs}`, images.root],
      ],
      [atMost("skiff, zstd", 1 / 4, "peer, gzip")],
    );
    const [ownFile, theirFile] = [`${place.outside}/${own}`, `${place.outside}/${theirs}`];
    if (!existsSync(ownFile) || !existsSync(theirFile)) return result;
    const [ownBytes, theirBytes] = [statSync(ownFile).size, statSync(theirFile).size];
    const ratio = ownBytes / theirBytes;
    const size = `size: ${(ownBytes / 1e6).toFixed(1)} against ${(theirBytes / 1e6).toFixed(1)} MB`;
    const verdict = `${ratio.toFixed(3)} of the peer's (at most 1.05)${ratio > 1.05 ? " MISSED" : ""}`;
    return { ...result, notes: [`${size}, ${verdict}`] };
  },
};

// "No slower than the peer" is measured with a twentieth of leave: two runs of one program differ as much.
function reading(name: string, title: string, words: readonly string[]): Case {
  return {
    name,
    run: (setting) => {
      const { images, peer, place } = setting;
      const reader = (image: string): string[] => ["exec", image, "/bench/read-files", ...words];
      return compare(
        setting,
        title,
        { rounds: setting.quick ? 2 : 7, warmup: 1, jobs: 1 },
        [
          ["skiff, gzip SIF of the peer", peer && place.skiff, ...reader(images.peerDataSif)],
          ["skiff, own zstd SIF", place.skiff, ...reader(images.dataSif)],
          ["skiff, directory", place.skiff, ...reader(images.data)],
          ["peer, its gzip SIF", peer, ...reader(images.peerDataSif)],
          ["peer, directory", peer, ...reader(images.data)],
        ],
        [
          atMost("skiff, gzip SIF of the peer", 1.05, "peer, its gzip SIF"),
          atMost("skiff, own zstd SIF", 1.05, "peer, its gzip SIF"),
          atMost("skiff, directory", 1.05, "peer, directory"),
        ],
      );
    },
  };
}

/** Cases on the common images, in the order of the table. */
export const cases: readonly Case[] = [
  startUp,
  together,
  building,
  reading("sequential", "read 200 MB in sequence", ["sequential", "/bench/big"]),
  reading("random", "read 5,000 random 4 KiB", ["random", "/bench/big", "5000"]),
  reading("small", "read 10,000 small files", ["small", "/bench/small"]),
];
