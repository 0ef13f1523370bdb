import { sortOsText } from "../../base/os-text.ts";
import type { Attributes } from "./attributes.ts";

/**
 * Attributes as the reference tool's text, parts in its order: names of applications, definition,
 * scripts, help, environment, labels. The image's own parts come before those of the application
 * `app`. Empty when nothing is there.
 */
export function renderText(
  attributes: Attributes,
  options: { readonly listApps: boolean; readonly app: string | undefined },
): string {
  const app = options.app === undefined ? undefined : attributes.apps.get(options.app);
  const part = (name: "runscript" | "startscript" | "test" | "helpfile"): string =>
    line(attributes[name] || (app?.[name] ?? ""));
  const map = (name: "environment" | "labels"): ReadonlyMap<string, string> =>
    attributes[name].size > 0 ? attributes[name] : (app?.[name] ?? new Map());
  return [
    ...(options.listApps ? sortOsText([...attributes.apps.keys()]).map(line) : []),
    line(attributes.deffile),
    part("runscript"),
    part("startscript"),
    part("test"),
    part("helpfile"),
    ...sorted(map("environment")).map(([path, text]) => `=== ${path} ===\n${text}\n\n`),
    ...sorted(map("labels")).map(([key, value]) => `${key}: ${value}\n`),
  ].join("");
}

function line(text: string): string {
  return text === "" ? "" : `${text}\n`;
}

function sorted(map: ReadonlyMap<string, string>): readonly (readonly [string, string])[] {
  return sortOsText([...map.keys()]).map((key) => [key, map.get(key) ?? ""]);
}
