import { Fault } from "../base/fault.ts";
import { type FileView, resolveIn } from "../base/file-view.ts";
import { decodeOsText } from "../base/os-text.ts";
import type { EnvironmentPlan } from "./env/environment-plan.ts";
import { ociArguments, recogniseOciRunscript } from "./env/oci-arguments.ts";
import type { ProcessPlan } from "./plan.ts";
import type { LaunchRequest } from "./request.ts";

type Candidate = ProcessPlan["candidates"][number];

/** Outcome of choosing the program: one to start, or nothing to do with a word about it. */
export type ProcessChoice =
  | { readonly kind: "start"; readonly process: ProcessPlan }
  | { readonly kind: "nothing"; readonly note: string };

/**
 * The program of the container (reference: runtime.md section 3, action mapping). Which script or
 * shell exists is looked up in `files`, the container as it will be.
 *
 * @throws Fault `not-found` for a shell or an app that the image lacks.
 */
export function planProcess(request: LaunchRequest, files: FileView): ProcessChoice {
  switch (request.action) {
    case "exec":
      return byPath(start([{ argv: request.args, note: "" }], "the command on the command line"));
    case "shell":
      return byPath(
        start(shells(request, files), request.shell === undefined ? "shell" : "--shell"),
      );
    case "run":
      return runscript(request, files);
    case "test":
      return script(request, files, "test", "No test script found in container, exiting");
    case "start":
      return script(request, files, "startscript", "No instance start script found in container");
  }
}

/** The image's own init as process 1 (`--boot`). */
export function bootProcess(): Started {
  return start([{ argv: ["/sbin/init"], note: "" }], "--boot");
}

/**
 * The program of a `run` whose runscript was made from an OCI image: its words are known, so it starts
 * without a shell of the image (reference: runtime.md 3.1). Undefined for any other launch, and where
 * only the runscript itself can tell.
 *
 * @throws Fault `not-found` when the image names no program and the caller none either.
 */
export function planOciProcess(
  request: LaunchRequest,
  files: FileView,
  environment: EnvironmentPlan,
): ProcessPlan | undefined {
  if (request.action !== "run" || request.app !== undefined) return undefined;
  const found = resolveIn(files, RUNSCRIPT);
  const bytes = found.entry?.kind === "file" ? files.read(found.path) : undefined;
  const runscript = bytes === undefined ? undefined : recogniseOciRunscript(decodeOsText(bytes));
  if (runscript === undefined) return undefined;
  const variables =
    environment.kind === "direct"
      ? Object.fromEntries(environment.variables.map(({ name, value }) => [name, value]))
      : undefined;
  const { args, noEval } = request;
  const words = ociArguments({ runscript, arguments: args, noEval, variables });
  if (words.kind === "shell") return undefined;
  if (words.kind === "nothing") {
    throw new Fault("not-found", "Cannot run the image: it names no program to start", {
      hint: "give one after the image",
    });
  }
  const choice = start(
    [{ argv: words.argv, note: words.note ?? "" }],
    `the image's own words, in ${RUNSCRIPT}`,
  );
  return choice.process;
}

const RUNSCRIPT = "/.singularity.d/runscript";

type Started = Extract<ProcessChoice, { kind: "start" }>;

function start(candidates: readonly Candidate[], why: string): Started {
  const first = candidates[0]?.argv[0] ?? "";
  const notFound = first.includes("/")
    ? `"${first}": no such file or directory`
    : `"${first}": executable file not found in $PATH`;
  return { kind: "start", process: { candidates, notFound, why } };
}

/** The peer looks programs up itself, and calls them by what it found: `exec image sh` is `/bin/sh`. */
function byPath({ kind, process }: Started): Started {
  return { kind, process: { ...process, hasFullName: true } };
}

function exists(files: FileView, path: string): boolean {
  return resolveIn(files, path).entry?.kind === "file";
}

/** A script that nobody may execute counts as none. */
function isScript(files: FileView, path: string): boolean {
  const { entry } = resolveIn(files, path);
  return entry?.kind === "file" && (entry.mode & 0o111) !== 0;
}

function shells(request: LaunchRequest, files: FileView): Candidate[] {
  const candidates: Candidate[] = [];
  const { shell } = request;
  // A name is looked up in the container's PATH when it starts; a path is known here.
  if (shell !== undefined && (!shell.includes("/") || exists(files, shell))) {
    candidates.push({ argv: [shell], note: "" });
  }
  if (exists(files, "/bin/bash")) candidates.push({ argv: ["/bin/bash", "--norc"], note: "" });
  if (exists(files, "/bin/sh")) candidates.push({ argv: ["/bin/sh"], note: "" });
  if (candidates.length === 0) {
    throw new Fault("not-found", "no valid shell (/bin/bash or /bin/sh) found in the container", {
      exitCode: 1,
      hint: "start a program of the image with exec, or name its shell with --shell",
    });
  }
  return candidates;
}

function runscript(request: LaunchRequest, files: FileView): ProcessChoice {
  if (request.app !== undefined) return script(request, files, "runscript", "no runscript");
  for (const path of [RUNSCRIPT, "/apptainer", "/singularity"]) {
    if (isScript(files, path))
      return start([{ argv: [path, ...request.args], note: "" }], `the runscript, ${path}`);
  }
  if (!exists(files, "/bin/sh")) {
    throw new Fault(
      "not-found",
      "No runscript and no /bin/sh executable found in container, aborting",
      { exitCode: 1, hint: "start a program of the image with exec" },
    );
  }
  return start(
    [
      {
        argv: ["/bin/sh", ...request.args],
        note: "No runscript found in container, executing /bin/sh",
      },
    ],
    "the image has no runscript",
  );
}

const NO_APP_SCRIPT = {
  runscript: "no runscript",
  startscript: "No startscript",
  test: "No tests",
} as const;

function script(
  request: LaunchRequest,
  files: FileView,
  name: keyof typeof NO_APP_SCRIPT,
  none: string,
): ProcessChoice {
  const path =
    request.app === undefined
      ? `/.singularity.d/${name}`
      : `/scif/apps/${request.app}/scif/${name}`;
  if (isScript(files, path)) return start([{ argv: [path, ...request.args], note: "" }], path);
  // An unknown app is told by a script of the image, where it has apps; else here.
  if (request.app !== undefined && !resolveIn(files, `/scif/apps/${request.app}`).entry) {
    const process = {
      candidates: [{ argv: [path, ...request.args], note: "" }],
      notFound: `Could not locate the container application: ${request.app}`,
      why: "--app",
    };
    return { kind: "start", process };
  }
  if (request.app !== undefined) {
    throw new Fault("not-found", `${NO_APP_SCRIPT[name]} for contained app: ${request.app}`, {
      exitCode: request.instance === undefined ? 1 : 255,
      hint: "inspect --list-apps names the apps; exec --app starts a program in one",
    });
  }
  return { kind: "nothing", note: none };
}
