import type { ParameterOperator, ParameterPart, Part, UnsupportedPart, Word } from "./ast.ts";
import { isNameCharacter } from "./characters.ts";
import type { Lexer } from "./lex.ts";
import { NeedsShell } from "./needs-shell.ts";

/** Reads what follows `${` up to and including the closing brace. */
export function readParameter(
  lexer: Lexer,
  quoted: boolean,
  at: number,
): ParameterPart | UnsupportedPart {
  let length = false;
  let indirect = false;
  if (lexer.code() === 35 && lexer.code(1) !== 125 && startsName(lexer, 1)) {
    length = true;
    lexer.position++;
  } else if (lexer.code() === 33 && lexer.code(1) !== 125 && startsName(lexer, 1)) {
    indirect = true;
    lexer.position++;
  }
  const name = readName(lexer);
  const index = lexer.code() === 91 ? readIndex(lexer) : undefined;
  const base = { kind: "parameter" as const, name, index, length, indirect, quoted, at };
  const next = lexer.code();
  if (next === 125) {
    lexer.position++;
    return { ...base, operator: "", colon: false, word: undefined, second: undefined };
  }
  if (length) throw new NeedsShell("uses a rare form of ${#…}");
  if (next === -1) lexer.fail("unexpected end of file while looking for matching `}'");
  if (indirect && (next === 64 || next === 42))
    throw new NeedsShell("lists names with ${!prefix*}");
  if (next === 64) throw new NeedsShell("uses ${name@…}");
  if (next === 58) {
    const operator = lexer.text[lexer.position + 1] ?? "";
    if ("-=?+".includes(operator) && operator !== "") {
      lexer.position += 2;
      const word = readDefault(lexer, quoted);
      return {
        ...base,
        operator: operator as ParameterOperator,
        colon: true,
        word,
        second: undefined,
      };
    }
    lexer.position++;
    return readSubstring(lexer, base);
  }
  if (next === 45 || next === 61 || next === 63 || next === 43) {
    const operator = (lexer.text[lexer.position] ?? "") as ParameterOperator;
    lexer.position++;
    const word = readDefault(lexer, quoted);
    return { ...base, operator, colon: false, word, second: undefined };
  }
  if (next === 35 || next === 37 || next === 94 || next === 44) {
    const single = (lexer.text[lexer.position] ?? "") as "#" | "%" | "^" | ",";
    lexer.position++;
    let operator: ParameterOperator = single;
    if (lexer.code() === next) {
      operator = `${single}${single}` as ParameterOperator;
      lexer.position++;
    }
    const word = readOperand(lexer, "}");
    close(lexer);
    return { ...base, operator, colon: false, word, second: undefined };
  }
  if (next === 47) return readReplacement(lexer, base);
  throw new NeedsShell("uses a form of ${…} that is not known here");
}

type Base = Omit<ParameterPart, "operator" | "colon" | "word" | "second">;

function readSubstring(lexer: Lexer, base: Base): ParameterPart {
  const word = readOperand(lexer, ":}");
  if (lexer.code() !== 58) {
    close(lexer);
    return { ...base, operator: ":", colon: false, word, second: undefined };
  }
  lexer.position++;
  const second = readOperand(lexer, "}");
  close(lexer);
  return { ...base, operator: ":", colon: false, word, second };
}

function readReplacement(lexer: Lexer, base: Base): ParameterPart {
  lexer.position++;
  let operator: ParameterOperator = "/";
  const next = lexer.code();
  if (next === 47 || next === 35 || next === 37) {
    operator = next === 47 ? "//" : next === 35 ? "/#" : "/%";
    lexer.position++;
  }
  // A slash that opens the pattern belongs to it in some versions of the shell and not in others.
  if (lexer.code() === 47 && (operator === "/" || operator === "//"))
    throw new NeedsShell("uses an empty pattern in ${name/…}");
  const word = readOperand(lexer, "/}");
  if (lexer.code() !== 47) {
    close(lexer);
    return { ...base, operator, colon: false, word, second: undefined };
  }
  lexer.position++;
  const second = readOperand(lexer, "}");
  close(lexer);
  return { ...base, operator, colon: false, word, second };
}

/** The operand of `-`, `=`, `?`, `+`: inside double quotes it is quoted text itself. */
function readDefault(lexer: Lexer, quoted: boolean): Word {
  const parts: Part[] = [];
  const from = lexer.position;
  if (quoted) lexer.readQuoted(parts, "}");
  else lexer.readParts(parts, "}", true);
  if (lexer.inHeredoc && /["']/.test(lexer.text.slice(from, lexer.position))) {
    throw new NeedsShell("quotes inside an expansion of a here-document");
  }
  close(lexer);
  return parts;
}

function readOperand(lexer: Lexer, stops: string): Word {
  const parts: Part[] = [];
  lexer.readParts(parts, stops, true);
  return parts;
}

function close(lexer: Lexer): void {
  if (lexer.code() !== 125) lexer.fail("unexpected end of file while looking for matching `}'");
  lexer.position++;
}

function startsName(lexer: Lexer, ahead: number): boolean {
  const code = lexer.code(ahead);
  if (code === -1) return false;
  if (isNameCharacter(code)) return true;
  // `${#@}` and `${#*}` are lengths; `${#-x}` and the like operate on `$#`.
  return (code === 64 || code === 42) && lexer.code(ahead + 1) === 125;
}

function readName(lexer: Lexer): string {
  const from = lexer.position;
  const first = lexer.code();
  if (first !== -1 && isNameCharacter(first)) {
    const digits = first >= 48 && first <= 57;
    let code = first;
    while (code !== -1 && (digits ? code >= 48 && code <= 57 : isNameCharacter(code))) {
      lexer.position++;
      code = lexer.code();
    }
  } else if (first !== -1 && "@*#?-$!".includes(lexer.text[from] ?? "")) {
    lexer.position++;
  } else {
    throw new NeedsShell("uses a form of ${…} that is not known here");
  }
  return lexer.text.slice(from, lexer.position);
}

function readIndex(lexer: Lexer): "@" | "*" | Word {
  const sign = lexer.text[lexer.position + 1];
  if ((sign === "@" || sign === "*") && lexer.code(2) === 93) {
    lexer.position += 3;
    return sign;
  }
  lexer.position++;
  const word = readOperand(lexer, "]");
  if (lexer.code() !== 93) lexer.fail("unexpected end of file while looking for matching `]'");
  lexer.position++;
  return word;
}
