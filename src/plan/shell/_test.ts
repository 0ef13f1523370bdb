import type { FileEntry } from "../../base/file-view.ts";
import type { BuiltinHost } from "./builtin.ts";
import { isName } from "./characters.ts";
import { NeedsShell } from "./needs-shell.ts";

const BINARY: ReadonlySet<string> = new Set([
  "=",
  "==",
  "!=",
  "<",
  ">",
  "-eq",
  "-ne",
  "-lt",
  "-le",
  "-gt",
  "-ge",
  "-nt",
  "-ot",
  "-ef",
]);

/** Whether the word is a binary operator of `test`. */
export function isBinaryOperator(word: string | undefined): boolean {
  return word !== undefined && BINARY.has(word);
}

/** `test` and `[` (its closing bracket already removed): true or false. */
export function evaluateTest(args: readonly string[], host: BuiltinHost): boolean {
  const [first = "", second = "", third = "", fourth = ""] = args;
  switch (args.length) {
    case 0:
      return false;
    case 1:
      return first !== "";
    case 2:
      if (first === "!") return second === "";
      return unary(first, second, host);
    case 3:
      if (second === "-a") return first !== "" && third !== "";
      if (second === "-o") return first !== "" || third !== "";
      if (isBinaryOperator(second)) return binary(first, second, third);
      if (first === "!") return !evaluateTest([second, third], host);
      if (first === "(" && third === ")") return second !== "";
      throw new NeedsShell("uses test in a way that is an error");
    case 4:
      if (first === "!") return !evaluateTest([second, third, fourth], host);
      if (first === "(" && fourth === ")") return evaluateTest([second, third], host);
      return new TestExpression(args, host).evaluate();
    default:
      return new TestExpression(args, host).evaluate();
  }
}

/** More than four words: `-o` binds weaker than `-a`, `!` strongest. */
class TestExpression {
  private position = 0;
  private readonly words: readonly string[];
  private readonly host: BuiltinHost;

  constructor(words: readonly string[], host: BuiltinHost) {
    this.words = words;
    this.host = host;
  }

  evaluate(): boolean {
    const value = this.or(0);
    if (this.position < this.words.length)
      throw new NeedsShell("uses test in a way that is an error");
    return value;
  }

  private or(depth: number): boolean {
    let value = this.and(depth);
    while (this.words[this.position] === "-o") {
      this.position++;
      value = this.and(depth) || value;
    }
    return value;
  }

  private and(depth: number): boolean {
    let value = this.term(depth);
    while (this.words[this.position] === "-a") {
      this.position++;
      value = this.term(depth) && value;
    }
    return value;
  }

  private term(depth: number): boolean {
    const word = this.words[this.position];
    if (word === undefined || depth > 50)
      throw new NeedsShell("uses test in a way that is an error");
    if (word === "!") {
      this.position++;
      return !this.term(depth + 1);
    }
    const next = this.words[this.position + 1];
    const after = this.words[this.position + 2];
    if (isBinaryOperator(next) && after !== undefined) {
      this.position += 3;
      return binary(word, next ?? "", after);
    }
    if (word === "(") {
      this.position++;
      const value = this.or(depth + 1);
      if (this.words[this.position] !== ")")
        throw new NeedsShell("uses test in a way that is an error");
      this.position++;
      return value;
    }
    if (/^-[a-zA-Z]$/.test(word) && next !== undefined) {
      this.position += 2;
      return unary(word, next, this.host);
    }
    this.position++;
    return word !== "";
  }
}

function binary(left: string, operator: string, right: string): boolean {
  switch (operator) {
    case "=":
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    case "<":
    case ">":
      return compareText(left, operator, right);
    case "-nt":
    case "-ot":
    case "-ef":
      throw new NeedsShell(`compares files with ${operator}`);
    default:
      return compareIntegers(integer(left), operator, integer(right));
  }
}

/** Order of texts by their characters: what the C locale has; others only agree on ASCII. */
export function compareText(left: string, operator: "<" | ">", right: string): boolean {
  if (/[^\x20-\x7e]/.test(left + right)) throw new NeedsShell("orders text by the locale");
  return operator === "<" ? left < right : left > right;
}

/** `-eq` and its kin. */
export function compareIntegers(left: bigint, operator: string, right: bigint): boolean {
  switch (operator) {
    case "-eq":
      return left === right;
    case "-ne":
      return left !== right;
    case "-lt":
      return left < right;
    case "-le":
      return left <= right;
    case "-gt":
      return left > right;
    default:
      return left >= right;
  }
}

function integer(text: string): bigint {
  const trimmed = text.trim();
  if (!/^[-+]?[0-9]{1,18}$/.test(trimmed)) throw new NeedsShell("compares what is not a number");
  return BigInt(trimmed.startsWith("+") ? trimmed.slice(1) : trimmed);
}

/** `-z`, `-n`, `-v` and the file tests. */
export function unary(operator: string, operand: string, host: BuiltinHost): boolean {
  switch (operator) {
    case "-z":
      return operand === "";
    case "-n":
      return operand !== "";
    case "-v":
      if (!isName(operand)) throw new NeedsShell("tests an array element");
      return host.state.get(operand) !== undefined;
    default:
      return testFile(operator, operand, host);
  }
}

function testFile(operator: string, path: string, host: BuiltinHost): boolean {
  if (!/^-[aefdhLpSbcsrxwugk]$/.test(operator)) throw new NeedsShell(`tests with ${operator}`);
  const why = `tests the file "${path}"`;
  if (path === "") return false;
  const absolute = host.absolute(path);
  let entry: FileEntry | undefined;
  if (operator === "-h" || operator === "-L") entry = host.files.lstat(absolute, why);
  else entry = host.files.stat(absolute, why);
  if (entry === undefined) return false;
  if (path.endsWith("/") && entry.kind !== "dir") return false;
  switch (operator) {
    case "-f":
      return entry.kind === "file";
    case "-d":
      return entry.kind === "dir";
    case "-h":
    case "-L":
      return entry.kind === "symlink";
    case "-p":
      return entry.kind === "fifo";
    case "-S":
      return entry.kind === "socket";
    case "-b":
      return entry.kind === "block";
    case "-c":
      return entry.kind === "char";
    case "-s":
      if (entry.kind === "dir") return true;
      return entry.sizeBytes > 0;
    case "-r":
      return host.files.mayAccess(entry, 4, why);
    case "-w":
      return host.files.mayAccess(entry, 2, why);
    case "-x":
      return host.files.mayAccess(entry, 1, why);
    case "-u":
      return (entry.mode & 0o4000) !== 0;
    case "-g":
      return (entry.mode & 0o2000) !== 0;
    case "-k":
      return (entry.mode & 0o1000) !== 0;
    default:
      return true;
  }
}
