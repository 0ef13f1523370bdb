import { quoteWord } from "../../base/shell-quote.ts";
import { type DockerStage, findStage, stagesOf } from "./stages.ts";
import { type Dockerfile, flagValue, type Instruction, lineOf } from "./tree.ts";
import { namedWord, namedWords, plainWords, splitWords } from "./words.ts";

/** Text in the other language, and what of the first one it does not say. */
export interface Conversion {
  readonly text: string;
  /** Each with the line it is about. */
  readonly notes: readonly { readonly line: number; readonly text: string }[];
}

/** Sections of a stage on their way. */
interface Draft {
  readonly header: string[];
  readonly args: Map<string, string>;
  readonly files: Map<string, string[]>;
  readonly post: string[];
  readonly environment: string[];
  readonly labels: string[];
  entrypoint: readonly string[];
  cmd: readonly string[];
  shell: readonly string[];
  workdir: string;
}

/** Names in front of an image that say where it lies, as `build` has them. */
const TRANSPORT = /^(docker|docker-archive|docker-daemon|oci|oci-archive):(?:\/\/)?(.+)$/s;

const SHELL: readonly string[] = ["/bin/sh", "-c"];

/**
 * A definition file that does what a Dockerfile does, as far as there are words for it.
 *
 * @param isDirectory whether a path below the context is a directory, whose content COPY takes.
 */
export function toDefinition(file: Dockerfile, isDirectory: (path: string) => boolean): Conversion {
  return new Converter(file, isDirectory).convert();
}

class Converter {
  readonly #file: Dockerfile;
  readonly #isDirectory: (path: string) => boolean;
  readonly #notes: { line: number; text: string }[] = [];
  readonly #stages: readonly DockerStage[];
  readonly #images: string[] = [];

  constructor(file: Dockerfile, isDirectory: (path: string) => boolean) {
    this.#file = file;
    this.#isDirectory = isDirectory;
    this.#stages = stagesOf(file).stages;
  }

  convert(): Conversion {
    const drafts = this.#stages.map((_, index) => this.#draft(index));
    const images = this.#images.map(
      (image) => `Bootstrap: docker\nFrom: ${image}\nStage: ${imageName(image)}\n`,
    );
    const texts = [...images, ...drafts.map((draft) => render(draft))];
    return { text: texts.join("\n"), notes: this.#notes };
  }

