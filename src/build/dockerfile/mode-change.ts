import { Fault } from "../../base/fault.ts";

/** The new permission bits of a file or directory with these ones. */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

const BITS: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111 };
const WHO: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };

/**
 * The change that `--chmod` asks for: octal digits, or clauses such as `u=rwX,go-w`.
 *
 * @throws Fault `invalid`.
 */
export function parseModeChange(text: string): ModeChange {
  if (/^[0-7]{1,5}$/.test(text)) {
    const wanted = Number.parseInt(text, 8) & 0o7777;
    return () => wanted;
  }
  const clauses = text.split(",").map((clause) => {
    const match = /^([ugoa]*)((?:[-+=][rwxXst]*)+)$/.exec(clause);
    if (match === null) {
      throw new Fault("invalid", `--chmod=${text} is no mode`, {
        hint: "such as 755 or u=rwX,go=rX",
      });
    }
    const who = match[1] === "" ? "a" : (match[1] ?? "a");
    const mask = [...who].reduce((all, letter) => all | (WHO[letter] ?? 0), 0);
    return { mask, parts: [...(match[2] ?? "").matchAll(/([-+=])([rwxXst]*)/g)] };
  });
  return (mode, isDirectory) => {
    let out = mode;
    for (const { mask, parts } of clauses) {
      for (const [, sign, letters = ""] of parts) {
        const bits =
          [...letters].reduce((all, letter) => all | bitsOf(letter, out, isDirectory), 0) & mask;
        if (sign === "=") out = (out & ~(mask & 0o777)) | bits;
        else out = sign === "+" ? out | bits : out & ~bits;
      }
    }
    return out;
  };
}

function bitsOf(letter: string, mode: number, isDirectory: boolean): number {
  if (letter === "X") return isDirectory || (mode & 0o111) !== 0 ? 0o111 : 0;
  if (letter === "s") return 0o6000;
  if (letter === "t") return 0o1000;
  return BITS[letter] ?? 0;
}
