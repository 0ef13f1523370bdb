import type { EnvironmentInput } from "../../src/plan/env/environment-input.ts";
import { writeOciEnvironment } from "../../src/plan/env/oci-scripts.ts";

/** An image and a launch whose environment is compared. */
export interface ImageCase {
  /** Scripts besides the standard ones, by name; undefined: no /.singularity.d at all. */
  readonly scripts: Readonly<Record<string, string>> | undefined;
  /** The caller's environment besides PATH and HOME. */
  readonly host?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  readonly input?: Partial<EnvironmentInput>;
  /** Names that are known to differ, and why. */
  readonly differs?: Readonly<Record<string, string>>;
}

const PLAIN = { "90-environment.sh": "" };

/** By a name that reads after "is the same for". */
export const IMAGE_CASES: Readonly<Record<string, ImageCase>> = {
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
  "paths injected that speak of PATH": {
    scripts: { "90-environment.sh": "export PATH=/img:$PATH" },
    host: {
      APPTAINERENV_PREPEND_PATH: "/pre:$PATH",
      APPTAINERENV_APPEND_PATH: "$PATH:/app",
      APPTAINERENV_PATH: "/whole:$PATH",
    },
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
  "ids that the caller exports": {
    scripts: PLAIN,
    host: { UID: "7", EUID: "8", GID: "9" },
  },
  "a group id of the caller, and one of the image": {
    scripts: { "90-environment.sh": 'export SEEN="$GID" GID=5' },
    host: { GID: "9" },
  },
  "runtime variables seen by scripts": {
    scripts: {
      "90-environment.sh":
        'export SEEN="$APPTAINER_NAME|$APPTAINER_CONTAINER|${APPTAINER_COMMAND:-}|${APPTAINER_BIND:-}|$HOME|${PATH}"',
    },
  },
};
