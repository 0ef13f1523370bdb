import { afterAll, beforeAll, describe, expect } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { collectBase } from "../../src/plan/env/base-variables.ts";
import type { EnvironmentInput } from "../../src/plan/env/environment-input.ts";
import { collectInjection } from "../../src/plan/env/injected-variables.ts";
import { writeOciEnvironment } from "../../src/plan/env/oci-scripts.ts";
import { planEnvironment } from "../../src/plan/env/plan-environment.ts";
import { planSteps } from "../../src/plan/env/script-steps.ts";
import { writeDriver } from "../../src/plan/env/shell-driver.ts";
import { STANDARD_SCRIPTS } from "../../src/plan/env/standard-scripts.ts";
import type { ScriptFiles } from "../../src/plan/shell/script-files.ts";
import { enterPeerPlace, noPeer, type PeerPlace } from "../support/peer.ts";
import { testUnless } from "../support/skip.ts";
import { realFiles } from "./evaluate-here.ts";
import { noBash } from "./run-in-bash.ts";

interface Case {
  /** Scripts besides the standard ones, by name; undefined: no /.singularity.d at all. */
  readonly scripts: Readonly<Record<string, string>> | undefined;
  /** The caller's environment besides PATH and HOME. */
  readonly host?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  readonly input?: Partial<EnvironmentInput>;
  /** Names that are known to differ, and why. */
  readonly differs?: Readonly<Record<string, string>>;
}

const PATH = "/usr/local/bin:/usr/bin:/bin";
const PLAIN = { "90-environment.sh": "" };

