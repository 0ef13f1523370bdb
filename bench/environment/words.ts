import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { planEnvironment } from "../../src/plan/env/plan-environment.ts";
import { MADE_UP_ENVIRONMENT } from "../../test/support/made-up-environment.ts";

/**
 * Writes the word files of run-shell: `words.ts FOLDER`, where FOLDER is the tree of an image with
 * /.singularity.d. FOLDER/../bash.words is the driver of a launch; sh.words is the least that any
 * other shell would have to do: source the files and print what is exported.
 */
const [folder = ""] = process.argv.slice(2);
const dir = `${folder}/.singularity.d/env`;
const scripts = readdirSync(dir)
  .sort()
  .map((name) => ({
    path: `/.singularity.d/env/${name}`,
    text: readFileSync(`${dir}/${name}`, "utf8"),
  }));
const asking = { path: "/.singularity.d/env/89-ask.sh", text: "export N=$RANDOM\n" };
const plan = planEnvironment({
  ...MADE_UP_ENVIRONMENT,
  host: { ...process.env } as Record<string, string>,
  home: "/root",
  uid: 0,
  gid: 0,
  scripts: [...scripts, asking].sort((a, b) => (a.path < b.path ? -1 : 1)),
  timeoutMs: 0,
});
if (plan.kind !== "shell") throw new Error("The scripts need no shell");
const write = (name: string, argv: readonly string[], env: readonly string[]): void =>
  writeFileSync(
    `${folder}/../${name}.words`,
    [String(argv.length), ...argv, ...env].map((word) => `${word}\0`).join(""),
  );
// The asking script is not in the tree: its line is left out of the driver.
const argv = plan.argv.map((word) => word.replace(/^.*89-ask\.sh\n/m, ""));
write("bash", argv, plan.env);
const sh = 'for f in /.singularity.d/env/*.sh; do [ ! -f "$f" ] || . "$f"; done; export -p >&3';
write("sh", ["sh", "-c", sh, "exec", "true"], plan.env);
write("nothing", ["sh", "-c", ":"], []);
write("true", ["true"], []);
