import { sortOsText } from "../../base/os-text.ts";
import type { Attributes, OwnAttributes } from "./attributes.ts";

/** An object of the output; members in the order that they are written in. */
type Members = ReadonlyMap<string, string | Members>;

/**
 * Attributes as the reference tool's JSON, line end included: indented by tabs, keys of maps sorted
 * by bytes, empty members left out (but an application that says nothing is an empty object).
 */
export function renderJson(attributes: Attributes): string {
  const apps = new Map(
    sortOsText([...attributes.apps.keys()]).map((name) => {
      const app = attributes.apps.get(name);
      return [name, app === undefined ? new Map() : withoutEmpty(appMembers(app))];
    }),
  );
  const members = withoutEmpty([
    ["apps", apps],
    ["environment", sorted(attributes.environment)],
    ["labels", sorted(attributes.labels)],
    ["runscript", attributes.runscript],
    ["test", attributes.test],
    ["helpfile", attributes.helpfile],
    ["deffile", attributes.deffile],
    ["startscript", attributes.startscript],
  ]);
  const data = new Map([["attributes", members]]);
  const top = new Map<string, string | Members>([
    ["data", data],
    ["type", "container"],
  ]);
  return `${write(top, "\n")}\n`;
}

function appMembers(app: OwnAttributes): readonly (readonly [string, string | Members])[] {
  return [
    ["environment", sorted(app.environment)],
    ["labels", sorted(app.labels)],
    ["runscript", app.runscript],
    ["startscript", app.startscript],
    ["test", app.test],
    ["helpfile", app.helpfile],
  ];
}

function withoutEmpty(members: readonly (readonly [string, string | Members])[]): Members {
  return new Map(
    members.filter(([, value]) => (typeof value === "string" ? value !== "" : value.size > 0)),
  );
}

function sorted(map: ReadonlyMap<string, string>): Members {
  return new Map(sortOsText([...map.keys()]).map((key) => [key, map.get(key) ?? ""]));
}

/** `newline` begins a line at the depth of the object itself. */
function write(value: string | Members, newline: string): string {
  if (typeof value === "string") return quote(value);
  if (value.size === 0) return "{}";
  const inner = `${newline}\t`;
  const members = [...value].map(([key, one]) => `${quote(key)}: ${write(one, inner)}`);
  return `{${inner}${members.join(`,${inner}`)}${newline}}`;
}

/**
 * A JSON string in the dialect of the reference tool's encoder: `<`, `>`, `&` and the two Unicode line
 * ends are escaped too, and a byte that is no UTF-8 (a lone surrogate here) is the escape of U+FFFD.
 */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll(
    /\\\\|\\ud[89a-f][0-9a-f]{2}|[<>&\u2028\u2029]/g,
    (found) => {
      if (found === "\\\\") return found;
      if (found.length > 1) return "\\ufffd";
      return `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`;
    },
  );
}
