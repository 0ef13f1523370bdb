import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import { parseCsv } from "./csv.ts";
import type { Given } from "./request.ts";

/** A bind the user asked for. */
export interface BindSpec {
  /** Absolute host path, not yet resolved. */
  readonly source: string;
  /** Path in the container as written; must be absolute to be mounted. */
  readonly target: string;
  readonly readOnly: boolean;
  /** Directory inside the image file `source`; absent for an ordinary bind. */
  readonly imageSrc: string | undefined;
  /** SIF object to mount; absent for the first data partition. */
  readonly id: number | undefined;
  /** 1.5.1 `nonested`: not listed in the BIND variables of nested runs. */
  readonly nested: boolean;
  readonly origin: string;
}

const OPTIONS = new Set(["ro", "rw"]);

function isOption(word: string): boolean {
  return OPTIONS.has(word) || word.startsWith("image-src=") || word.startsWith("id=");
}

/** Splits at `mark`, honouring backslash before `mark`; other backslashes stay, blanks around a word do not. */
function splitEscaped(text: string, mark: string): string[] {
  const out: string[] = [];
  let word = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (c === "\\" && i + 1 < text.length) {
      word += c + (text[i + 1] as string);
      i++;
    } else if (c === mark) {
      out.push(word.trim());
      word = "";
    } else word += c;
  }
  out.push(word.trim());
  return out;
}

function dropEscapes(text: string): string {
  return text.replace(/\\([:,])/g, "$1");
}

function applyOption(
  word: string,
  spec: { readOnly: boolean; imageSrc: string | undefined; id: number | undefined },
): void {
  if (word === "ro") spec.readOnly = true;
  // Is what holds anyway, and no more: beside "ro" that counts.
  else if (word === "rw") return;
  else if (word.startsWith("image-src=")) spec.imageSrc = word.slice(10) || "/";
  else if (word.startsWith("id=")) spec.id = parseId(word.slice(3));
  else throw new Fault("usage", `${word} is not a valid bind option`, { exitCode: 255 });
}

function parseId(text: string): number {
  const id = /^[0-9]+$/.test(text) ? Number(text) : 0;
  if (id < 1 || id > 0xffffffff) {
    throw new Fault("usage", `"id=${text}" is not a valid object id: it must be a number from 1`, {
      exitCode: 255,
    });
  }
  return id;
}

/**
 * Reads `--bind` texts: `src[:dst[:opt[,opt]]]`, several separated by commas, `\:` and `\,` escaped.
 * A word after a comma is an option only where the spec before it already has a destination
 * (reference: runtime.md 4.5).
 *
 * @throws Fault `usage` (exit 255) for a bad option or too many colons.
 */
export function parseBinds(given: readonly Given[], cwd: string): BindSpec[] {
  const out: BindSpec[] = [];
  for (const { text, origin } of given) {
    let current: string[] | undefined;
    const specs: string[][] = [];
    for (const piece of splitEscaped(text, ",")) {
      if (
        current !== undefined &&
        isOption(piece) &&
        splitEscaped(current[0] ?? "", ":").length > 1
      ) {
        current.push(piece);
      } else if (piece !== "") {
        current = [piece];
        specs.push(current);
      }
    }
    for (const [head, ...more] of specs) {
      if (head === undefined) continue;
      const parts = splitEscaped(head, ":");
      if (parts.length > 3) {
        throw new Fault(
          "usage",
          `while parsing bind path: bad bind syntax "${head}": should be SRC[:DEST[:OPTIONS]]`,
          { exitCode: 255, hint: "write a colon that belongs to a name as \\:" },
        );
      }
      // ":/x" names its source only in the second place; the peer reads it as a bind of /x.
      const source = dropEscapes((parts[0] || parts[1]) ?? "");
      if (source === "") continue;
      const target = parts.length === 1 ? source : dropEscapes(parts[1] ?? "");
      const options = { readOnly: false, imageSrc: undefined, id: undefined };
      if (parts[2] !== undefined) applyOption(parts[2], options);
      for (const word of more) applyOption(word, options);
      out.push({ source: resolvePath(cwd, source), target, ...options, nested: true, origin });
    }
  }
  return out;
}

/**
 * Reads `--mount` texts: CSV records of `key=value` (type, source|src, destination|dst|target,
 * ro|readonly, image-src, id, nonested), one mount a line (reference: runtime.md 4.5).
 *
 * @throws Fault `usage` (exit 255) with the whole specification and what is wrong in it.
 */
export function parseMounts(given: readonly Given[], cwd: string): BindSpec[] {
  const out: BindSpec[] = [];
  for (const { text, origin } of given) {
    const bad = (why: string): Fault =>
      new Fault("usage", `while parsing mount ${JSON.stringify(text)}: ${why}`, { exitCode: 255 });
    let records: string[][];
    try {
      records = parseCsv(text);
    } catch (error) {
      throw bad(`error parsing mount: ${error instanceof Error ? error.message : String(error)}`);
    }
    for (const record of records) {
      let source = "";
      let target = "";
      let nested = true;
      const options: { readOnly: boolean; imageSrc: string | undefined; id: number | undefined } = {
        readOnly: false,
        imageSrc: undefined,
        id: undefined,
      };
      for (const field of record) {
        const eq = field.indexOf("=");
        const key = (eq < 0 ? field : field.slice(0, eq)).trim();
        const value = eq < 0 ? "" : field.slice(eq + 1);
        if (key === "type") {
          if (value !== "bind")
            throw bad(`unsupported mount type "${value}", only 'bind' is supported`);
        } else if (key === "source" || key === "src") source = value;
        else if (key === "destination" || key === "dst" || key === "target") target = value;
        else if (key === "ro" || key === "readonly")
          options.readOnly = value !== "false" && value !== "0";
        else if (key === "image-src") options.imageSrc = value || "/";
        else if (key === "id") options.id = parseId(value);
        else if (key === "nonested") nested = false;
        else if (key === "bind-propagation") {
          throw bad(
            "bind-propagation not supported for individual mounts, check the configuration for the global setting",
          );
        } else throw bad(`invalid key "${key}" in mount specification`);
      }
      if (source === "" || target === "")
        throw bad("mounts must specify a source and a destination");
      out.push({ source: resolvePath(cwd, source), target, ...options, nested, origin });
    }
  }
  return out;
}
