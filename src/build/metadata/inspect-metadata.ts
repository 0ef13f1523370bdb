import { type FileView, resolveIn } from "../../base/file-view.ts";
import { decodeOsText } from "../../base/os-text.ts";
import { compactJson, type JsonValue, sortedEntries, stringsOfJson } from "./go-json.ts";

/**
 * Text of the SIF object `inspect-metadata.json`: what `inspect` shows of an image, read from its
 * root (reference: sif.md section 8). Compact JSON, keys in a fixed order, empty ones left out.
 */
export function inspectMetadata(view: FileView): string {
  const main = "/.singularity.d";
  const text = (path: string): JsonValue => readTrimmed(view, path) ?? "";
  const attributes = withoutEmpty([
    ["apps", appAttributes(view)],
    ["environment", environmentOf(view, main)],
    ["labels", labelsOf(view, main)],
    ["runscript", text(`${main}/runscript`)],
    ["test", text(`${main}/test`)],
    ["helpfile", text(`${main}/runscript.help`)],
    ["deffile", text(`${main}/Singularity`)],
    ["startscript", text(`${main}/startscript`)],
  ]);
  const data = new Map([["attributes", attributes]]);
  return compactJson(
    new Map<string, JsonValue>([
      ["data", data],
      ["type", "container"],
    ]),
  );
}

function appAttributes(view: FileView): JsonValue {
  const apps = new Map<string, JsonValue>();
  for (const name of listIn(view, "/scif/apps")) {
    const own = `/scif/apps/${name}/scif`;
    if (name.startsWith(".") || resolveIn(view, own).entry?.kind !== "dir") continue;
    const text = (file: string): JsonValue => readTrimmed(view, `${own}/${file}`) ?? "";
    apps.set(
      name,
      withoutEmpty([
        ["environment", environmentOf(view, own)],
        ["labels", labelsOf(view, own)],
        ["runscript", text("runscript")],
        ["startscript", text("startscript")],
        ["test", text("test")],
        ["helpfile", text("runscript.help")],
      ]),
    );
  }
  return apps;
}

/** Texts of the environment scripts that say something about this image, by path. */
function environmentOf(view: FileView, own: string): JsonValue {
  const files = new Map<string, JsonValue>();
  for (const name of listIn(view, `${own}/env`)) {
    const isOci = own === "/.singularity.d" && /^10-docker.*\.sh$/.test(name);
    if (!isOci && !/^9.*-environment\.sh$/.test(name)) continue;
    const text = readTrimmed(view, `${own}/env/${name}`);
    if (text !== undefined) files.set(`${own}/env/${name}`, text);
  }
  return files;
}

function labelsOf(view: FileView, own: string): JsonValue {
  return new Map(sortedEntries(stringsOfJson(readTrimmed(view, `${own}/labels.json`) ?? "")));
}

function withoutEmpty(members: readonly (readonly [string, JsonValue])[]): JsonValue {
  return new Map(
    members.filter(([, value]) => (typeof value === "string" ? value !== "" : value.size > 0)),
  );
}

function listIn(view: FileView, path: string): readonly string[] {
  const found = resolveIn(view, path);
  return found.entry?.kind === "dir" ? (view.list(found.path) ?? []) : [];
}

/** Text of a file, symbolic links followed inside the root, without the line ends at its end. */
function readTrimmed(view: FileView, path: string): string | undefined {
  const content = readIn(view, path);
  return content === undefined ? undefined : decodeOsText(content).replace(/\n+$/, "");
}

/** Content of a regular file, symbolic links followed inside the root. */
export function readIn(view: FileView, path: string): Uint8Array | undefined {
  const found = resolveIn(view, path);
  return found.entry?.kind === "file" ? view.read(found.path) : undefined;
}
