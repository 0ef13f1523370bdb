import { Fault } from "../base/fault.ts";
import { loadAllCommands } from "../cli/command-index.ts";
import type { Invocation } from "../cli/invocation.ts";
import { formatAllManPages, manPageName } from "../cli/man.ts";
import type { Context } from "../terminal/context.ts";

/** `man [command [sub-command]]`: the page as roff, for `man -l -`. */
export async function run(invocation: Invocation, context: Context): Promise<number> {
  const name = manPageName(invocation.args);
  const page = formatAllManPages(await loadAllCommands()).find((one) => one.name === name);
  if (page === undefined) {
    throw new Fault("not-found", `Cannot show the manual page "${name}": no such command`);
  }
  context.print(page.text);
  return 0;
}
