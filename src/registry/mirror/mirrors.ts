import { DOCKER_HUB, type RegistryReference } from "../../format/oci/reference.ts";
import { namesIn, readIfThere } from "../local-files.ts";

/** A rule of registries.conf: images below `prefix` may also be had at these places, first to last. */
export interface MirrorRule {
  /** `host[:port][/path]`, or `*.example.org`. */
  readonly prefix: string;
  readonly mirrors: readonly Mirror[];
  /** Where images below the prefix really are, when that is elsewhere: the registry of their name is not asked. */
  readonly moved?: Mirror;
}

export interface Mirror {
  /** `host[:port][/path]` that takes the prefix's place. */
  readonly location: string;
  /** Plain http may be used. */
  readonly isInsecure: boolean;
}

type Table = Readonly<Record<string, unknown>>;

/**
 * Rules of CONTAINERS_REGISTRIES_CONF, else ~/.config/containers/registries.conf, else
 * /etc/containers/registries.conf with registries.conf.d beside it (containers-registries.conf(5),
 * version 2). A file that cannot be read or is no TOML has none.
 */
export function readMirrorRules(
  env: Readonly<Record<string, string>>,
  home: string | undefined,
): readonly MirrorRule[] {
  const given = env["CONTAINERS_REGISTRIES_CONF"]?.trim();
  const own = home === undefined ? [] : [`${home}/.config/containers/registries.conf`];
  const candidates = given ? [given] : [...own, "/etc/containers/registries.conf"];
  for (const path of candidates) {
    const rules = parseRules(readIfThere(path));
    if (rules === undefined) continue;
    const folder = given ? undefined : `${path}.d`;
    const more =
      folder === undefined ? [] : namesIn(folder, ".conf").map((name) => `${folder}/${name}`);
    return [...rules, ...more.flatMap((file) => parseRules(readIfThere(file)) ?? [])];
  }
  return [];
}

/** Rules in the text of a file; undefined for no text. */
export function parseRules(text: string | undefined): readonly MirrorRule[] | undefined {
  if (text === undefined) return undefined;
  // Lists of short names are long, and have none.
  if (!/mirror|location/.test(text)) return [];
  let table: Table;
  try {
    table = Bun.TOML.parse(text) as Table;
  } catch {
    return [];
  }
  const rules: MirrorRule[] = [];
  for (const entry of listOf(table["registry"])) {
    const location = textOf(entry["location"]);
    const prefix = textOf(entry["prefix"]) || location;
    const mirrors = listOf(entry["mirror"])
      .map((one) => ({ location: textOf(one["location"]), isInsecure: one["insecure"] === true }))
      .filter((one) => one.location !== "");
    // A wildcard has no end that another name could take the place of.
    const isMoved = location !== "" && location !== prefix && !prefix.startsWith("*.");
    const moved = isMoved ? { location, isInsecure: entry["insecure"] === true } : undefined;
    if (prefix === "" || (mirrors.length === 0 && moved === undefined)) continue;
    rules.push({ prefix, mirrors, ...(moved === undefined ? {} : { moved }) });
  }
  return rules;
}

/** A place where an image may be had. */
export interface ImagePlace {
  readonly image: RegistryReference;
  readonly isInsecure: boolean;
  /** There is none after it, not even the registry of the image's name. */
  readonly isLast: boolean;
}

/** Where else an image may be had, best first, by the longest prefix that fits. */
export function mirrorsOf(
  image: RegistryReference,
  rules: readonly MirrorRule[],
): readonly ImagePlace[] {
  const whole = `${image.registry}/${image.repository}`;
  const fitting = rules
    .map((rule) => ({ rule, length: fit(whole, image.registry, rule.prefix) }))
    .filter(({ length }) => length > 0)
    .sort((a, b) => b.length - a.length)[0];
  if (fitting === undefined) return [];
  const rest = whole.slice(fitting.length);
  const { mirrors, moved } = fitting.rule;
  return [...mirrors, ...(moved === undefined ? [] : [moved])].map((place) => {
    const [registry = "", ...path] = `${place.location}${rest}`.split("/");
    return {
      image: { ...image, registry, repository: path.join("/") },
      isInsecure: place.isInsecure,
      isLast: place === moved,
    };
  });
}

/** Length of the part of `whole` that a prefix covers; 0: none. */
function fit(whole: string, registry: string, prefix: string): number {
  if (prefix.startsWith("*.")) {
    return registry.endsWith(prefix.slice(1)) ? registry.length : 0;
  }
  const named = prefix.replace(/^(index|registry-1)\.docker\.io(?=\/|$)/, DOCKER_HUB);
  return whole === named || whole.startsWith(`${named}/`) ? named.length : 0;
}

function listOf(value: unknown): readonly Table[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "object" && one !== null) : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value.replace(/\/+$/, "") : "";
}
