import { Fault } from "../../base/fault.ts";
import { cleanPath } from "../../base/path.ts";
import { ExpansionError, expandText, expandWord, type Lookup } from "./expand.ts";
import { parseHealthCheck } from "./health-check.ts";
import { chompTabs, parseHereMark } from "./here-document.ts";
import type { ImageState } from "./image-state.ts";
import { parseRunMount, type RunMount } from "./run-mount.ts";
import { type EscapeSign, flagValue, type Instruction } from "./tree.ts";
import { namedWord, namedWords, plainWords, splitWords } from "./words.ts";

/** Where arguments come from, besides the stage itself. */
export interface ArgumentScope {
  /** `--build-arg`. */
  readonly given: ReadonlyMap<string, string>;
  /** Of the lines before the first FROM. */
  readonly global: ReadonlyMap<string, string>;
  /** TARGETARCH and its like. */
  readonly platform: ReadonlyMap<string, string>;
}

/** A stage on its way. */
export interface StageState {
  readonly image: ImageState;
  /** Arguments declared so far that have a value. */
  readonly args: ReadonlyMap<string, string>;
}

/** Something to do in the root of a stage. */
export type Action = RunAction | CopyAction | WorkdirAction;

export interface RunAction {
  readonly kind: "run";
  /** The program and its words, the shell included where there is one. */
  readonly argv: readonly string[];
  /** A script with an interpreter line of its own, to be started as a program. */
  readonly script: string | undefined;
  readonly mounts: readonly RunMount[];
  /** The whole environment. */
  readonly env: ReadonlyMap<string, string>;
  readonly workingDir: string;
  readonly user: string;
  readonly network: string;
}

export interface CopyAction {
  readonly kind: "copy";
  /** ADD: addresses are fetched, archives unpacked. */
  readonly isAdd: boolean;
  /** Stage or image; empty: the context. */
  readonly from: string;
  readonly sources: readonly string[];
  /** Files written in the Dockerfile itself. */
  readonly documents: readonly { readonly name: string; readonly content: string }[];
  /** Absolute; ends in a slash where it is a directory. */
  readonly target: string;
  readonly owner: string;
  readonly mode: string;
  readonly checksum: string;
  readonly excludes: readonly string[];
  readonly keepsParents: boolean;
  /** `ADD --unpack`: undefined unpacks archives of the context and leaves fetched ones. */
  readonly unpacks: boolean | undefined;
}

export interface WorkdirAction {
  readonly kind: "workdir";
  readonly path: string;
  readonly user: string;
}

/** What an instruction comes to. */
export interface Evaluated {
  readonly state: StageState;
  readonly action: Action | undefined;
}

/** Arguments that RUN sees although no ARG names them, and that no image keeps. */
export const PROXY_ARGUMENTS: readonly string[] = [
  ...["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"],
  ...["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"],
];

/**
 * Carries out what an instruction says of the image, and gives what is to be done in its root. Pure.
 *
 * @throws Fault `invalid` or `unsupported`, without the place: that is for who knows the file.
 */
