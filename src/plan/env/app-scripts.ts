/** One SCIF application of an image, and which of its optional parts exist. */
export interface AppParts {
  readonly name: string;
  readonly hasEnvironment: boolean;
  readonly hasLabels: boolean;
  readonly hasRunscript: boolean;
  readonly hasStartscript: boolean;
}

/**
 * Text of /.singularity.d/env/94-appsbase.sh: where each application lies, for all others to find
 * (reference: deffile.md 3.3). Characters that a variable name cannot hold become `_` in the names;
 * the paths keep the application's own name.
 */
export function writeAppGlobals(apps: readonly AppParts[]): string {
  let out = "";
  for (const app of apps) {
    const suffix = app.name.replace(/[^A-Za-z0-9_]/g, "_");
    const root = `/scif/apps/${app.name}`;
    const lines: [string, string, boolean][] = [
      ["DATA", `/scif/data/${app.name}`, true],
      ["META", `${root}/scif`, true],
      ["ROOT", root, true],
      ["BIN", `${root}/bin`, true],
      ["LIB", `${root}/lib`, true],
      ["ENV", `${root}/scif/env/90-environment.sh`, app.hasEnvironment],
      ["LABELS", `${root}/scif/labels.json`, app.hasLabels],
      ["RUN", `${root}/scif/runscript`, app.hasRunscript],
      ["START", `${root}/scif/startscript`, app.hasStartscript],
    ];
    out += `# ${app.name}\n`;
    for (const [part, path, exists] of lines) {
      if (exists) out += `export SCIF_APP${part}_${suffix}="${path}"\n`;
    }
  }
  return out;
}

/** Text of /scif/apps/NAME/scif/env/01-base.sh: what the running application knows about itself. */
export function writeAppBase(name: string): string {
  const root = `/scif/apps/${name}`;
  const data = `/scif/data/${name}`;
  return `#!/bin/sh
export SCIF_APPNAME="${name}" SCIF_APPROOT="${root}" SCIF_APPMETA="${root}/scif"
export SCIF_DATA="/scif/data" SCIF_APPDATA="${data}"
export SCIF_APPINPUT="${data}/input" SCIF_APPOUTPUT="${data}/output"
`;
}