const CASES: Readonly<Record<string, Case>> = {
  "a bare tree": { scripts: undefined },
  "a bare tree with injected variables": {
    scripts: undefined,
    flags: ["--env", "X=1", "--env", "PREPEND_PATH=/pp", "--env", "LD_LIBRARY_PATH=/z"],
    input: {
      env: [
        { name: "X", value: "1" },
        { name: "PREPEND_PATH", value: "/pp" },
        { name: "LD_LIBRARY_PATH", value: "/z" },
      ],
    },
  },
  "prompt variables of the host on a bare tree": {
    scripts: undefined,
    host: { PS1: "h> ", PROMPT_COMMAND: "echo hi" },
  },
  "the standard scripts": {
    scripts: PLAIN,
    host: { A: "1", SHLVL: "7", OLDPWD: "/x", PS1: "h> ", LD_LIBRARY_PATH: "/h", TERM: "xterm" },
  },
  "image over host, injection over image": {
    scripts: { "90-environment.sh": "export E1=image E2=image E3=\n E4=local; E5=\n" },
    host: {
      E1: "host",
      E2: "host",
      E3: "host",
      E4: "host",
      E5: "host",
      APPTAINERENV_E2: "injected",
    },
  },
  "unset, empty and merely declared names": {
    scripts: {
      "90-environment.sh":
        'export EH= EX=; EN=; export EU; unset EV; EW=1; unset EW\nexport D="${EG:-default}"',
    },
    host: { EH: "1", EG: "", EX: "2", EN: "3", EU: "4", EV: "5", EW: "6" },
  },
  "empty values by --env": {
    scripts: PLAIN,
    host: { EH: "1", EG: "2" },
    flags: ["--env", "EH=", "--env", "EX="],
    input: {
      env: [
        { name: "EH", value: "" },
        { name: "EX", value: "" },
      ],
    },
  },
  "evaluation of injected values": {
    scripts: { "90-environment.sh": "export IN=image" },
    host: {
      V: "hv",
      APPTAINERENV_A: '$HOME $(echo x) `echo y` "q" \\$z \\\\w \\n ~ * ${V:-unset} $# $1 $IN',
    },
  },
  "no evaluation": {
    scripts: PLAIN,
    host: { APPTAINERENV_A: '$HOME $(echo x) `echo y` "q" \\$z it\'s \\' },
    flags: ["--no-eval"],
    input: { noEval: true },
  },
  "newlines and odd names": {
    scripts: PLAIN,
    host: {
      APPTAINERENV_A: "new\nline",
      N: "a\nb",
      "a.c": "8",
      "BASH_FUNC_g%%": "() { echo ho; }",
    },
  },
  "paths injected": {
    scripts: PLAIN,
    host: { APPTAINERENV_PREPEND_PATH: "/pre", APPTAINERENV_APPEND_PATH: "/app" },
  },
  "PATH that extends the image's": {
    scripts: { "90-environment.sh": "export PATH=/img:$PATH" },
    flags: ["--env", "PATH=/e:$PATH"],
    input: { env: [{ name: "PATH", value: "/e:$PATH" }] },
  },
  "PATH of an OCI image": {
    scripts: {
      ...PLAIN,
      "10-docker2singularity.sh": writeOciEnvironment([
        "PATH=/oci/bin:/bin:/usr/bin",
        'Q=a "b" $c `d` \\e',
        "W=it's",
        "LANG=C.UTF-8",
        "NOVALUE",
        "bad-name=1",
      ]),
    },
    host: { W: "host", LANG: "de" },
  },
  "library paths": {
    scripts: { "90-environment.sh": "export LD_LIBRARY_PATH=/img/lib" },
    flags: ["--env", "LD_LIBRARY_PATH=/z"],
    input: { env: [{ name: "LD_LIBRARY_PATH", value: "/z" }] },
  },
  "library path left empty": {
    scripts: PLAIN,
    flags: ["--env", "LD_LIBRARY_PATH="],
    input: { env: [{ name: "LD_LIBRARY_PATH", value: "" }] },
  },
  "names that may not be injected": {
    scripts: PLAIN,
    host: {
      APPTAINERENV_HOME: "/x",
      APPTAINERENV_APPTAINER_SHELL: "/x",
      APPTAINERENV_SINGULARITY_APPNAME: "q",
      APPTAINERENV_UID: "7",
      APPTAINERENV_GID: "8",
      APPTAINERENV_EUID: "9",
    },
  },
  "both families of injected names": {
    scripts: PLAIN,
    host: {
      APPTAINERENV_A: "1",
      SINGULARITYENV_A: "2",
      SINGULARITYENV_B: "3",
      SINGULARITYENV_C: "4",
      APPTAINERENV_C: "4",
    },
  },
  "a clean environment": {
    scripts: PLAIN,
    host: {
      https_proxy: "p",
      HTTP_PROXY: "P",
      TERM: "xterm",
      LANG: "de_DE.UTF-8",
      FOO: "b",
      PS1: "h",
    },
    flags: ["--cleanenv"],
    input: { cleanEnv: true },
  },
  "a clean environment with LANG injected": {
    scripts: PLAIN,
    host: { LANG: "de", APPTAINERENV_LANG: "fr" },
    flags: ["-e"],
    input: { cleanEnv: true },
  },
  "the tool's own variables of the host": {
    scripts: PLAIN,
    host: { APPTAINER_FOO: "1", SINGULARITY_FOO: "2" },
  },
  "arguments seen by scripts": {
    scripts: { "90-environment.sh": 'export ARGS="$0|$#|$1|$2"' },
  },
  "a script that is not valid": {
    scripts: { "50-broken.sh": "fi\n", "90-environment.sh": "export AFTER=1" },
  },
  "carriage returns": { scripts: { "90-environment.sh": 'export CR=1\r\nexport CR2="x"\r\n' } },
  "return in a script": { scripts: { "90-environment.sh": "export A=1; return 1; export A=2" } },
  "a prompt of the image": {
    scripts: { "90-environment.sh": 'export PS1="mine> " PROMPT_COMMAND="echo p"' },
  },
  "a file after the last standard one": {
    scripts: { ...PLAIN, "99-shpc.sh": "export A=shpc PATH=/shpc:$PATH" },
    host: { APPTAINERENV_A: "injected", APPTAINERENV_PREPEND_PATH: "/pre" },
  },
  "users and ids": {
    scripts: { "90-environment.sh": 'export IDS="$UID-$GID-$EUID" WHO="${USER:-none}"' },
    host: { USER: "somebody" },
  },
  "runtime variables seen by scripts": {
    scripts: {
      "90-environment.sh":
        'export SEEN="$APPTAINER_NAME|$APPTAINER_CONTAINER|${APPTAINER_COMMAND:-}|${APPTAINER_BIND:-}|$HOME|${PATH}"',
    },
  },
};

