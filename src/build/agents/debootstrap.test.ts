import { expect, test } from "bun:test";
import { parseDefinition } from "../../format/deffile/parse.ts";
import { recipeOf } from "../../format/deffile/recipe.ts";
import type { Stage } from "../stage.ts";
import { bootstrapArgv } from "./debootstrap.ts";

function stageWith(
  header: string,
  tools: readonly string[],
  env: Record<string, string> = {},
  arch = "amd64",
): Stage {
  const [recipe] = recipeOf(parseDefinition(`Bootstrap: debootstrap\n${header}`).definition).stages;
  if (recipe === undefined) throw new Error("no stage");
  return {
    recipe,
    root: "/root-dir",
    folder: "/files",
    rootOf: () => Promise.resolve(undefined),
    options: {
      force: false,
      sections: ["all"],
      runTests: true,
      fixPermissions: false,
      isSandbox: false,
      binds: [],
      mounts: [],
      containerFlags: [],
      arch,
      version: "0",
      peerVersion: "0",
      shellOnFailure: false,
    },
    clock: { seconds: undefined },
    ports: {
      tellStep: () => undefined,
      canRun: () => true,
      talk: { info: () => undefined, warning: () => undefined, verbose: () => undefined },
      runInContainer: () => Promise.reject(new Error("not here")),
      tool: (name) => (tools.includes(name) ? `/usr/bin/${name}` : undefined),
      env,
      cwd: "/",
      signal: new AbortController().signal,
    },
  };
}

const MIRROR = "OSVersion: trixie\nMirrorURL: http://example.org/%{OSVERSION}/debian\n";

test("mmdebstrap is taken where it is installed", () => {
  const stage = stageWith(`${MIRROR}Include: curl  git,less\n`, ["mmdebstrap", "debootstrap"], {
    INCLUDE: "vim",
  });
  expect(bootstrapArgv(stage)).toEqual([
    "/usr/bin/mmdebstrap",
    "--mode=root",
    "--variant=minbase",
    "--format=directory",
    "--architectures=amd64",
    "--include=curl,git,less,vim",
    "trixie",
    "/root-dir",
    "http://example.org/trixie/debian",
  ]);
});

test("else debootstrap, with the peer's words", () => {
  expect(bootstrapArgv(stageWith(MIRROR, ["debootstrap"], {}, "ppc64le"))).toEqual([
    "/usr/bin/debootstrap",
    "--variant=minbase",
    "--exclude=openssl,udev,debconf-i18n,e2fsprogs",
    "--include=apt",
    "--arch=ppc64el",
    "trixie",
    "/root-dir",
    "http://example.org/trixie/debian",
  ]);
});

test("without either the error names the packages", () => {
  expect(() => bootstrapArgv(stageWith(MIRROR, []))).toThrow(
    "neither mmdebstrap nor debootstrap is in PATH",
  );
});

test("an architecture that Debian does not have is refused", () => {
  expect(() => bootstrapArgv(stageWith(MIRROR, ["mmdebstrap"], {}, "mips"))).toThrow(
    "no architecture for mips",
  );
});
