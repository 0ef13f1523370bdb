import type { StageRecipe } from "../../format/deffile/recipe.ts";
import { type Script, scriptArgv } from "../../format/deffile/script.ts";
import { POST_LABELS } from "../metadata/plan-metadata.ts";
import { appInstallText } from "../sections/apps.ts";
import { postEnvironment } from "../sections/host-script.ts";
import { splitPost } from "../sections/split-post.ts";
import type { Step } from "../step.ts";
import { scriptStep } from "./script-step.ts";

/** Where a part of `%post` leaves its exported variables and directory for the next one. */
const STATE = "/.post.state";

const RESTORE = `{ set +x; } 2>/dev/null; . ${STATE}; cd -- "$SKIFF_POST_PWD"; unset SKIFF_POST_PWD; { set -x; } 2>/dev/null\n`;
const SAVE = `\n{ set +x; } 2>/dev/null; SKIFF_POST_PWD=$PWD; export SKIFF_POST_PWD; export -p >${STATE}\n`;

/** Shells that read what another one of them wrote by `export -p`. */
const SHELLS = /^(?:\S*\/)?(?:sh|bash|dash|ash|ksh|mksh|zsh)$/;

/**
 * `%post` with the `%appinstall` sections behind it, cut at its markers. Each part is a script of its
 * own; exported variables and the working directory carry over where the interpreter is a shell.
 */
export function postSteps(recipe: StageRecipe): readonly Step[] {
  const { post, apps } = recipe;
  const text = (post?.text ?? "") + appInstallText(apps);
  if (text === "") return [];
  const script: Script = {
    arguments: post?.arguments ?? "",
    text,
    line: post?.line ?? recipe.line,
  };
  const parts = splitPost(script);
  const carries = parts.length > 1 && isShell(script);
  return parts.map((part, index) => {
    const isLast = index === parts.length - 1;
    const head = index === 0 ? "" : RESTORE;
    const tail = isLast ? "" : SAVE;
    const number = parts.length === 1 ? "" : ` ${index + 1} of ${parts.length}`;
    return scriptStep({
      section: "%post",
      title: `%post${number}${part.name === "" ? "" : ` (${part.name})`}`,
      heading: "Running post scriptlet",
      line: part.line,
      text: carries ? head + part.text + tail : part.text,
      argv: (path) => scriptArgv("post", script, path),
      ...(carries && isLast ? { leftover: STATE } : {}),
      env: {
        ...postEnvironment(),
        APPTAINER_LABELS: POST_LABELS,
        SINGULARITY_LABELS: POST_LABELS,
      },
    });
  });
}

function isShell(script: Script): boolean {
  const words = script.arguments.split(/\s+/).filter((word) => word !== "");
  const at = words.indexOf("-c");
  return at < 0 || SHELLS.test(words[at + 1] ?? "");
}