describe("the environment of a container, beside the peer", () => {
  let place: PeerPlace | undefined;

  beforeAll(() => {
    if (noPeer() === undefined) place = enterPeerPlace();
  });
  afterAll(() => place?.leave());

  for (const [what, wanted] of Object.entries(CASES)) {
    testUnless(noPeer())(`is the same for ${what}`, async () => {
      if (place === undefined) throw new Error("no place");
      const root = writeRoot(`${place.outside}/root`, wanted.scripts);
      const binds = ["/usr", "/lib", "/lib64", "/bin"].flatMap((path) => ["--bind", path]);
      const command = ["/usr/bin/env", "-0"];
      const argv = [
        place.peer,
        "--silent",
        "exec",
        ...binds,
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
        ...DEFAULTS,
        host: { PATH, HOME: "/nonexistent", ...wanted.host },
        imagePath: `${place.inside}/root`,
        bindDestinations: ["/usr", "/lib", "/lib64", "/bin"],
        home: theirs["HOME"] ?? "",
        uid: Number(theirs["IDS"]?.split("-")[0] ?? 1),
        gid: Number(theirs["IDS"]?.split("-")[1] ?? 1),
        arguments: command,
        scripts: scriptsOf(wanted.scripts),
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
        [place.peer, "--silent", "exec", ...binds, "--pwd", "/", `${place.inside}/root`],
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
        ...DEFAULTS,
        host: { PATH, HOME: "/nonexistent", H: "1" },
        imagePath: `${place.inside}/root`,
        bindDestinations: ["/usr", "/lib", "/lib64", "/bin"],
        home: theirs["HOME"] ?? "",
        app,
        scripts: readdirSync(folder)
          .sort()
          .map((name) => ({
            path: `/.singularity.d/env/${name}`,
            text: readFileSync(`${folder}/${name}`, "utf8"),
          })),
        files: below(`${place.outside}/root`),
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

const BINDS = ["/usr", "/lib", "/lib64", "/bin"].flatMap((path) => ["--bind", path]);

/** A tree of this side as the root of a container. */
function below(root: string): ScriptFiles {
  const real = realFiles(root);
  const outside = (path: string): string => (path === "/" ? root : root + path);
  return {
    ...real,
    view: {
      lstat: (path) => real.view.lstat(outside(path)),
      list: (path) => real.view.list(outside(path)),
      read: (path, limit) => real.view.read(outside(path), limit),
    },
    isKnown: () => true,
  };
}

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

const DEFAULTS: EnvironmentInput = {
  host: {},
  action: "exec",
  arguments: [],
  imagePath: "",
  bindDestinations: [],
  home: "",
  cwd: "/",
  uid: 0,
  gid: 0,
  cleanEnv: false,
  noEval: false,
  noEnv: [],
  env: [],
  envFiles: [],
  app: undefined,
  shell: undefined,
  instance: undefined,
  sharensMaster: false,
  prompt: "Apptainer> ",
  runtime: [],
  librariesBound: false,
  libraryDirectories: () => [],
  scripts: undefined,
  oldEnvironment: undefined,
  files: undefined,
  timeoutMs: 60_000,
};

function scriptsOf(
  extra: Readonly<Record<string, string>> | undefined,
): EnvironmentInput["scripts"] {
  if (extra === undefined) return undefined;
  const all = new Map<string, string>();
  for (const { path, text } of STANDARD_SCRIPTS)
    if (path.startsWith("/.singularity.d/env/")) all.set(path, text);
  for (const [name, text] of Object.entries(extra)) all.set(`/.singularity.d/env/${name}`, text);
  return [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, text]) => ({ path, text }));
}

function writeRoot(root: string, scripts: Readonly<Record<string, string>> | undefined): string {
  rmSync(root, { recursive: true, force: true });
  for (const dir of [
    "dev",
    "proc",
    "sys",
    "tmp",
    "etc",
    "home",
    "usr",
    "lib",
    "lib64",
    "bin",
    "root",
    "var/tmp",
  ]) {
    mkdirSync(`${root}/${dir}`, { recursive: true });
  }
  writeFileSync(`${root}/etc/passwd`, "root:x:0:0::/root:/bin/sh\n");
  writeFileSync(`${root}/etc/group`, "root:x:0:\n");
  if (scripts === undefined) return root;
  mkdirSync(`${root}/.singularity.d/env`, { recursive: true });
  mkdirSync(`${root}/.singularity.d/actions`, { recursive: true });
  symlinkSync(".singularity.d/actions/exec", `${root}/.exec`);
  for (const { path, text } of STANDARD_SCRIPTS) {
    writeFileSync(root + path, text);
    chmodSync(root + path, 0o755);
  }
  for (const [name, text] of Object.entries(scripts))
    writeFileSync(`${root}/.singularity.d/env/${name}`, text);
  return root;
}

function readRecords(text: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const record of text.split("\0")) {
    const equals = record.indexOf("=");
    if (equals > 0) out[record.slice(0, equals)] = record.slice(equals + 1);
  }
  return out;
}