  #draft(index: number): Draft {
    const draft: Draft = {
      header: [],
      args: new Map(),
      files: new Map(),
      post: [],
      environment: [],
      labels: [],
      entrypoint: [],
      cmd: [],
      shell: SHELL,
      workdir: "/",
    };
    const chain = this.#chain(index);
    const base = this.#stages[chain[0] ?? index]?.base ?? "";
    const [, agent = "docker", from = base] = TRANSPORT.exec(base) ?? [];
    draft.header.push(
      base === "scratch"
        ? "Bootstrap: scratch"
        : `Bootstrap: ${agent}\nFrom: ${this.#template(from, draft)}`,
    );
    if (this.#stages.length > 1) draft.header.push(`Stage: ${this.#nameOf(index)}`);
    for (const one of chain) {
      const stage = this.#stages[one];
      if (stage === undefined) continue;
      if (one !== index)
        this.#note(
          stage.from,
          `no stage goes on with another: the instructions of stage ${this.#nameOf(one)} are repeated`,
        );
      for (const step of stage.steps) this.#step(step, draft, index);
    }
    return draft;
  }

  /** The stages that a stage goes on with, the first one first, and itself. */
  #chain(index: number): readonly number[] {
    const from = findStage(this.#stages, index, this.#stages[index]?.base ?? "", false);
    return from === undefined ? [index] : [...this.#chain(from), index];
  }

  #nameOf(index: number): string {
    const name = this.#stages[index]?.name ?? "";
    return name === "" ? `stage-${index}` : name;
  }

  #note({ lines }: Pick<Instruction, "lines">, text: string): void {
    const line = lines[0]?.number ?? 1;
    if (!this.#notes.some((one) => one.line === line && one.text === text))
      this.#notes.push({ line, text });
  }

  /** `$X` of an argument before the first FROM as a template, with its default. */
  #template(word: string, draft: Draft): string {
    for (const { rest } of stagesOf(this.#file).before) {
      for (const { name, value } of splitWords(rest, this.#file.escapeSign).map(namedWord)) {
        if (!new RegExp(`\\$\\{?${name}\\b`).test(word)) continue;
        draft.args.set(name, unquoted(value ?? ""));
      }
    }
    return word.replace(/\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/g, (_, a, b) => `{{ ${a ?? b} }}`);
  }

  #step(step: Instruction, draft: Draft, index: number): void {
    const { keyword, rest, list } = step;
    switch (keyword) {
      case "ARG":
        for (const { name, value } of splitWords(rest, this.#file.escapeSign).map(namedWord)) {
          draft.args.set(name, unquoted(value ?? this.#globalDefault(name)));
          draft.post.push(`export ${name}="{{ ${name} }}"`);
        }
        return;
      case "ENV":
        for (const { name, value = "" } of namedWords(rest, this.#file.escapeSign)) {
          const line = `export ${name}=${isQuoted(value) ? value : `"${value}"`}`;
          draft.post.push(line);
          draft.environment.push(line);
        }
        return;
      case "LABEL":
        for (const { name, value = "" } of namedWords(rest, this.#file.escapeSign)) {
          draft.labels.push(`${unquoted(name)} ${unquoted(value)}`);
        }
        return;
      case "WORKDIR":
        draft.workdir = rest.startsWith("/") ? rest : `${draft.workdir}/${rest}`.replace("//", "/");
        draft.post.push(`mkdir -p "${draft.workdir}"`);
        this.#note(step, "a container starts in the caller's directory, not in WORKDIR");
        return;
      case "RUN":
        this.#run(step, draft);
        return;
      case "COPY":
      case "ADD":
        this.#copy(step, draft, index);
        return;
      case "SHELL":
        draft.shell = list ?? SHELL;
        return;
      case "CMD":
        draft.cmd = list ?? [...draft.shell, rest];
        return;
      case "ENTRYPOINT":
        draft.entrypoint = list ?? [...draft.shell, rest];
        return;
      case "MAINTAINER":
        draft.labels.push(`maintainer ${rest}`);
        return;
      default:
        this.#note(step, `${keyword} has no equivalent`);
    }
  }

  #globalDefault(name: string): string {
    const words = stagesOf(this.#file).before.flatMap(({ rest }) =>
      splitWords(rest, this.#file.escapeSign),
    );
    return words.map(namedWord).find((one) => one.name === name)?.value ?? "";
  }

  #run(step: Instruction, draft: Draft): void {
    for (const flag of step.flags) {
      this.#note(
        step,
        `RUN --${flag.name} has no equivalent${flag.name === "mount" ? ": bind what it needs with `build --bind`" : ""}`,
      );
    }
    let text = step.rest;
    const [document] = step.documents;
    if (document !== undefined && step.list === undefined) {
      const isWhole = step.documents.length === 1 && /^[0-9]*<<-?\S+$/.test(step.rest);
      text = isWhole
        ? document.content.replace(/\n$/, "")
        : [text, ...step.documents.map((one) => one.content + one.name)].join("\n");
      if (isWhole && document.chomps) text = text.replace(/^\t+/gm, "");
    }
    draft.post.push(`# line ${lineOf(step)}`);
    const argv =
      step.list ?? (draft.shell.join(" ") === SHELL.join(" ") ? undefined : [...draft.shell, text]);
    const command = argv === undefined ? text : argv.map(quoteWord).join(" ");
    if (/^\s*%/m.test(command)) {
      this.#note(step, "a line that begins with a percent sign ends %post: write it otherwise");
    }
    if (/\{\{\s*\w+\s*\}\}/.test(command)) {
      this.#note(step, "braces in pairs are a template in a definition file");
    }
    // Each RUN is a shell of its own: directory and variables of one do not reach the next.
    draft.post.push(`(\ncd "${draft.workdir}"\n${command}\n)`);
  }

  #copy(step: Instruction, draft: Draft, index: number): void {
    const words = [...(step.list ?? plainWords(step.rest))];
    const target = words.pop() ?? "";
    const path = target.startsWith("/")
      ? target
      : `${draft.workdir}/${target}`.replace("//", "/").replace(/\/\.\/?$/, "/");
    if (step.documents.length > 0) {
      for (const { name, content } of step.documents) {
        const to = path.endsWith("/") ? `${path}${name}` : path;
        draft.post.push(`cat > "${to}" <<'${name}'\n${content}${name}`);
      }
      return;
    }
    if (draft.post.some((line) => line.startsWith("("))) {
      this.#note(step, "%files come before %post: a RUN above this line sees these files already");
    }
    const from = flagValue(step, "from");
    const found = from === undefined ? undefined : findStage(this.#stages, index, from, true);
    let heading = "";
    if (from !== undefined) {
      if (found === undefined && !this.#images.includes(from)) this.#images.push(from);
      heading = `from ${found === undefined ? imageName(from) : this.#nameOf(found)}`;
    }
    const lines = draft.files.get(heading) ?? [];
    draft.files.set(heading, lines);
    for (const word of words) {
      if (/^https?:\/\//.test(word)) {
        const to = path.endsWith("/") ? `${path}${word.split("/").at(-1)}` : path;
        draft.post.push(`curl -fsSL -o "${to}" "${word}"`);
        this.#note(step, "ADD of an address needs curl in the image");
        continue;
      }
      const isTree = from === undefined && this.#isDirectory(word);
      lines.push(
        `${quoted(isTree ? `${word.replace(/\/+$/, "")}/.` : word)} ${quoted(isTree && !path.endsWith("/") ? `${path}/` : path)}`,
      );
      if (step.keyword === "ADD" && /\.(?:tar|tgz|tar\.\w+)$/.test(word)) {
        this.#note(step, "ADD unpacks an archive, %files does not: unpack it in %post");
      }
    }
    const owner = flagValue(step, "chown");
    const mode = flagValue(step, "chmod");
    if (owner !== undefined) draft.post.push(`chown -R ${owner} "${path}"`);
    if (mode !== undefined) draft.post.push(`chmod -R ${mode} "${path}"`);
  }
}

function imageName(image: string): string {
  return `image-${image.replace(/[^A-Za-z0-9]+/g, "-")}`;
}

function unquoted(text: string): string {
  return text.replace(/^(["'])(.*)\1$/s, "$2").replace(/\\(.)/g, "$1");
}

/** Whether a value stands in quotes, or holds some, as the shell takes it over. */
function isQuoted(text: string): boolean {
  return /["'\\]/.test(text);
}

function quoted(text: string): string {
  return /\s/.test(text) ? `"${text}"` : text;
}

function render(draft: Draft): string {
  const out = [draft.header.join("\n")];
  const section = (heading: string, lines: readonly string[]): void => {
    if (lines.length > 0) out.push(`\n%${heading}\n${lines.join("\n")}`);
  };
  const indented = (lines: readonly string[]): readonly string[] =>
    lines.map((line) => `    ${line}`);
  section("arguments", indented([...draft.args].map(([name, value]) => `${name}=${value}`)));
  for (const [heading, lines] of draft.files) section(`files ${heading}`.trim(), indented(lines));
  // Lines of %post begin where they did: white space may matter in them.
  section("post", draft.post);
  section("environment", indented(draft.environment));
  section("labels", indented(draft.labels));
  const { entrypoint, cmd } = draft;
  if (entrypoint.length + cmd.length > 0) {
    const words = (list: readonly string[]): string => list.map(quoteWord).join(" ");
    const lines = cmd.length > 0 ? [`[ $# -gt 0 ] || set -- ${words(cmd)}`] : [];
    section("runscript", indented([...lines, `exec ${words(entrypoint)} "$@"`.replace("  ", " ")]));
  }
  return `${out.join("\n")}\n`;
}
