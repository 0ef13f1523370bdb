import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { enterPeerPlace, noPeer } from "../test/support/peer.ts";
import { enterLocalPlace } from "../test/support/place.ts";
import { treeRoot } from "../test/support/tree.ts";
import { buildCases } from "./building.ts";
import { cases as commonCases } from "./cases.ts";
import { NO_IMAGES, prepareImages } from "./images.ts";
import { instanceCases } from "./instances.ts";
import { pullCases } from "./pulling.ts";
import { type CaseResult, renderTable, verdicts } from "./table.ts";
import { trustCases } from "./trust.ts";

const cases = [...commonCases, ...instanceCases, ...pullCases, ...buildCases, ...trustCases];

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
    keep: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(`npm run bench -- [--quick] [--only CASE]... [--keep]
npm run bench -- breakdown

  --quick      fewer rounds
  --only CASE  ${cases.map((c) => c.name).join(", ")}
  --keep       leave the images where they are
  breakdown    where each millisecond of a launch goes, without the peer

The peer is the program SKIFF_PEER, or apptainer in PATH, or, for root, the one in the tree at
PEER_ROOT (default /opt/peer), in which then everything runs as the user PEER_USER (default peer).
Figures of all runs: build/bench/result.json`);
  process.exit(0);
}

const chosen = cases.filter((c) => values.only === undefined || values.only.includes(c.name));
const withoutPeer = noPeer();
if (withoutPeer !== undefined) console.error(`==> Without the peer: ${withoutPeer}`);
const peerPlace = withoutPeer === undefined ? enterPeerPlace() : undefined;
const place = peerPlace ?? enterLocalPlace();
const peer = peerPlace?.peer;

try {
  const readsData = chosen.some((c) => ["sequential", "random", "small"].includes(c.name));
  copyFileSync(`${treeRoot}/build/bench/measure`, `${place.outside}/measure`);
  const images = chosen.every((c) => c.preparesItself === true)
    ? NO_IMAGES
    : await prepareImages(place, peer, readsData);
  const found = await place.run(["sh", "-c", "command -v ch-run"]);
  const chRun = found.code === 0 ? found.stdout.trim() : undefined;
  const results: CaseResult[] = [];
  for (const { run } of chosen) {
    results.push(await run({ place, images, peer, chRun, quick: values.quick }));
  }
  const version = async (program: string): Promise<string> =>
    (await place.run([program, "--version"])).stdout.trim();
  const facts = {
    skiff: await version(place.skiff),
    peer: peer === undefined ? undefined : await version(peer),
    kernel: (await place.run(["uname", "-r"])).stdout.trim(),
    processors: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}`,
  };
  console.log(
    `\n${facts.skiff} against ${facts.peer ?? "nobody"}, ${facts.processors}, Linux ${facts.kernel}\n` +
      "Medians of whole processes, contenders in turns. user+sys: the program and its children; with\n" +
      "servers: also what outlives it.\n",
  );
  console.log(renderTable(results));
  const missed = results.flatMap(verdicts).filter((v) => v.ratio > v.most);
  if (missed.length > 0) console.log(`\n${missed.length} bounds missed`);
  mkdirSync(`${treeRoot}/build/bench`, { recursive: true });
  writeFileSync(
    `${treeRoot}/build/bench/result.json`,
    `${JSON.stringify({ facts, results: results.map((r) => ({ ...r, bounds: verdicts(r) })) }, null, 1)}\n`,
  );
} finally {
  if (!values.keep || !existsSync(place.outside)) place.leave();
  else console.error(`==> Left in ${place.outside}`);
}
