import { type FileView, resolveIn } from "../../base/file-view.ts";
import { decodeOsText } from "../../base/os-text.ts";
import {
  type Attributes,
  NO_ATTRIBUTES,
  type OwnAttributes,
  type Section,
  type Selection,
} from "./attributes.ts";
import { parseLabelsFile } from "./labels-file.ts";

/** Where an image keeps its scripts and texts; the same names below an application's directory. */
const IMAGE_DIR = "/.singularity.d";
const APPS_DIR = "/scif/apps";
const OCI_ENVIRONMENT = /^10-docker.*\.sh$/;
const ENVIRONMENT = /^9.*-environment\.sh$/;

/**
 * What the files of an image say of it, as far as it is asked for. Symbolic links are followed
 * inside the image; line ends at the end of a text are dropped. `warn` is told, in whole sentences,
 * of files that are there but cannot be used.
 */
export function readTreeAttributes(
  tree: FileView,
  selection: Selection,
  warn: (text: string) => void,
): Attributes {
  const reader = new TreeReader(tree, warn);
  const { sections, of } = selection;
  const names = reader.appNames();
  if (of.kind === "app") {
    const apps = new Map(
      names
        .filter((name) => selection.listApps || name === of.name)
        .map((name) => [name, reader.own(appDir(name), name === of.name ? sections : new Set())]),
    );
    return { ...NO_ATTRIBUTES, apps };
  }
  const listed = selection.listApps || of.kind === "all" ? names : [];
  const ofApps = of.kind === "all" ? sections : new Set<Section>();
  return {
    ...reader.own(IMAGE_DIR, sections),
    apps: new Map(listed.map((name) => [name, reader.own(appDir(name), ofApps)])),
    deffile: sections.has("deffile") ? (reader.text(`${IMAGE_DIR}/Singularity`) ?? "") : "",
  };
}

function appDir(name: string): string {
  return `${APPS_DIR}/${name}/scif`;
}

class TreeReader {
  readonly #tree: FileView;
  readonly #warn: (text: string) => void;

  constructor(tree: FileView, warn: (text: string) => void) {
    this.#tree = tree;
    this.#warn = warn;
  }

  /** Directories below /scif/apps that describe an application. */
  appNames(): readonly string[] {
    return this.#names(APPS_DIR).filter(
      (name) => !name.startsWith(".") && resolveIn(this.#tree, appDir(name)).entry?.kind === "dir",
    );
  }

  own(dir: string, sections: ReadonlySet<Section>): OwnAttributes {
    const text = (section: Section, file: string): string =>
      sections.has(section) ? (this.text(`${dir}/${file}`) ?? "") : "";
    return {
      environment: sections.has("environment") ? this.#environment(dir) : new Map(),
      labels: sections.has("labels") ? this.#labels(`${dir}/labels.json`) : new Map(),
      runscript: text("runscript", "runscript"),
      startscript: text("startscript", "startscript"),
      test: text("test", "test"),
      helpfile: text("helpfile", "runscript.help"),
    };
  }

  /** Text of a file, or undefined when there is none. */
  text(path: string): string | undefined {
    const bytes = this.#read(path);
    return bytes === undefined ? undefined : decodeOsText(bytes).replace(/\n+$/, "");
  }

  /** Scripts that say something of this very image: not those that every image has. */
  #environment(dir: string): ReadonlyMap<string, string> {
    const files = new Map<string, string>();
    for (const name of this.#names(`${dir}/env`)) {
      const isOci = dir === IMAGE_DIR && OCI_ENVIRONMENT.test(name);
      if (!isOci && !ENVIRONMENT.test(name)) continue;
      const path = `${dir}/env/${name}`;
      const text = this.text(path);
      if (text !== undefined) files.set(path, text);
    }
    return files;
  }

  #labels(path: string): ReadonlyMap<string, string> {
    const bytes = this.#read(path);
    if (bytes === undefined) return new Map();
    const { labels, problem } = parseLabelsFile(bytes);
    if (problem !== undefined) this.#warn(`Cannot read labels from "${path}": ${problem}`);
    return labels;
  }

  #names(path: string): readonly string[] {
    const found = resolveIn(this.#tree, path);
    return found.entry?.kind === "dir" ? (this.#tree.list(found.path) ?? []) : [];
  }

  #read(path: string): Uint8Array | undefined {
    const found = resolveIn(this.#tree, path);
    if (found.entry?.kind !== "file") return undefined;
    const bytes = this.#tree.read(found.path);
    if (bytes === undefined) {
      const { mode, sizeBytes } = found.entry;
      const facts = `mode ${mode.toString(8).padStart(4, "0")}, ${sizeBytes} bytes`;
      this.#warn(`Cannot read "${path}": it may not be read, or is too long (${facts})`);
    }
    return bytes;
  }
}
