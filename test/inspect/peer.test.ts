import { afterAll, beforeAll, describe, expect } from "bun:test";
import { chownSync, copyFileSync, statSync, writeFileSync } from "node:fs";
import { noTool } from "../support/host-lacks.ts";
import { isRoot } from "../support/ordinary-user.ts";
import { enterPeerPlace, noPeer, type PeerPlace } from "../support/peer.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { call } from "./call.ts";

/*
 * The same questions to the peer and to skiff, about images that the peer built: its standard output
 * and exit status must be equal byte by byte.
 */

const FULL = `Bootstrap: scratch
# A comment & <markup>, é

%files
busybox /bin/busybox
busybox /bin/sh

%labels
Author "Me" <me@example.org> & co
Version 1.0
alpha first
Empty

%environment
export A=1
export B="<&>"

%runscript
echo run "$@" '\\n' $

%startscript
echo start

%test
echo test

%help
  Help text
with two lines & more

%apprun foo
echo foo run
%appenv foo
export FOO=1
%applabels foo
  Who foo
%apphelp foo
Foo help
%apptest foo
echo foo test
%appstart foo
echo foo start
%apprun bar
echo bar
`;
const BARE = "Bootstrap: scratch\n\n%files\nbusybox /bin/busybox\nbusybox /bin/sh\n";

/** Builds the images; the sandbox `odd.dir` by hand. */
const BUILD = `set -e
for name in full bare; do
  "$0" build --notest $name.sif $name.def
  "$0" build --notest --sandbox $name.dir $name.def
done
# A SIF that carries no description, so that the files in it are read; and one without its definition.
cp full.sif plain.sif; "$0" sif del 2 plain.sif
cp plain.sif plainer.sif; "$0" sif del 1 plainer.sif
mkdir empty.dir
d=odd.dir/.singularity.d; a=odd.dir/scif/apps
mkdir -p $d/env $a/a/scif $a/b $a/c/scif/env $a/.d/scif
printf '{"n":1,"s":"x","z":null,"t":true,"o":{},"l":[1],"u":"\\\\u2028\\\\ud800<\\\\b\\\\f\\\\u0001\\\\u007f/"}' > $d/labels.json
printf '#!/bin/sh\\n\\n  two  \\t \\nback\\\\slash\\\\n\\n\\377\\376 no line end\\n\\n\\n' > $d/runscript
for name in 01-base 10-docker 10-docker2singularity 11-docker 90-environment 91-environment 95-apps 9x-environment; do
  echo $name > $d/env/$name.sh
done
printf '\\n\\n' > $d/env/99-environment.sh
ln -s runscript $d/test
mkdir $d/startscript
echo no > $a/c/scif/labels.json
echo c10 > $a/c/scif/env/10-docker.sh
echo c94 > $a/c/scif/env/94-environment.sh
`;

const QUESTIONS = [
  "",
  "-j",
  "-l -d -r -s -t -H -e",
  "-e -d -l -r -H -t --json",
  "-r -s --list-apps",
  "-j --list-apps",
  "-j --list-apps -l",
  "--all",
  "--all --app foo",
  "--app foo",
  "--app foo -l -d -r -s -t -H -e",
  "--app foo -j -e -r",
  "--app foo -j -d",
  "--app foo --list-apps -l",
  "--app c -e -j -l",
  "--app nope -r",
  "--app nope -j -l",
].map((flags) => ["inspect", ...flags.split(" ").filter((word) => word !== "")]);
const HELP_QUESTIONS = ["", "--app foo", "--app nope"].map((flags) => [
  "run-help",
  ...flags.split(" ").filter((word) => word !== ""),
]);

const reason = firstReason(
  noPeer(),
  noTool("busybox"),
  isRoot ? undefined : "images of the peer's user can only be read by root",
);

describe("inspect and run-help answer as the peer does, asked about", () => {
  let place: PeerPlace | undefined;

  beforeAll(async () => {
    if (reason !== undefined) return;
    place = enterPeerPlace();
    const { outside, inside, peer } = place;
    const { uid, gid } = statSync(outside);
    copyFileSync(Bun.which("busybox") ?? "", `${outside}/busybox`);
    writeFileSync(`${outside}/full.def`, FULL);
    writeFileSync(`${outside}/bare.def`, BARE);
    for (const name of ["busybox", "full.def", "bare.def"])
      chownSync(`${outside}/${name}`, uid, gid);
    const script = `cd ${inside}\n${BUILD}`;
    const built = await place.run(["sh", "-c", script, peer], { timeoutMs: 120_000 });
    if (built.code !== 0) throw new Error(`The peer cannot build: ${built.stderr}`);
  }, 120_000);
  afterAll(() => place?.leave());

  const compare = async (image: string, questions: readonly (readonly string[])[]) => {
    if (place === undefined) throw new Error("no peer");
    const { outside, inside, peer } = place;
    // One process for all questions; the answers end with their exit status and the separator 0x1e.
    const lines = questions.map((words) => `"$0" ${words.join(" ")} ${image}; printf '%d\\036' $?`);
    const asked = await place.run(["sh", "-c", `cd ${inside}\n${lines.join("\n")}`, peer], {
      timeoutMs: 120_000,
    });
    const answers = asked.stdout.split("\x1e");
    for (const [at, words] of questions.entries()) {
      const { code, stdout } = await call([...words, `${outside}/${image}`]);
      // The harness reads the peer's bytes as UTF-8.
      const seen = stdout.replaceAll(/[\udc80-\udcff]/g, "\ufffd");
      expect(`${words.join(" ")}\n${seen}${code}`).toBe(`${words.join(" ")}\n${answers[at]}`);
    }
    expect(answers.length).toBe(questions.length + 1);
  };

  const images = {
    "a SIF": ["full.sif", QUESTIONS],
    "a SIF of a minimal definition": ["bare.sif", QUESTIONS],
    "a sandbox": ["full.dir", QUESTIONS],
    "a minimal sandbox": ["bare.dir", QUESTIONS],
    "an empty directory": ["empty.dir", QUESTIONS],
    "a sandbox with odd files": ["odd.dir", QUESTIONS],
    "a SIF without a description": ["plain.sif", QUESTIONS.slice(2, 15)],
    "a SIF without description and definition": ["plainer.sif", [["inspect", "-d", "-r"]]],
  } as const;
  for (const [name, [image, questions]] of Object.entries(images)) {
    const all = [...questions, ...HELP_QUESTIONS];
    testUnless(reason)(name, () => compare(image, all), 120_000);
  }
});
