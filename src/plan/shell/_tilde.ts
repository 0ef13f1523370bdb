import type { FieldBuilder } from "./_fields.ts";
import { NeedsShell } from "./needs-shell.ts";
import type { ShellState } from "./state.ts";

/** A leading `~`, `~/`, `~NAME`; a name that is not known stays. `whole`: the text is the whole word. */
export function tilde(
  text: string,
  whole: boolean,
  colons: boolean,
  state: ShellState,
  fields?: FieldBuilder,
): string {
  if (text.charCodeAt(0) !== 126) return text;
  let end = text.indexOf("/");
  if (colons) {
    const colon = text.indexOf(":");
    if (colon >= 0 && (end < 0 || colon < end)) end = colon;
  }
  if (end < 0) {
    if (!whole) return text;
    end = text.length;
  }
  const home = end > 1 ? homeOf(text.slice(0, end), state) : state.get("HOME");
  if (home === undefined && end > 1) return text;
  if (home === undefined) throw new NeedsShell('looks up "~"');
  if (fields === undefined) return home + text.slice(end);
  fields.quoted(home);
  return text.slice(end);
}

function homeOf(name: string, state: ShellState): string | undefined {
  if (state.computed === undefined) throw new NeedsShell(`looks up "${name}"`);
  return state.computed(name);
}

/** Tildes at the start of an assigned value and after its colons. */
export function assignmentTildes(
  text: string,
  first: boolean,
  last: boolean,
  state: ShellState,
): string {
  if (!text.includes("~")) return text;
  return text
    .split(":")
    .map((piece, position, all) => {
      if (position === 0 && !first) return piece;
      return tilde(piece, last || position < all.length - 1, true, state);
    })
    .join(":");
}
