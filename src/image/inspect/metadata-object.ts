import { Fault } from "../../base/fault.ts";
import { type Attributes, NO_ATTRIBUTES, type OwnAttributes } from "./attributes.ts";
import { kindOf } from "./labels-file.ts";

/** Name of the SIF object that a builder leaves with all there is to know. */
export const METADATA_NAME: string = "inspect-metadata.json";

type Members = ReadonlyMap<string, unknown>;

/**
 * Reads the content of an `inspect-metadata.json` (sif.md section 8). Unknown members are passed
 * over and null counts as absent. Throws a Fault `invalid`, whose message is the bare reason, for
 * anything else than the JSON it should be.
 */
export function decodeMetadata(bytes: Uint8Array): Attributes {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Fault("invalid", `it is not valid JSON (${why})`, { cause: error });
  }
  const data = membersOf(membersOf(value, "it").get("data"), "data");
  const attributes = membersOf(data.get("attributes"), "data.attributes");
  const apps = membersOf(attributes.get("apps"), "apps");
  return {
    ...ownOf(attributes, ""),
    apps: new Map([...apps].map(([name, app]) => [name, appOf(name, app)])),
    deffile: textOf(attributes.get("deffile"), "deffile"),
  };
}

function appOf(name: string, value: unknown): OwnAttributes {
  const { apps: _apps, deffile: _deffile, ...none } = NO_ATTRIBUTES;
  return value === null ? none : ownOf(membersOf(value, `apps.${name}`), `apps.${name}.`);
}

function ownOf(members: Members, prefix: string): OwnAttributes {
  const text = (name: string): string => textOf(members.get(name), prefix + name);
  const texts = (name: string): ReadonlyMap<string, string> => {
    const found = membersOf(members.get(name), prefix + name);
    return new Map([...found].map(([key, one]) => [key, textOf(one, `${prefix}${name}.${key}`)]));
  };
  return {
    environment: texts("environment"),
    labels: texts("labels"),
    runscript: text("runscript"),
    startscript: text("startscript"),
    test: text("test"),
    helpfile: text("helpfile"),
  };
}

function membersOf(value: unknown, where: string): Members {
  if (value === undefined || value === null) return new Map();
  if (typeof value !== "object" || Array.isArray(value)) throw wrongKind(where, value, "an object");
  return new Map(Object.entries(value).map(([key, one]) => [key.toWellFormed(), one]));
}

function textOf(value: unknown, where: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw wrongKind(where, value, "a text");
  return value.toWellFormed();
}

function wrongKind(where: string, value: unknown, wanted: string): Fault {
  return new Fault("invalid", `${where} is ${kindOf(value)}, not ${wanted}`);
}
