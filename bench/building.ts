import { readFileSync, writeFileSync } from "node:fs";
import type { Place } from "../test/support/place.ts";
import { treeRoot } from "../test/support/tree.ts";
import { type Case, compare, type Setting } from "./cases.ts";
import type { CaseResult } from "./table.ts";

/*
 * Builds of examples/lolcow.def from the mirror of this machine: cold, again, and after a change.
 */

/** Builds with a cache and a directory for temporary files of their own; DIR in a word is that place. */
const COLD = `#!/bin/sh
set -e
dir=$(mktemp -d "$(dirname "$0")/cold-$(basename "$1").XXXXXX")
export SKIFF_CACHEDIR="$dir/cache" APPTAINER_CACHEDIR="$dir/cache" TMPDIR="$dir" APPTAINER_TMPDIR="$dir"
"$1" build "$dir/out.sif" "$(dirname "$0")/lolcow.def" >"$dir/log" 2>&1
`;

/** Builds with the cache of the builds before; with a second word the %runscript is another one each time. */
const WARM = `#!/bin/sh
set -e
cd "$(dirname "$0")"
export SKIFF_CACHEDIR="$PWD/warm"
name=lolcow.def
if [ -n "\${2:-}" ]; then
  name=changed.def
  sed "s/fortune | cowsay | lolcat$/& # $(date +%N)/" lolcow.def >changed.def
fi
"$1" build --force warm.sif "$name" >warm.log 2>&1
`;

/** Says why the example cannot be built inside: the last words of an attempt; undefined when it can. */
async function whyNot({ place }: Setting): Promise<string | undefined> {
  const { inside, skiff } = place;
  const tool = await place.run(["sh", "-c", "command -v mmdebstrap || command -v debootstrap"]);
  if (tool.code !== 0) return "neither mmdebstrap nor debootstrap is there";
  if ((await place.run([`${inside}/cold`, skiff], { timeoutMs: 600_000 })).code === 0)
    return undefined;
  const log = await place.run(["sh", "-c", `grep -h FATAL ${inside}/cold-*/log | tail -n 1`]);
  return log.stdout.trim() || "the build failed";
}

function notMeasured(title: string, reason: string): CaseResult {
  return { title, measured: [], bounds: [], notes: [`not measured: ${reason}`] };
}

/** Whether all cold builds of skiff made the same file. */
async function sameBytes({ place }: Setting): Promise<string> {
  const files = `${place.inside}/cold-skiff.*/out.sif`;
  const sums = await place.run(["sh", "-c", `sha256sum ${files} | cut -d' ' -f1`]);
  const lines = sums.stdout.trim().split("\n");
  const count = new Set(lines).size;
  return `${lines.length} cold builds of skiff: ${count === 1 ? `one sha256, ${lines[0]}` : `${count} different files MISSED`}`;
}

/** The first mirror of the apt sources there, in either of their two forms. */
const MIRROR = `cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
awk '$1 == "URIs:" { print $2; exit } $1 == "deb" { print $2 ~ /^\\[/ ? $3 : $2; exit }'`;

/** The example names no mirror, which the peer wants: both are given the one of the place. */
async function writeScripts(place: Place): Promise<void> {
  const mirror = (await place.run(["sh", "-c", MIRROR])).stdout.trim();
  const example = readFileSync(`${treeRoot}/examples/lolcow.def`, "utf8");
  writeFileSync(
    `${place.outside}/lolcow.def`,
    mirror === "" ? example : example.replace(/^OSVersion:.*$/m, `$&\nMirrorURL: ${mirror}`),
  );
  for (const [name, text] of [
    ["cold", COLD],
    ["warm", WARM],
  ] as const) {
    writeFileSync(`${place.outside}/${name}`, text, { mode: 0o755 });
  }
}

const cold: Case = {
  name: "build-cold",
  preparesItself: true,
  run: async (setting) => {
    const { place, peer, quick } = setting;
    await writeScripts(place);
    const script = `${place.inside}/cold`;
    const title = "lolcow.def, nothing in the cache";
    const reason = await whyNot(setting);
    if (reason !== undefined) return notMeasured(title, reason);
    const result = await compare(
      setting,
      title,
      { rounds: quick ? 1 : 3, warmup: 0, jobs: 1 },
      [
        ["skiff", script, place.skiff],
        ["peer", peer && script, peer ?? ""],
      ],
      [{ contender: "skiff", against: "peer", most: 0.6 }],
    );
    return { ...result, notes: [await sameBytes(setting)] };
  },
};

const again: Case = {
  name: "build-again",
  preparesItself: true,
  run: async (setting) => {
    const { place, quick } = setting;
    await writeScripts(place);
    const title = "lolcow.def, steps in the cache";
    const reason = await whyNot(setting);
    if (reason !== undefined) return notMeasured(title, reason);
    const [script, root] = [`${place.inside}/warm`, `${place.inside}/lolcow`];
    const env = `SKIFF_CACHEDIR=${place.inside}/warm`;
    const sandbox = ["build", "--force", "--sandbox", root, `${place.inside}/lolcow.def`];
    await place.run(["env", env, place.skiff, ...sandbox], { timeoutMs: 600_000 });
    const pack = ["build", "--force", "--fakeroot", `${place.inside}/packed.sif`, root];
    return compare(
      setting,
      title,
      { rounds: quick ? 1 : 3, warmup: 1, jobs: 1 },
      [
        ["skiff, cold", `${place.inside}/cold`, place.skiff],
        ["skiff, nothing changed", script, place.skiff],
        ["skiff, another %runscript", script, place.skiff, "changed"],
        ["skiff, packing alone", place.skiff, ...pack],
      ],
      [
        { contender: "skiff, nothing changed", against: "skiff, cold", most: 1 / 20 },
        { contender: "skiff, another %runscript", against: "skiff, packing alone", most: 1.5 },
      ],
    );
  },
};

export const buildCases: readonly Case[] = [cold, again];
