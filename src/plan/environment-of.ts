import { type FileView, resolveIn } from "../base/file-view.ts";
import { decodeOsText } from "../base/os-text.ts";
import type { BindSpec } from "./bind-spec.ts";
import type { EnvFileValues, NamedValue } from "./env/environment-input.ts";
import type { EnvironmentPlan } from "./env/environment-plan.ts";
import { planEnvironment } from "./env/plan-environment.ts";
import type { HostFacts } from "./facts.ts";
import type { IdentityPlan, Notice } from "./plan.ts";
import type { LaunchRequest } from "./request.ts";
import type { ScriptText } from "./shell/script-files.ts";

/** What was read for the environment besides the image. */
export interface EnvironmentFacts {
  /** `--env-file`, evaluated on the host. */
  readonly envFiles: readonly EnvFileValues[];
}

interface Parts {
  readonly request: LaunchRequest;
  readonly host: HostFacts;
  readonly imagePath: string;
  readonly binds: readonly BindSpec[];
  readonly home: string;
  /** First word of what is executed. */
  readonly program: string;
  readonly cwd: string;
  readonly identity: Pick<IdentityPlan, "uid" | "gid">;
  /** Variables of GPUs and of a fakeroot command. */
  readonly runtime: readonly NamedValue[];
  /** The container's files, and which of them are known to be what they will be. */
  readonly files: FileView;
  readonly isKnown: ((path: string) => boolean) | undefined;
  readonly facts: EnvironmentFacts;
  /** Host libraries stand in /.singularity.d/libs. */
  readonly librariesBound: boolean;
  readonly notices: Notice[];
}

/** Where glibc's loader looks by itself, by distribution family. */
export const GLIBC_DIRECTORIES: readonly string[] = [
  "/lib/x86_64-linux-gnu",
  "/usr/lib/x86_64-linux-gnu",
  "/lib/aarch64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/lib64",
  "/usr/lib64",
  "/lib",
  "/usr/lib",
];

const SCRIPTS = "/.singularity.d/env";

/** The environment of the program, from the request and from the scripts that the container will have. */
export function environmentOf(parts: Parts): EnvironmentPlan {
  const { request, host, identity, files, isKnown } = parts;
  if (request.onlyEnv === true) return onlyGiven(request.env.map(splitPair), parts.runtime);
  const scripts = readScripts(files);
  const environment = planEnvironment({
    host: host.env,
    action: request.action,
    arguments: request.args,
    imagePath: parts.imagePath,
    bindDestinations: parts.binds.filter((b) => b.nested).map((b) => b.target),
    home: parts.home,
    cwd: parts.cwd,
    uid: identity.uid,
    gid: identity.gid,
    cleanEnv: request.cleanEnv,
    noEval: request.noEval,
    noEnv: request.noEnv,
    env: request.env.map(splitPair),
    envFiles: parts.facts.envFiles,
    app: request.app,
    shell: request.action === "shell" ? request.shell : undefined,
    interactiveShell:
      request.action === "shell" && parts.program !== request.shell ? parts.program : undefined,
    instance: request.instance,
    sharensMaster: false,
    oldNamesAreOwn: request.calledAs === "singularity",
    prompt: request.calledAs === "singularity" ? "Singularity> " : "Apptainer> ",
    runtime: parts.runtime,
    librariesBound: parts.librariesBound,
    libraryDirectories: () =>
      GLIBC_DIRECTORIES.filter((dir) => resolveIn(files, dir).entry?.kind === "dir"),
    scripts,
    oldEnvironment: scripts === undefined ? readScript(files, "/environment") : undefined,
    files:
      isKnown === undefined
        ? undefined
        : {
            view: files,
            isKnown,
            uid: identity.uid,
            gid: identity.gid,
            groups: host.groups,
          },
    timeoutMs: request.runscriptTimeoutMs,
  });
  for (const notice of environment.notices) {
    if (notice.level === "warning" || notice.level === "info") {
      parts.notices.push({ level: notice.level, text: notice.text });
    }
  }
  return environment;
}

function onlyGiven(given: readonly NamedValue[], runtime: readonly NamedValue[]): EnvironmentPlan {
  const variables = [
    ...runtime.map((variable) => ({ ...variable, origin: "runtime" })),
    ...given.map((variable) => ({ ...variable, origin: "--env on the command line" })),
  ];
  const nothing = { exit: undefined, umask: undefined, arguments: undefined };
  return { kind: "direct", variables, output: [], notices: [], ...nothing };
}

function splitPair(text: string): NamedValue {
  const at = text.indexOf("=");
  return at < 0
    ? { name: text, value: "" }
    : { name: text.slice(0, at), value: text.slice(at + 1) };
}

function readScripts(files: FileView): ScriptText[] | undefined {
  const dir = resolveIn(files, SCRIPTS);
  if (dir.entry?.kind !== "dir") return undefined;
  const scripts: ScriptText[] = [];
  for (const name of files.list(dir.path) ?? []) {
    if (!name.endsWith(".sh")) continue;
    const script = readScript(files, `${SCRIPTS}/${name}`);
    if (script !== undefined) scripts.push(script);
  }
  return scripts;
}

function readScript(files: FileView, path: string): ScriptText | undefined {
  const found = resolveIn(files, path);
  if (found.entry?.kind !== "file") return undefined;
  const bytes = files.read(found.path);
  return bytes === undefined ? undefined : { path, text: decodeOsText(bytes) };
}
