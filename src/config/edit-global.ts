import { Fault } from "../base/fault.ts";
import { setDirective } from "../format/conf/edit.ts";
import { parseConf, splitConfList } from "../format/conf/parse.ts";
import { type Directive, describeAuthorised, findDirective } from "./directives.ts";

/** One change of a configuration file's text. */
export type GlobalEdit =
  | { readonly kind: "set" | "unset"; readonly value: string }
  | { readonly kind: "reset" };

/** Row of a directive. Throws a Fault for a name that there is not. */
export function requireDirective(name: string): Directive {
  const row = findDirective(name);
  if (row !== undefined) return row;
  throw new Fault("not-found", `"${name}" is not a valid configuration directive`);
}

/**
 * The text after one change of `directive`; comments and all other lines stay. A list gets the
 * values that it has not in front, in their order; other directives get one line. Unsetting takes
 * the value away, and must find it; resetting writes the default of a list and drops other lines,
 * so that the default holds (reference: cli.md section 7).
 */
export function editGlobal(text: string, directive: string, edit: GlobalEdit): string {
  const row = requireDirective(directive);
  if (edit.kind === "reset") {
    return setDirective(text, directive, typeof row.fallback === "object" ? row.fallback : []);
  }
  const present = currentValues(text, row);
  const wanted = row.kind === "list" ? splitConfList(edit.value) : [edit.value.trim()];
  if (edit.kind === "unset") {
    const missing = wanted.find((value) => !present.includes(value));
    if (missing !== undefined || wanted.length === 0) {
      throw new Fault(
        "not-found",
        `value '${missing ?? edit.value}' not found for directive "${directive}"`,
      );
    }
    return setDirective(
      text,
      directive,
      present.filter((value) => !wanted.includes(value)),
    );
  }
  if (wanted.length === 0 || wanted.includes("")) {
    throw new Fault("invalid", `you must specify a value for directive "${directive}"`);
  }
  for (const value of wanted) {
    if (/[\n\r]/.test(value) || row.parse(value) === undefined) {
      throw new Fault(
        "invalid",
        `Cannot set "${directive}" to "${value}": it ${/[\n\r]/.test(value) ? "must be one line" : describeAuthorised(row)}`,
      );
    }
  }
  const added = wanted.filter(
    (value, i) => !present.includes(value) && wanted.indexOf(value) === i,
  );
  return setDirective(text, directive, row.kind === "list" ? [...added, ...present] : wanted);
}

/** Values a text gives a directive: members of a list over all lines; of anything else all lines, the first counts. */
function currentValues(text: string, row: Directive): readonly string[] {
  const lines = parseConf(text).filter(
    (entry) => entry.directive === row.name && entry.value !== "",
  );
  return row.kind === "list"
    ? lines.flatMap((entry) => splitConfList(entry.value))
    : lines.map((entry) => entry.value);
}
