import { encodeOsText } from "../../base/os-text.ts";
import { parseAppTransfer } from "../../format/deffile/file-list.ts";
import { parseLabels } from "../../format/deffile/labels.ts";
import type { AppRecipe } from "../../format/deffile/recipe.ts";
import { readIn } from "../metadata/inspect-metadata.ts";
import { labelsJson } from "../metadata/labels-json.ts";
import { editRoot } from "../root/apply-edits.ts";
import type { EditedView } from "../root/edited-view.ts";
import { makeDirectories, writeFile } from "../root/skeleton.ts";
import type { Stage } from "../stage.ts";
import { copyFromHost } from "./copy-files.ts";

/** Makes the skeletons of all apps (reference: deffile.md section 3.3), files of `%appfiles` included. */
export async function createApps(stage: Stage): Promise<void> {
  editRoot(stage.root, (view) => planApps(view, stage.recipe.apps));
  for (const app of stage.recipe.apps) {
    for (const { source, target } of appFiles(app)) await copyFromHost(stage, source, target);
  }
}

/** What `%appfiles` copies and where in the root. */
export function appFiles(
  app: AppRecipe,
): readonly { readonly source: string; readonly target: string }[] {
  return (app.files?.text.split("\n") ?? []).flatMap((line) => {
    const transfer = parseAppTransfer(line);
    if (transfer === undefined) return [];
    return { source: transfer.source, target: `/scif/apps/${app.name}/${transfer.target}` };
  });
}

/** Directories, scripts and labels of apps, and the script that exports their places to all. */
export function planApps(view: EditedView, apps: readonly AppRecipe[]): void {
  const put = (path: string, text: string, mode: number = 0o755): void =>
    writeFile(view, path, mode, encodeOsText(text), true);
  for (const app of apps) {
    const base = `/scif/apps/${app.name}`;
    const data = `/scif/data/${app.name}`;
    for (const path of ["/scif/env", "/bin", "/lib"]) makeDirectories(view, base + path);
    for (const path of ["/input", "/output"]) makeDirectories(view, data + path);
    put(`${base}/scif/env/01-base.sh`, appBase(app.name));
    if (app.env !== undefined) put(`${base}/scif/env/90-environment.sh`, app.env.text);
    for (const [file, script] of [
      ["runscript", app.run],
      ["startscript", app.start],
      ["test", app.test],
    ] as const) {
      if (script !== undefined) put(`${base}/scif/${file}`, `#!/bin/sh\n\n${script.text}\n`);
    }
    if (app.help !== undefined) put(`${base}/scif/runscript.help`, app.help.text, 0o644);
    const labels = new Map([["SCIF_APP_NAME", app.name], ...parseLabels(app.labels?.text ?? "")]);
    put(`${base}/scif/labels.json`, labelsJson(labels), 0o644);
  }
  put("/.singularity.d/env/94-appsbase.sh", apps.map((app) => appGlobals(view, app)).join(""));
}

/** What `%appinstall` sections add to `%post`: each in its app's directory, with its variables. */
export function appInstallText(apps: readonly AppRecipe[]): string {
  return apps
    .map((app) => {
      const base = `/scif/apps/${app.name}`;
      return `\ncd /\n. ${base}/scif/env/01-base.sh\n\ncd ${base}\n${app.install?.text ?? ""}\n\ncd /\n`;
    })
    .join("");
}

function appBase(name: string): string {
  const variables = [
    ["SCIF_APPROOT", `/scif/apps/${name}`],
    ["SCIF_APPMETA", `/scif/apps/${name}/scif`],
    ["SCIF_DATA", "/scif/data"],
    ["SCIF_APPDATA", `/scif/data/${name}`],
    ["SCIF_APPINPUT", `/scif/data/${name}/input`],
    ["SCIF_APPOUTPUT", `/scif/data/${name}/output`],
  ];
  const lines = variables.map(([variable, value]) => `${variable}="${value}"\n`).join("");
  // In the peer's order, so that images compare equal.
  const names = ["APPDATA", "APPNAME", "APPROOT", "APPMETA", "APPINPUT", "APPOUTPUT", "DATA"]
    .map((part) => `SCIF_${part}`)
    .join(" ");
  return `#!/bin/sh\n\nSCIF_APPNAME=${name}\n${lines}export ${names}\n`;
}

/** The exports by which any app finds another. As with the peer the paths hold the mangled name too. */
function appGlobals(view: EditedView, app: AppRecipe): string {
  const name = app.name.replaceAll(/[^A-Za-z0-9_]/g, "_");
  const places = [
    ["DATA", `/scif/data/${name}`],
    ["META", `/scif/apps/${name}/scif`],
    ["ROOT", `/scif/apps/${name}`],
    ["BIN", `/scif/apps/${name}/bin`],
    ["LIB", `/scif/apps/${name}/lib`],
  ];
  const lines = places.map(([kind, path]) => `SCIF_APP${kind}_${name}=${path}\n`).join("");
  const names = places.map(([kind]) => `SCIF_APP${kind}_${name}`).join(" ");
  const optional = [
    ["ENV", "env/90-environment.sh"],
    ["LABELS", "labels.json"],
    ["RUN", "runscript"],
    ["START", "startscript"],
  ]
    .filter(([, file]) => readIn(view, `/scif/apps/${app.name}/scif/${file}`) !== undefined)
    .map(([kind, file]) => `export SCIF_APP${kind}_${name}="/scif/apps/${name}/scif/${file}"\n`);
  return `## App Global Exports For: ${name}\n\n${lines}\nexport ${names}\n${optional.join("")}`;
}
