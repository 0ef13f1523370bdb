import { resolveIn } from "../../base/file-view.ts";
import { decodeOsText, encodeOsText } from "../../base/os-text.ts";
import { parseLabels } from "../../format/deffile/labels.ts";
import type { StageRecipe } from "../../format/deffile/recipe.ts";
import { type Script, storedScript } from "../../format/deffile/script.ts";
import { parseLabelsFile } from "../../image/inspect/labels-file.ts";
import type { EditedView } from "../root/edited-view.ts";
import { makeDirectories, writeFile } from "../root/skeleton.ts";
import { readIn } from "./inspect-metadata.ts";
import { mergeLabels } from "./labels.ts";
import { labelsJson } from "./labels-json.ts";

/** What metadata is made of besides the root. */
export interface MetadataInput {
  readonly recipe: StageRecipe;
  /** Text of the whole definition, stored in the image. */
  readonly text: string;
  readonly time: Date;
  readonly arch: string;
  readonly version: string;
  readonly peerVersion: string;
  readonly force: boolean;
  /** False when an existing sandbox is updated. */
  readonly withHeader: boolean;
  /** Whether `--section` lets a section in. */
  hasSection(name: string): boolean;
}

/** What the builder tells while it works. */
export interface MetadataTalk {
  info(text: string): void;
  warning(text: string): void;
}

const OWN = "/.singularity.d";
const NOTHING = new Uint8Array(0);
/** Where `%post` leaves labels. */
export const POST_LABELS = "/.build.labels";

/**
 * Plans the metadata of a stage in the peer's order: help, labels, definition, environment,
 * startscript, runscript, test.
 */
export function planMetadata(view: EditedView, input: MetadataInput, talk: MetadataTalk): void {
  const { recipe } = input;
  const wanted = (name: string, script: Script | undefined): Script | undefined =>
    input.hasSection(name) ? script : undefined;
  if (makeDirectories(view, `${OWN}/env`) === undefined) return;
  planHelp(view, wanted("help", recipe.help), input.force, talk);
  planLabels(view, input, talk);
  planDefinition(view, input.text);
  const environment = wanted("environment", recipe.environment);
  if (environment !== undefined) {
    talk.info("Adding environment to container");
    const path = `${OWN}/env/90-environment.sh`;
    const before = readIn(view, path);
    const head = before === undefined ? "#!/bin/sh\n" : decodeOsText(before);
    const mode = resolveIn(view, path).entry?.mode ?? 0o755;
    put(view, path, mode, `${head}\n${environment.text}\n`);
  }
  for (const [name, file, verb] of [
    ["startscript", "startscript", "startscript"],
    ["runscript", "runscript", "runscript"],
    ["test", "test", "testscript"],
  ] as const) {
    const script = wanted(name, recipe[name]);
    if (script === undefined) continue;
    talk.info(`Adding ${verb}`);
    put(view, `${OWN}/${file}`, 0o755, storedScript(script));
  }
}

function planHelp(
  view: EditedView,
  help: Script | undefined,
  force: boolean,
  talk: MetadataTalk,
): void {
  if (help === undefined) return;
  if (readIn(view, `${OWN}/runscript.help`) !== undefined && !force) {
    talk.warning("Help message already exists and force option is false, not overwriting");
    return;
  }
  talk.info("Adding help info");
  put(view, `${OWN}/runscript.help`, 0o644, `${help.text}\n`);
}

function planLabels(view: EditedView, input: MetadataInput, talk: MetadataTalk): void {
  const { labels, warnings } = mergeLabels({
    recipe: input.recipe,
    existing: parseLabelsFile(readIn(view, `${OWN}/labels.json`) ?? NOTHING).labels,
    fromPost: parseLabels(decodeOsText(readIn(view, POST_LABELS) ?? NOTHING)),
    time: input.time,
    arch: input.arch,
    version: input.version,
    peerVersion: input.peerVersion,
    withHelp: input.hasSection("help"),
    withLabels: input.hasSection("labels"),
    withHeader: input.withHeader,
    force: input.force,
  });
  if (view.lstat(POST_LABELS) !== undefined) view.add({ kind: "remove", path: POST_LABELS });
  if (input.hasSection("labels") && input.recipe.labels.size > 0) talk.info("Adding labels");
  for (const warning of warnings) talk.warning(warning);
  put(view, `${OWN}/labels.json`, 0o644, labelsJson(labels));
}

/** Stores the definition; one that is there already moves to the history. */
function planDefinition(view: EditedView, text: string): void {
  const before = readIn(view, `${OWN}/Singularity`);
  if (before !== undefined) {
    const history = makeDirectories(view, `${OWN}/bootstrap_history`);
    const count = history === undefined ? 0 : (view.list(history) ?? []).length;
    writeFile(view, `${OWN}/bootstrap_history/Apptainer${count}`, 0o644, before, true);
  }
  put(view, `${OWN}/Singularity`, 0o644, text);
}

function put(view: EditedView, path: string, mode: number, text: string): void {
  writeFile(view, path, mode, encodeOsText(text), true);
}
