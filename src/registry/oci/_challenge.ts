/** What a registry asks for in a WWW-Authenticate header (RFC 9110 section 11.6.1). */
export interface Challenge {
  readonly scheme: "basic" | "bearer";
  /** `realm`, `service`, `scope`, `error`; names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** The first Basic or Bearer challenge of a header; undefined when there is none. */
export function parseChallenge(header: string | null): Challenge | undefined {
  if (header === null) return undefined;
  // Schemes are words that no "=" follows; parameters are name=value or name="value".
  const token =
    /\s*,?\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/y;
  let found: { scheme: "basic" | "bearer"; parameters: Record<string, string> } | undefined;
  for (let match = token.exec(header); match !== null; match = token.exec(header)) {
    const [, word = "", quoted, bare] = match;
    const value = quoted === undefined ? bare : quoted.replace(/\\(.)/g, "$1");
    if (value !== undefined) {
      if (found !== undefined) found.parameters[word.toLowerCase()] ??= value;
      continue;
    }
    if (found !== undefined) break;
    const scheme = word.toLowerCase();
    if (scheme === "basic" || scheme === "bearer") found = { scheme, parameters: {} };
    // Parameters of a scheme that is not known are passed over, as `found` is still empty.
  }
  return found;
}
