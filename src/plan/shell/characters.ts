/** Whether the character ends an unquoted word: blank, newline, `;`, `&`, `|`, `<`, `>`, `(`, `)`. */
export function isMetaCharacter(code: number): boolean {
  return (
    code === 32 ||
    code === 9 ||
    code === 10 ||
    code === 59 ||
    code === 38 ||
    code === 124 ||
    code === 60 ||
    code === 62 ||
    code === 40 ||
    code === 41
  );
}

/** Letters, digits and underscore. */
export function isNameCharacter(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    code === 95 ||
    (code >= 48 && code <= 57)
  );
}

/** Whether the text is a shell variable name. */
export function isName(text: string): boolean {
  if (text === "") return false;
  const first = text.charCodeAt(0);
  if (first >= 48 && first <= 57) return false;
  for (let i = 0; i < text.length; i++) if (!isNameCharacter(text.charCodeAt(i))) return false;
  return true;
}
