import { copyFileSync } from "node:fs";
import { treeRoot } from "../test/support/tree.ts";
import { type Case, compare, type Setting } from "./cases.ts";
import type { Contender, Measured, Sample } from "./sample.ts";
import type { CaseResult } from "./table.ts";

interface Started {
  readonly contender: string;
  readonly program: string;
  readonly image: string;
}

/** Every tool with every image it is measured on. */
function combinations({ images, peer, place }: Setting): readonly Started[] {
  const own = (contender: string, image: string): Started => ({
    contender,
    program: place.skiff,
    image,
  });
  const theirs = (contender: string, image: string): readonly Started[] =>
    peer === undefined ? [] : [{ contender, program: peer, image }];
  return [
    own("skiff, own zstd SIF", images.rootSif),
    own("skiff, directory", images.root),
    ...theirs("peer, its gzip SIF", images.peerRootSif),
    ...theirs("peer, directory", images.root),
  ];
}

const BOUNDS = [
  { contender: "skiff, own zstd SIF", against: "peer, its gzip SIF", most: 1 / 5 },
  { contender: "skiff, directory", against: "peer, directory", most: 1 / 5 },
];

async function must(setting: Setting, argv: readonly string[]): Promise<string> {
  const done = await setting.place.run(argv, { timeoutMs: 60_000 });
  if (done.code !== 0) throw new Error(`${argv.join(" ")} failed: ${done.stderr.slice(-2000)}`);
  return done.stdout;
}

/** From the command to the first answer of the server that it starts; stopping is not measured. */
const serving: Case = {
  name: "serve",
  run: async (setting) => {
    const { place, quick } = setting;
    console.error("==> instance start to the first served request");
    copyFileSync(`${treeRoot}/build/bench/serve`, `${place.outside}/serve`);
    const started = combinations(setting);
    const samples = new Map<string, Sample[]>(started.map((one) => [one.contender, []]));
    const rounds = quick ? 3 : 12;
    for (let round = 0; round < rounds + 1; round++) {
      for (const [at, { contender, program, image }] of started.entries()) {
        const port = 20000 + ((round * started.length + at) % 10000);
        const script = `begin=$(date +%s%N)
"$1" instance start -B "$2":/.singularity.d/startscript "$3" bench ${port} >/dev/null 2>&1 || exit 1
until exec 3<>/dev/tcp/127.0.0.1/${port}; do :; done 2>/dev/null
read -r answer <&3; end=$(date +%s%N); exec 3>&-
"$1" instance stop -F bench >/dev/null 2>&1; [ "$answer" = served ] && echo $((end - begin))`;
        const words = ["bash", "-c", script, "bash", program, `${place.inside}/serve`, image];
        const wallMs = Number(await must(setting, words)) / 1e6;
        if (round > 0) samples.get(contender)?.push(sampleOf(wallMs));
      }
    }
    const measured: Measured[] = started.map(({ contender, program }) => ({
      contender: { name: contender, argv: [program] } satisfies Contender,
      samples: samples.get(contender) ?? [],
      failure: undefined,
    }));
    const bounds = setting.peer === undefined ? [] : BOUNDS;
    const result: CaseResult = {
      title: "instance start to first request",
      measured,
      bounds,
      notes: [],
    };
    return result;
  },
};

function sampleOf(wallMs: number): Sample {
  const unknown = Number.NaN;
  return { wallMs, cpuMs: unknown, allCpuMs: unknown, peakMb: unknown, lingerMs: unknown, left: 0 };
}

const joining: Case = {
  name: "join",
  run: async (setting) => {
    const started = combinations(setting);
    copyFileSync(`${treeRoot}/build/bench/serve`, `${setting.place.outside}/serve`);
    const nameOf = (at: number): string => `bench${at}`;
    try {
      for (const [at, { program, image }] of started.entries()) {
        const script = `${setting.place.inside}/serve:/.singularity.d/startscript`;
        const words = ["--silent", "instance", "start", "-B", script, image, nameOf(at)];
        await must(setting, [program, ...words, String(31000 + at)]);
      }
      // A record that was written a moment ago is not trusted: the launches into it would not be kept.
      await Bun.sleep(2500);
      return await compare(
        setting,
        "exec true in an instance",
        { rounds: setting.quick ? 10 : 40, warmup: 3, jobs: 1 },
        started.map(
          ({ contender, program }, at) =>
            [contender, program, "exec", `instance://${nameOf(at)}`, "true"] as const,
        ),
        BOUNDS,
      );
    } finally {
      for (const [at, { program }] of started.entries()) {
        await setting.place.run([program, "--silent", "instance", "stop", "-F", nameOf(at)]);
      }
    }
  },
};

const ranks: Case = {
  name: "ranks",
  run: (setting) => {
    const { images, peer, place } = setting;
    const exec = (image: string, ...flags: string[]) => ["exec", ...flags, image, "true"] as const;
    return compare(
      setting,
      "64 ranks at once, exec true",
      { rounds: setting.quick ? 2 : 7, warmup: 3, jobs: 64 },
      [
        ["skiff, shared", place.skiff, ...exec(images.rootSif, "--share-ranks")],
        ["skiff, each its own", place.skiff, ...exec(images.rootSif)],
        ["peer, each its own", peer, ...exec(images.peerRootSif)],
        ["peer, --sharens", peer, ...exec(images.peerRootSif, "--sharens")],
      ],
      [{ contender: "skiff, shared", against: "peer, each its own", most: 1 / 10 }],
    );
  },
};

/** Instances, and many processes of one container. */
export const instanceCases: readonly Case[] = [serving, joining, ranks];
