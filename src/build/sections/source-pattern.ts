/**
 * The pattern that a source of `%files` stands for: variables of the caller and a leading `~` are filled
 * in, as by the shell that the peer gives it to. What is escaped stays as it is.
 */
export function sourcePattern(source: string, env: Readonly<Record<string, string>>): string {
  const home = env["HOME"] ?? "";
  const text = /^~(?:\/|$)/.test(source) && home !== "" ? home + source.slice(1) : source;
  return text.replace(
    /\\[\s\S]|\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})/g,
    (whole, plain?: string, braced?: string) => {
      const name = plain ?? braced;
      return name === undefined ? whole : (env[name] ?? "");
    },
  );
}
