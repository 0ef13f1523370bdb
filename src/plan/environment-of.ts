import { type FileView, resolveIn } from "../base/file-view.ts";
import { decodeOsText } from "../base/os-text.ts";
import type { BindSpec } from "./bind-spec.ts";
import type { EnvFileValues, NamedValue } from "./env/environment-input.ts";
import type { EnvironmentPlan } from "./env/environment-plan.ts";
import { planEnvironment } from "./env/plan-environment.ts";
import type { HostFacts, ImageFacts } from "./facts.ts";
import type { GpuBinds } from "./gpu-binds.ts";
import type { MountTable } from "./mount-table.ts";
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
  readonly image: ImageFacts;
  readonly binds: readonly BindSpec[];
  readonly home: string;
  /** First word of what is executed. */
  readonly program: string;
  readonly cwd: string;
  readonly identity: IdentityPlan;
  readonly gpu: GpuBinds;
  readonly fakeroot: readonly NamedValue[];
  readonly table: MountTable;
  readonly facts: EnvironmentFacts;
  /** Host libraries stand in /.singularity.d/libs. */
  readonly librariesBound: boolean;
  readonly notices: Notice[];
}

/** Where glibc's loader looks by itself, by distribution family. */
const GLIBC_DIRECTORIES = [
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
  const { request, host, identity, table } = parts;
  const scripts = readScripts(table);
  const environment = planEnvironment({
    host: host.env,
    action: request.action,
    arguments: request.args,
    imagePath: parts.image.path,
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
    instance: undefined,
    sharensMaster: false,
    oldNamesAreOwn: request.calledAs === "singularity",
    prompt: request.calledAs === "singularity" ? "Singularity> " : "Apptainer> ",
    runtime: [...parts.gpu.environment, ...parts.fakeroot],
    librariesBound: parts.librariesBound,
    libraryDirectories: () =>
      GLIBC_DIRECTORIES.filter((dir) => resolveIn(table, dir).entry?.kind === "dir"),
    scripts,
    oldEnvironment: scripts === undefined ? readScript(table, "/environment") : undefined,
    files: {
      view: table,
      isKnown: (path) => table.isImage(path),
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
