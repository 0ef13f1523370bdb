import { afterAll, beforeAll, describe, expect } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { enterPeerPlace, noPeer, type PeerPlace } from "../support/peer.ts";
import { testUnless } from "../support/skip.ts";
import { writeDefinition } from "./base-definition.ts";

/*
 * One definition file built by skiff and by the peer: the same places, the same words.
 */

const lack = noPeer();
const testPeer = testUnless(lack);
let place: PeerPlace;

const SECTIONS = `%labels
    A b c
    Q: a
%help
    helpful
%environment
    export X=1
%post -c /bin/sh
    echo "export Z=3" >> $APPTAINER_ENVIRONMENT
    echo "from-post yes" >> $APPTAINER_LABELS
    echo "$PWD $HOME $UID" > /seen
    umask >> /seen
    set | while read -r line; do case $line in APPTAINER*|SINGULARITY*|SCIF*|LANG=*|PATH=*|HOME=*) echo "$line" >> /variables;; esac; done
%runscript -x
    echo run
%startscript
    #!/bin/sh
    echo start
%test
    [ "$X$Z" = 13 ]
%apprun foo
    echo foo
%appenv my-app
    export B=2
%applabels my-app
    L1 v1
%appinstall foo
    : > bin/x
%apphelp foo
    of foo
%apptest foo
    true
`;

interface Both {
  readonly ours: string;
  readonly theirs: string;
}

/** Runs the same build by both; what each says must end well. */
async function buildBoth(words: readonly string[], target: (who: string) => string): Promise<Both> {
  for (const [who, program] of [
    ["ours", place.skiff],
    ["theirs", place.peer],
  ] as const) {
    const built = await place.run(
      [
        program,
        "build",
        "--force",
        ...words.map((word) => word.replaceAll("@", `${place.inside}/${target(who)}`)),
      ],
      { timeoutMs: 120_000 },
    );
    expect(built.stderr).toContain("Build complete");
    expect(built.code).toBe(0);
  }
  return {
    ours: `${place.outside}/${target("ours")}`,
    theirs: `${place.outside}/${target("theirs")}`,
  };
}

beforeAll(() => {
  if (lack !== undefined) return;
  place = enterPeerPlace();
  writeDefinition(place.outside, "same.def", SECTIONS, place.inside);
});

afterAll(() => place?.leave());

/** Every path of a tree with type and permission bits. */
function listing(root: string, at = ""): string[] {
  return readdirSync(`${root}${at}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${at}/${entry.name}`;
    if (entry.isSymbolicLink()) return [`link ${path}`];
    const mode = (statSync(root + path).mode & 0o7777).toString(8);
    return entry.isDirectory()
      ? [`dir ${mode} ${path}`, ...listing(root, path)]
      : [`file ${mode} ${path}`];
  });
}

/** Labels that tell the program, the time or the peer's version. */
const VARIABLE = /build-date|usage\.(skiff|apptainer)\.version|opencontainers/;

function labels(root: string): object {
  const all: object = JSON.parse(readFileSync(`${root}/.singularity.d/labels.json`, "utf8"));
  return Object.fromEntries(Object.entries(all).filter(([key]) => !VARIABLE.test(key)));
}

