import type { Part, Redirection } from "./ast.ts";
import { type ExpansionHost, expandText, expandWords } from "./expand.ts";
import { NeedsShell } from "./needs-shell.ts";
import { Input, Sink, type Streams } from "./stream.ts";

/** The streams of a command after its redirections; only /dev/null, one another and texts are possible. */
export function redirect(
  redirections: readonly Redirection[],
  before: Streams,
  host: ExpansionHost,
): Streams {
  let { input, output, error } = before;
  for (const redirection of redirections) {
    const { operator, fd } = redirection;
    if (operator === "<<" || operator === "<<<") {
      if (fd > 0) throw new NeedsShell("redirects an unusual descriptor");
      // bash joins `$*` in a here-document in a way of its own when IFS is not the usual.
      if (
        operator === "<<" &&
        host.state.get("IFS") !== " \t\n" &&
        redirection.target.some(holdsSeveral)
      ) {
        throw new NeedsShell("joins several values in a here-document");
      }
      const text = expandText(redirection.target, host);
      input = new Input(operator === "<<<" ? `${text}\n` : text);
      continue;
    }
    const [target = "", ...more] = expandWords([redirection.target], host);
    if (more.length > 0 || target === "") throw new NeedsShell("redirects to no single file");
    if (operator === "<") {
      if (fd > 0 || target !== "/dev/null") throw new NeedsShell(`reads the file "${target}"`);
      input = new Input("");
      continue;
    }
    if (operator === ">&" && /^[12]$/.test(target)) {
      const source = target === "1" ? output : error;
      if (fd === -1 || fd === 1) output = source;
      else if (fd === 2) error = source;
      else throw new NeedsShell("redirects an unusual descriptor");
      continue;
    }
    if (operator === "<&" || operator === "<>" || target !== "/dev/null") {
      throw new NeedsShell(`redirects to "${target}"`);
    }
    const both = fd === -2 || (operator === ">&" && fd === -1);
    if (!both && fd > 2) throw new NeedsShell("redirects an unusual descriptor");
    if (both || fd === -1 || fd === 1) output = new Sink("null");
    if (both || fd === 2) error = new Sink("null");
    if (fd === 0) throw new NeedsShell("redirects an unusual descriptor");
  }
  return { input, output, error };
}

function holdsSeveral(part: Part): boolean {
  if (part.kind !== "parameter") return false;
  return part.name === "*" || part.name === "@" || part.index === "*" || part.index === "@";
}
