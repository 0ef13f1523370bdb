/** `<<NAME` as it stands among the words of a line. */
export interface HereMark {
  readonly name: string;
  readonly descriptor: number;
  readonly expands: boolean;
  readonly chomps: boolean;
}

/** The here-documents that the words of a line announce, in order. */
export function hereMarks(words: readonly string[]): readonly HereMark[] {
  return words.flatMap((word) => parseHereMark(word) ?? []);
}

/**
 * A word such as `<<EOF`, `3<<-"EOF"`; undefined for any other. The mark must begin the word: in
 * `cat<<EOF` it belongs to the shell.
 */
export function parseHereMark(word: string): HereMark | undefined {
  const match = /^([0-9]*)<<(-?)([^<]+)$/s.exec(word);
  if (match === null) return undefined;
  const [, digits = "", dash = "", rest = ""] = match;
  const name = rest.replace(
    /"([^"]*)"|'([^']*)'|\\(.)/gs,
    (_, a = "", b = "", c = "") => a + b + c,
  );
  if (name === "") return undefined;
  return {
    name,
    descriptor: digits === "" ? 0 : Number(digits),
    expands: name === rest,
    chomps: dash !== "",
  };
}

/** Content with the tabs at the start of its lines removed, as `<<-` has it. */
export function chompTabs(content: string): string {
  return content.replace(/^\t+/gm, "");
}