export function evaluate(
  before: StageState,
  instruction: Instruction,
  scope: ArgumentScope,
  escapeSign: EscapeSign,
): Evaluated {
  const { image } = before;
  const find = lookupOf(before);
  const expand = (word: string): string => inFault(() => expandWord(word, find, escapeSign));
  const { rest, list, keyword } = instruction;
  const say = (change: Partial<ImageState>): Evaluated => ({
    state: { ...before, image: { ...image, ...change } },
    action: undefined,
  });
  const command = (): readonly string[] => list ?? (rest === "" ? [] : [...image.shell, rest]);
  switch (keyword) {
    case "ARG":
      return {
        state: { ...before, args: declare(before, rest, scope, escapeSign) },
        action: undefined,
      };
    case "ENV":
    case "LABEL": {
      const out = new Map(keyword === "ENV" ? image.env : image.labels);
      for (const { name, value } of namedWords(rest, escapeSign))
        out.set(expand(name), expand(value ?? ""));
      return say(keyword === "ENV" ? { env: out } : { labels: out });
    }
    case "MAINTAINER":
      return say({ labels: new Map(image.labels).set("maintainer", rest) });
    case "WORKDIR": {
      const given = expand(rest.replace(/^"(.*)"$/, "$1"));
      const path = cleanPath(given.startsWith("/") ? given : `${image.workingDir}/${given}`);
      return { ...say({ workingDir: path }), action: { kind: "workdir", path, user: image.user } };
    }
    case "USER":
      return say({ user: expand(rest) });
    case "SHELL":
      return say({ shell: list ?? image.shell });
    case "CMD":
      return say({ cmd: command(), hasOwnCmd: true });
    case "ENTRYPOINT":
      return say({ entrypoint: command(), cmd: image.hasOwnCmd ? image.cmd : [] });
    case "EXPOSE": {
      const ports = splitWords(rest, escapeSign).flatMap((word) => plainWords(expand(word)));
      return say({ ports: union(image.ports, ports.map(portName)) });
    }
    case "VOLUME":
      return say({ volumes: union(image.volumes, (list ?? plainWords(rest)).map(expand)) });
    case "STOPSIGNAL":
      return say({ stopSignal: expand(rest) });
    case "HEALTHCHECK":
      return say({ healthCheck: parseHealthCheck(instruction) });
    case "ONBUILD":
      return say({ onBuild: [...image.onBuild, onBuildText(instruction)] });
    case "RUN":
      return { state: before, action: runAction(before, instruction, scope, expand) };
    case "COPY":
    case "ADD":
      return { state: before, action: copyAction(before, instruction, scope, escapeSign, expand) };
    default:
      throw new Fault("invalid", `unknown instruction: ${keyword}`);
  }
}

/** Variables as instructions see them: ENV hides an ARG of the same name. */
export function lookupOf(state: StageState): Lookup {
  return (name) => state.image.env.get(name) ?? state.args.get(name);
}

/**
 * The arguments after `ARG words`: what was given, else the default, else what the lines before the
 * first FROM say.
 */
function declare(
  before: StageState,
  rest: string,
  scope: ArgumentScope,
  escapeSign: EscapeSign,
): ReadonlyMap<string, string> {
  const args = new Map(before.args);
  // Words of one line do not see one another.
  const find = lookupOf(before);
  for (const word of splitWords(rest, escapeSign)) {
    const { name, value } = namedWord(word);
    const fallback =
      value === undefined
        ? (scope.global.get(name) ?? scope.platform.get(name))
        : inFault(() => expandWord(value, find, escapeSign));
    const found = scope.given.get(name) ?? fallback;
    if (found !== undefined) args.set(name, found);
  }
  return args;
}

/** The arguments of the lines before the first FROM. */
export function globalArguments(
  instructions: readonly Instruction[],
  given: ReadonlyMap<string, string>,
  platform: ReadonlyMap<string, string>,
  escapeSign: EscapeSign,
): ReadonlyMap<string, string> {
  const args = new Map<string, string>();
  for (const { rest } of instructions) {
    for (const word of splitWords(rest, escapeSign)) {
      const { name, value } = namedWord(word);
      const find: Lookup = (wanted) => args.get(wanted) ?? platform.get(wanted);
      const fallback =
        value === undefined ? undefined : inFault(() => expandWord(value, find, escapeSign));
      const found = given.get(name) ?? fallback;
      if (found !== undefined) args.set(name, found);
    }
  }
  return args;
}

