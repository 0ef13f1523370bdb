import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { enterLocalPlace, type Place } from "../test/support/place.ts";
import { run } from "../test/support/run.ts";
import { treeRoot } from "../test/support/tree.ts";
import { prepareImages } from "./images.ts";
import { type Contender, measure, summary } from "./sample.ts";
import { starterAlone } from "./starter-alone.ts";
import { mergeTraces, readTrace, type Step } from "./timeline.ts";

/**
 * Where each millisecond of a launch goes: first by leaving parts out, whole processes side by side,
 * then along the system calls of one launch (strace with a filter, which slows only those named).
 */
const ROUNDS = 40;
const TRACES = 15;
const CALLS =
  "execve,unshare,setns,mount,umount2,pivot_root,clone,clone3,vfork,fork,memfd_create,wait4,chdir,capset";

async function emptyProgram(place: Place): Promise<void> {
  const source = `${treeRoot}/build/bench/empty.ts`;
  await Bun.write(source, "process.exit(0);\n");
  const target = `${treeRoot}/build/bench/empty`;
  const flags = ["--compile", "--minify", "--bytecode", "--format=esm"];
  const built = await run([process.execPath, "build", ...flags, source, "--outfile", target], {
    as: "self",
    cwd: `${treeRoot}/build/bench`,
  });
  if (built.code !== 0) throw new Error(built.stderr);
  copyFileSync(target, `${place.outside}/empty`);
}

async function parts(place: Place, kinds: readonly (readonly [string, string])[]): Promise<void> {
  const contenders: Contender[] = [
    { name: "a static C program", argv: [`${place.inside}/feed`] },
    { name: "Bun, an empty program compiled the same way", argv: [`${place.inside}/empty`] },
    { name: "skiff --version", argv: [place.skiff, "--version"] },
  ];
  for (const [kind, image] of kinds) {
    const alone = await starterAlone(place, image, kind);
    if (alone !== undefined) contenders.push({ name: `starter alone, ${kind}`, argv: alone });
    contenders.push({
      name: `skiff explain, ${kind}`,
      argv: [place.skiff, "explain", "exec", image, "true"],
    });
    contenders.push({ name: `skiff exec, ${kind}`, argv: [place.skiff, "exec", image, "true"] });
  }
  for (const { contender, samples, failure } of await measure(place, contenders, {
    rounds: ROUNDS,
    warmup: 2,
    jobs: 1,
  })) {
    const { wallMs, allCpuMs, peakMb } = summary(samples);
    const figures = `${wallMs.toFixed(2).padStart(8)} ms wall ${allCpuMs.toFixed(2).padStart(8)} ms CPU ${peakMb.toFixed(1).padStart(6)} MB`;
    console.log(`  ${contender.name.padEnd(46)} ${failure ?? figures}`);
  }
}

async function timeline(place: Place, image: string): Promise<readonly Step[]> {
  const output = `${place.inside}/trace`;
  const traces: (readonly Step[])[] = [];
  for (let round = 0; round < TRACES; round++) {
    const strace = ["strace", "-f", "--seccomp-bpf", "-ttt", "-s", "80", "-e", `trace=${CALLS}`];
    await place.run([...strace, "-o", output, place.skiff, "exec", image, "true"]);
    traces.push(readTrace(readFileSync(`${place.outside}/trace`, "utf8")));
  }
  return mergeTraces(traces);
}

const place = enterLocalPlace();
try {
  const images = await prepareImages(place, undefined, false);
  await emptyProgram(place);
  copyFileSync(`${treeRoot}/build/bench/feed`, `${place.outside}/feed`);
  const kinds = [
    ["directory", images.root],
    ["SIF", images.rootSif],
  ] as const;
  console.log("\nWhole processes, medians, contenders in turns:");
  await parts(place, kinds);
  if (!existsSync("/usr/bin/strace")) console.log("\nNo timeline: strace is not installed");
  else {
    for (const [kind, image] of kinds) {
      const steps = await timeline(place, image);
      const total = steps.reduce((sum, step) => sum + step.ms, 0);
      console.log(
        `\nexec of true, ${kind}, ${total.toFixed(2)} ms under strace; before each call:`,
      );
      for (const { call, ms } of steps) console.log(`  ${ms.toFixed(3).padStart(8)}  ${call}`);
    }
  }
} finally {
  place.leave();
}