describe("a definition file", () => {
  testPeer(
    "gives the same tree, labels and scripts",
    async () => {
      const { ours, theirs } = await buildBoth(
        ["--sandbox", "@", `${place.inside}/same.def`],
        (who) => `${who}-box`,
      );
      expect(listing(ours).sort()).toEqual(listing(theirs).sort());
      expect(labels(ours)).toEqual(labels(theirs));
      const same = [
        "/seen",
        "/.singularity.d/runscript",
        "/.singularity.d/startscript",
        "/.singularity.d/test",
        "/.singularity.d/runscript.help",
        "/.singularity.d/Singularity",
        "/.singularity.d/env/91-environment.sh",
        "/.singularity.d/env/94-appsbase.sh",
        ...listing(theirs, "/scif").flatMap((line) => /^file [0-7]+ (.*)$/.exec(line)?.[1] ?? []),
      ];
      for (const path of same) {
        expect(`${path}\n${readFileSync(ours + path, "utf8")}`).toBe(
          `${path}\n${readFileSync(theirs + path, "utf8")}`,
        );
      }
      const tail = (root: string): string =>
        readFileSync(`${root}/.singularity.d/env/90-environment.sh`, "utf8").slice(-16);
      expect(tail(ours)).toBe(tail(theirs));
      const variables = (root: string): string[] =>
        readFileSync(`${root}/variables`, "utf8")
          .split("\n")
          .filter((line) => !/_(CONTAINER|COMMAND)=/.test(line))
          .sort();
      expect(variables(ours)).toEqual(variables(theirs));
    },
    240_000,
  );

  testPeer(
    "gives a SIF with the same objects, and the peer runs ours",
    async () => {
      await buildBoth(["@", `${place.inside}/same.def`], (who) => `${who}.sif`);
      const list = async (who: string): Promise<string[]> => {
        const listed = await place.run([place.peer, "sif", "list", `${place.inside}/${who}.sif`]);
        return listed.stdout.split("\n").flatMap((line) => /\|(\S[^|]*)$/.exec(line)?.[1] ?? []);
      };
      // The list of packages stands behind everything else.
      expect(await list("ours")).toEqual([...(await list("theirs")), "SBOM (spdx-json)"]);
      const metadata = async (who: string): Promise<string[]> => {
        const shown = await place.run([
          place.peer,
          "inspect",
          "--all",
          `${place.inside}/${who}.sif`,
        ]);
        const attributes: object = JSON.parse(shown.stdout).data.attributes;
        return Object.keys(attributes);
      };
      expect(await metadata("ours")).toEqual(await metadata("theirs"));
      const ran = await place.run([place.peer, "run", `${place.inside}/ours.sif`]);
      expect(ran.stdout).toBe("run\n");
    },
    240_000,
  );
});

describe("errors of a definition file hold the peer's words", () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["section", "Bootstrap: scratch\n%bogus\n", /invalid section\(s\) specified: bogus/],
    ["keyword", "Bootstrap: scratch\nBogus: x\n", /invalid header keyword found: bogus/],
    ["value", "Bootstrap: scratch\nBogus\n", /header key Bogus had no val/],
    ["agent", "Bootstrap: Scratch\n", /invalid build source Scratch/],
    ["empty", "# nothing\n", /no stages found in definition file/],
    [
      "variable",
      "Bootstrap: scratch\n%help\n{{ X }}\n",
      /build var X is not defined through either/,
    ],
    [
      "app",
      "Bootstrap: scratch\n%appenv\n",
      /app section appenv: could not be split into section name and app name/,
    ],
    [
      "post",
      "Bootstrap: scratch\n%post -c\n x\n",
      /bad post section '-c' parameter: missing arguments/,
    ],
    ["stage", "Bootstrap: scratch\n%files from x\n /a /b\n", /stage x was not found/],
    [
      "setup",
      "Bootstrap: scratch\n%setup\n false\n",
      /While performing build: failed to run %setup script: exit status 1/,
    ],
    [
      "files",
      "Bootstrap: scratch\n%files\n /nosuch /x\n",
      /while copying \[\/nosuch\] to .*cp: cannot stat/,
    ],
  ];
  for (const [name, text, words] of cases) {
    testPeer(
      name,
      async () => {
        const file = `${place.inside}/bad-${name}.def`;
        await Bun.write(`${place.outside}/bad-${name}.def`, text);
        for (const program of [place.peer, place.skiff]) {
          const built = await place.run([
            program,
            "build",
            "--force",
            `${place.inside}/bad.sif`,
            file,
          ]);
          expect(built.stderr).toMatch(words);
          expect(built.code).toBe(255);
        }
      },
      60_000,
    );
  }
});