function runAction(
  { image, args }: StageState,
  instruction: Instruction,
  scope: ArgumentScope,
  expand: (word: string) => string,
): RunAction {
  const { rest, list, documents } = instruction;
  if ((flagValue(instruction, "security") ?? "sandbox") !== "sandbox") {
    throw new Fault(
      "unsupported",
      "Cannot honour RUN --security: a build has no more rights to give",
    );
  }
  if (flagValue(instruction, "device") !== undefined) {
    throw new Fault("unsupported", "Cannot honour RUN --device", {
      hint: "`build --nv` or --rocm shows graphics cards to the build",
    });
  }
  const env = new Map<string, string>();
  for (const name of PROXY_ARGUMENTS) {
    const value = scope.given.get(name);
    if (value !== undefined) env.set(name, value);
  }
  for (const [name, value] of args) env.set(name, value);
  for (const [name, value] of image.env) env.set(name, value);
  const mounts = instruction.flags
    .filter(({ name }) => name === "mount")
    .map(({ value = "" }) => parseRunMount(expand(value)));
  let text = rest;
  let script: string | undefined;
  const [document] = documents;
  if (list === undefined && document !== undefined) {
    if (documents.length === 1 && parseHereMark(rest) !== undefined) {
      text = document.chomps ? chompTabs(document.content) : document.content;
      if (text.startsWith("#!")) script = text;
    } else {
      // The shell reads these itself.
      text += documents.map(({ content, name }) => `\n${content}${name}`).join("");
    }
  }
  return {
    kind: "run",
    argv: list ?? [...image.shell, text],
    script,
    mounts,
    env,
    workingDir: image.workingDir,
    user: image.user,
    network: expand(flagValue(instruction, "network") ?? "default"),
  };
}

function copyAction(
  state: StageState,
  instruction: Instruction,
  scope: ArgumentScope,
  escapeSign: EscapeSign,
  expand: (word: string) => string,
): CopyAction {
  const words = (instruction.list ?? plainWords(instruction.rest)).map((word) =>
    instruction.documents.some(({ name }) => parseHereMark(word)?.name === name)
      ? word
      : expand(word),
  );
  const target = words.pop() ?? "";
  if (words.length === 0 || target === "") {
    throw new Fault("invalid", `${instruction.keyword} needs at least one source and a target`);
  }
  const { workingDir } = state.image;
  const clean = cleanPath(target.startsWith("/") ? target : `${workingDir}/${target}`);
  const isFolder = /(^|\/)\.{0,2}$/.test(target);
  const isAdd = instruction.keyword === "ADD";
  const fromWord = flagValue(instruction, "from") ?? "";
  const find: Lookup = (name) =>
    lookupOf(state)(name) ?? scope.global.get(name) ?? scope.platform.get(name);
  const documents = instruction.documents.map(({ name, content, expands, chomps }) => {
    const text = chomps ? chompTabs(content) : content;
    return {
      name,
      content: expands ? inFault(() => expandText(text, lookupOf(state), escapeSign)) : text,
    };
  });
  return {
    kind: "copy",
    isAdd,
    from: isAdd ? "" : inFault(() => expandWord(fromWord, find, escapeSign)),
    sources: words.filter(
      (word) => !documents.some(({ name }) => parseHereMark(word)?.name === name),
    ),
    documents,
    target: isFolder && clean !== "/" ? `${clean}/` : clean,
    owner: expand(flagValue(instruction, "chown") ?? ""),
    mode: expand(flagValue(instruction, "chmod") ?? ""),
    checksum: isAdd ? expand(flagValue(instruction, "checksum") ?? "") : "",
    excludes: instruction.flags.flatMap(({ name, value = "" }) =>
      name === "exclude" ? [expand(value)] : [],
    ),
    keepsParents: instruction.flags.some(
      ({ name, value }) => name === "parents" && value !== "false",
    ),
    unpacks: unpackFlag(instruction),
  };
}

function unpackFlag(instruction: Instruction): boolean | undefined {
  const flag = instruction.flags.findLast(({ name }) => name === "unpack");
  return flag === undefined ? undefined : flag.value !== "false";
}

function onBuildText({ rest, documents }: Instruction): string {
  return rest + documents.map(({ content, name }) => `\n${content}${name}`).join("");
}

function portName(word: string): string {
  return word.includes("/") ? word.toLowerCase() : `${word}/tcp`;
}

function union(a: readonly string[], b: readonly string[]): readonly string[] {
  return [...new Set([...a, ...b])];
}

function inFault(work: () => string): string {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof ExpansionError) throw new Fault("invalid", cause.message, { cause });
    throw cause;
  }
}
