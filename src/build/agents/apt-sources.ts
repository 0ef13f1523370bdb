/** One place that packages come from, as apt's files name it. */
export interface AptSource {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** File name of the key ring, if one is named. */
  readonly signedBy: string | undefined;
}

/** Binary sources of a `sources.list` file: one line each; disabled and source lines left out. */
export function parseSourcesList(text: string): readonly AptSource[] {
  return text.split("\n").flatMap((line): readonly AptSource[] => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (match === null) return [];
    const [, options = "", uri = "", suite = "", rest = ""] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1];
    return [{ uri, suites: [suite], components: words(rest), signedBy }];
  });
}

/** Binary sources of a `*.sources` file (deb822): paragraphs of fields, continuation lines indented. */
export function parseDeb822Sources(text: string): readonly AptSource[] {
  const plain = text.split("\n").filter((line) => !line.startsWith("#"));
  return plain
    .join("\n")
    .split(/\n\s*\n/)
    .flatMap((paragraph): readonly AptSource[] => {
      const field = fieldsOf(paragraph);
      if (!words(field("types")).includes("deb") || field("enabled") === "no") return [];
      const signedBy = field("signed-by");
      return words(field("uris")).map((uri) => ({
        uri,
        suites: words(field("suites")),
        components: words(field("components")),
        // A key written in the file itself is no path.
        signedBy: signedBy.startsWith("/") ? signedBy : undefined,
      }));
    });
}

function fieldsOf(paragraph: string): (name: string) => string {
  const fields = new Map<string, string>();
  let open = "";
  for (const line of paragraph.split("\n")) {
    const match = /^([A-Za-z0-9-]+):(.*)$/.exec(line);
    if (match !== null) {
      open = (match[1] ?? "").toLowerCase();
      fields.set(open, (match[2] ?? "").trim());
    } else if (/^[ \t]/.test(line)) {
      fields.set(open, `${fields.get(open) ?? ""} ${line.trim()}`.trim());
    }
  }
  return (name) => fields.get(name) ?? "";
}

/**
 * The host's sources that hold a release: those with the suite itself and its parts (`-updates`,
 * `-security` and the like). When the host has another release: its first mirror with that suite.
 */
export function sourcesFor(all: readonly AptSource[], suite: string): readonly AptSource[] {
  const isPart = (name: string): boolean =>
    name === suite ||
    new RegExp(`^${suite.replaceAll(/[^a-z0-9]/gi, "\\$&")}[-/](updates|security)$`).test(name);
  const own = all
    .map((source) => ({ ...source, suites: source.suites.filter(isPart) }))
    .filter((source) => source.suites.length > 0);
  if (own.some((source) => source.suites.includes(suite))) return own;
  const first = all[0];
  if (first === undefined) return [];
  return [{ ...first, suites: [suite], components: first.components.slice(0, 1) }];
}

/** The sources as lines of a `sources.list`. */
export function sourcesLines(sources: readonly AptSource[]): readonly string[] {
  return sources.flatMap(({ uri, suites, components }) =>
    suites.map((suite) => ["deb", uri, suite, ...components].join(" ")),
  );
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
