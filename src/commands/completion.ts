import { loadAllCommands } from "../cli/command-index.ts";
import { completeWord } from "../cli/complete.ts";
import { formatCompletionScript, type Shell } from "../cli/completion-scripts.ts";
import type { Invocation } from "../cli/invocation.ts";
import type { Context } from "../terminal/context.ts";

/** `completion SHELL` prints a script; `__complete -- WORDS...` answers it. */
export async function run(invocation: Invocation, context: Context): Promise<number> {
  const [verb, shell] = invocation.path;
  if (verb === "completion") {
    // The table names no other shell than those of the type.
    context.print(formatCompletionScript(shell as Shell, context.program));
    return 0;
  }
  const before = invocation.args.slice(0, -1);
  const current = invocation.args.at(-1) ?? "";
  const { candidates, paths } = completeWord(await loadAllCommands(), before, current);
  const lines = candidates.map(({ word, text }) => (text === "" ? word : `${word}\t${text}`));
  context.print(`${[...lines, `:${paths}`].join("\n")}\n`);
  return 0;
}
