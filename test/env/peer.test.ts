import { afterAll, beforeAll, describe, expect } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { collectBase } from "../../src/plan/env/base-variables.ts";
import type { EnvironmentInput } from "../../src/plan/env/environment-input.ts";
import { collectInjection } from "../../src/plan/env/injected-variables.ts";
import { planEnvironment } from "../../src/plan/env/plan-environment.ts";
import { planSteps } from "../../src/plan/env/script-steps.ts";
import { writeDriver } from "../../src/plan/env/shell-driver.ts";
import { MADE_UP_ENVIRONMENT, standardScripts } from "../support/made-up-environment.ts";
import { enterPeerPlace, noPeer, type PeerPlace } from "../support/peer.ts";
import { testUnless } from "../support/skip.ts";
import { realFiles } from "./evaluate-here.ts";
import { IMAGE_CASES } from "./image-cases.ts";
import { filesBelow, writeRoot } from "./image-root.ts";
import { noBash } from "./run-in-bash.ts";

const PATH = "/usr/local/bin:/usr/bin:/bin";
const DESTINATIONS = ["/usr", "/lib", "/lib64", "/bin"];
const BINDS = DESTINATIONS.flatMap((path) => ["--bind", path]);

describe("the environment of a container, beside the peer", () => {
  let place: PeerPlace | undefined;

  beforeAll(() => {
    if (noPeer() === undefined) place = enterPeerPlace();
  });
  afterAll(() => place?.leave());

  for (const [what, wanted] of Object.entries(IMAGE_CASES)) {
    testUnless(noPeer())(`is the same for ${what}`, async () => {
      if (place === undefined) throw new Error("no place");
      const root = writeRoot(`${place.outside}/root`, wanted.scripts);
      const command = ["/usr/bin/env", "-0"];
      const argv = [
        place.peer,
        "--silent",
        "exec",
        ...BINDS,
        "--pwd",
        "/",
        ...(wanted.flags ?? []),
        `${place.inside}/root`,
        ...command,
      ];
      const ran = await place.run(argv, { env: { PATH, HOME: "/nonexistent", ...wanted.host } });
      expect(ran.code).toBe(0);
      const theirs = readRecords(ran.stdout);
      const input: EnvironmentInput = {
        ...MADE_UP_ENVIRONMENT,
        host: { PATH, HOME: "/nonexistent", ...wanted.host },
        imagePath: `${place.inside}/root`,
        bindDestinations: DESTINATIONS,
        home: theirs["HOME"] ?? "",
        uid: Number(theirs["IDS"]?.split("-")[0] ?? 1),
        gid: Number(theirs["IDS"]?.split("-")[1] ?? 1),
        arguments: command,
        scripts: wanted.scripts && standardScripts(wanted.scripts),
        files: realFiles(root),
        ...wanted.input,
      };
      const plan = planEnvironment(input);
      if (plan.kind !== "direct") throw new Error(plan.reason);
      const ours = Object.fromEntries(plan.variables.map(({ name, value }) => [name, value]));
      // This tool sets the older name as well (reference: runtime.md section 13).
      delete ours["SINGULARITY_COMMAND"];
      expect(ours).toEqual(theirs);

      if (noBash() !== undefined) return;
      const driven = await runDriver(
        place,
        [place.peer, "--silent", "exec", ...BINDS, "--pwd", "/", `${place.inside}/root`],
        input,
      );
      delete driven["SINGULARITY_COMMAND"];
      expect(driven).toEqual(theirs);
    });
  }
});

/** An image that the peer builds, with applications of its own. */
const DEFINITION = `Bootstrap: scratch

%setup
    for file in /bin/sh $(ldd /bin/sh | grep -o '/[^ ]*'); do
        mkdir -p "$APPTAINER_ROOTFS$(dirname "$file")"
        cp -L "$file" "$APPTAINER_ROOTFS$file"
    done
%environment
    export FOO=bar
    BAZ="q"
%appenv foo
    export APPV="1 $SCIF_APPNAME"
%apprun foo
    true
%apprun my-app
    true
`;

describe("images that the peer builds", () => {
  let place: PeerPlace | undefined;

  beforeAll(async () => {
    if (noPeer() !== undefined) return;
    place = enterPeerPlace();
    writeFileSync(`${place.outside}/x.def`, DEFINITION);
    const built = await place.run([
      place.peer,
      "--silent",
      "build",
      "--sandbox",
      `${place.inside}/root`,
      `${place.inside}/x.def`,
    ]);
    if (built.code !== 0) throw new Error(built.stderr);
  });
  afterAll(() => place?.leave());

  for (const app of [undefined, "foo", "my-app", "nosuch"]) {
    testUnless(noPeer())(`need no shell, and look the same, with application ${app}`, async () => {
      if (place === undefined) throw new Error("no place");
      const flags = app === undefined ? [] : ["--app", app];
      const argv = [
        place.peer,
        "--silent",
        "exec",
        ...BINDS,
        "--pwd",
        "/",
        ...flags,
        `${place.inside}/root`,
        "/usr/bin/env",
        "-0",
      ];
      const ran = await place.run(argv, { env: { PATH, HOME: "/nonexistent", H: "1" } });
      const theirs = readRecords(ran.stdout);
      const folder = `${place.outside}/root/.singularity.d/env`;
      const plan = planEnvironment({
        ...MADE_UP_ENVIRONMENT,
        host: { PATH, HOME: "/nonexistent", H: "1" },
        imagePath: `${place.inside}/root`,
        bindDestinations: DESTINATIONS,
        home: theirs["HOME"] ?? "",
        app,
        scripts: readdirSync(folder)
          .sort()
          .map((name) => ({
            path: `/.singularity.d/env/${name}`,
            text: readFileSync(`${folder}/${name}`, "utf8"),
          })),
        files: filesBelow(`${place.outside}/root`),
      });
      if (plan.kind !== "direct") throw new Error(plan.reason);
      expect(plan.exit ?? 0).toBe(ran.code);
      if (plan.exit !== undefined) {
        expect(plan.output.map(({ text }) => text).join("")).toBe(ran.stdout);
        return;
      }
      const ours = Object.fromEntries(plan.variables.map(({ name, value }) => [name, value]));
      delete ours["SINGULARITY_COMMAND"];
      expect(ours).toEqual(theirs);
    });
  }
});

/** Runs the driver for the same input in a container of the peer, with an environment of its own. */
async function runDriver(
  place: PeerPlace,
  exec: readonly string[],
  input: EnvironmentInput,
): Promise<Record<string, string>> {
  const injection = collectInjection(input, []);
  const base = collectBase(input, injection);
  const { argv, env } = writeDriver({ input, injection, base, steps: planSteps(input) });
  const inner = [
    "/usr/bin/env",
    "-i",
    ...env,
    "/bin/sh",
    "-c",
    'exec 3>&1 >/dev/null; exec "$@"',
    "sh",
    "/bin/bash",
    ...argv.slice(1),
  ];
  const ran = await place.run([...exec, ...inner], { env: { PATH } });
  expect(ran.stdout.endsWith("\0\0")).toBeTrue();
  return readRecords(ran.stdout);
}

function readRecords(text: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const record of text.split("\0")) {
    const equals = record.indexOf("=");
    if (equals > 0) out[record.slice(0, equals)] = record.slice(equals + 1);
  }
  return out;
}
