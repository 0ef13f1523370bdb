import { NeedsShell } from "./needs-shell.ts";

/** How arithmetic reads and writes shell variables. */
export interface ArithmeticVariables {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
}

const BINARY: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!="],
  ["<=", ">=", "<", ">"],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
  ["**"],
];

/**
 * Value of a shell arithmetic expression (64-bit, wrapping). What bash would complain about
 * (division by zero, a syntax error) and array elements end the evaluation.
 */
export function evaluateArithmetic(
  text: string,
  variables: ArithmeticVariables,
  depth = 0,
): bigint {
  if (text.trim() === "") return 0n;
  if (depth > 30) throw new NeedsShell("has arithmetic that refers to itself");
  const expression = new Expression(text, variables, depth);
  const value = expression.comma();
  if (!expression.atEnd()) expression.fail();
  return value;
}

class Expression {
  private position = 0;
  /** Above 0: inside a part whose value is not wanted (`0 && x++`). */
  private skipped = 0;

  private readonly text: string;
  private readonly variables: ArithmeticVariables;
  private readonly depth: number;

  constructor(text: string, variables: ArithmeticVariables, depth: number) {
    this.text = text;
    this.variables = variables;
    this.depth = depth;
  }

  fail(): never {
    throw new NeedsShell(`has arithmetic that is not plain: "${this.text.slice(0, 60)}"`);
  }

  atEnd(): boolean {
    this.blanks();
    return this.position >= this.text.length;
  }

  comma(): bigint {
    let value = this.assignment();
    while (this.take(",")) value = this.assignment();
    return value;
  }

  private assignment(): bigint {
    this.blanks();
    const from = this.position;
    const name = this.name();
    if (name !== "") {
      this.blanks();
      const found = /^(?:=(?!=)|(?:\*|\/|%|\+|-|<<|>>|&|\^|\|)=)/.exec(
        this.text.slice(this.position, this.position + 3),
      );
      if (found !== null) {
        const operator = found[0];
        this.position += operator.length;
        const right = this.assignment();
        if (this.skipped > 0) return 0n;
        const value =
          operator === "=" ? right : this.apply(operator.slice(0, -1), this.read(name), right);
        this.variables.set(name, value.toString());
        return value;
      }
    }
    this.position = from;
    return this.ternary();
  }

  private ternary(): bigint {
    const condition = this.binary(0);
    if (!this.take("?")) return condition;
    const yes = this.wanted(condition !== 0n, () => this.assignment());
    if (!this.take(":")) this.fail();
    const no = this.wanted(condition === 0n, () => this.assignment());
    return condition !== 0n ? yes : no;
  }

  private wanted(is: boolean, read: () => bigint): bigint {
    if (!is) this.skipped++;
    const value = read();
    if (!is) this.skipped--;
    return value;
  }

  private binary(level: number): bigint {
    const operators = BINARY[level];
    if (operators === undefined) return this.unary();
    let left = this.binary(level + 1);
    for (;;) {
      const operator = this.operator(operators);
      if (operator === "") return left;
      if (operator === "||" || operator === "&&") {
        const decided = operator === "||" ? left !== 0n : left === 0n;
        const right = this.wanted(!decided, () => this.binary(level + 1));
        left =
          operator === "||" ? bit(left !== 0n || right !== 0n) : bit(left !== 0n && right !== 0n);
        continue;
      }
      // `**` groups to the right.
      const right = operator === "**" ? this.binary(level) : this.binary(level + 1);
      left = this.skipped > 0 ? 0n : this.apply(operator, left, right);
    }
  }

  private operator(operators: readonly string[]): string {
    this.blanks();
    for (const operator of operators) {
      if (!this.text.startsWith(operator, this.position)) continue;
      const next = this.text[this.position + operator.length] ?? "";
      // Not a shorter reading of a longer operator, nor of an assignment.
      if (operator.length === 1 && next === operator && "|&<>*".includes(operator)) continue;
      if (next === "=" && "|^&<<>>+-*/%".includes(operator) && operator !== "<" && operator !== ">")
        continue;
      if ((operator === "+" || operator === "-") && next === operator) this.fail();
      this.position += operator.length;
      return operator;
    }
    return "";
  }

  private unary(): bigint {
    this.blanks();
    const pair = this.text.slice(this.position, this.position + 2);
    if (pair === "++" || pair === "--") {
      this.position += 2;
      this.blanks();
      const name = this.name();
      if (name === "") this.fail();
      if (this.skipped > 0) return 0n;
      const value = wrap(this.read(name) + (pair === "++" ? 1n : -1n));
      this.variables.set(name, value.toString());
      return value;
    }
    if (this.take("!")) return bit(this.unary() === 0n);
    if (this.take("~")) return wrap(~this.unary());
    if (this.take("-")) return wrap(-this.unary());
    if (this.take("+")) return this.unary();
    if (this.take("(")) {
      const value = this.comma();
      if (!this.take(")")) this.fail();
      return value;
    }
    return this.operand();
  }

  private operand(): bigint {
    const number = /^(?:0[xX][0-9a-fA-F]+|[0-9]+)/.exec(
      this.text.slice(this.position, this.position + 40),
    )?.[0];
    if (number !== undefined) {
      this.position += number.length;
      if (/[\w#@]/.test(this.text[this.position] ?? "")) this.fail();
      return this.number(number);
    }
    const name = this.name();
    if (name === "" || this.text[this.position] === "[") this.fail();
    const pair = this.text.slice(this.position, this.position + 2);
    if (pair === "++" || pair === "--") {
      this.position += 2;
      if (this.skipped > 0) return 0n;
      const value = this.read(name);
      this.variables.set(name, wrap(value + (pair === "++" ? 1n : -1n)).toString());
      return value;
    }
    return this.skipped > 0 ? 0n : this.read(name);
  }

  private number(text: string): bigint {
    if (/^0[0-9]+$/.test(text)) {
      if (/[89]/.test(text)) this.fail();
      return wrap(BigInt(`0o${text.slice(1)}`));
    }
    return wrap(BigInt(text));
  }

  private read(name: string): bigint {
    const value = this.variables.get(name);
    if (value === undefined || value === "") return 0n;
    if (/^-?[1-9][0-9]{0,17}$/.test(value)) return BigInt(value);
    return evaluateArithmetic(value, this.variables, this.depth + 1);
  }

  private apply(operator: string, left: bigint, right: bigint): bigint {
    switch (operator) {
      case "|":
        return left | right;
      case "^":
        return left ^ right;
      case "&":
        return left & right;
      case "==":
        return bit(left === right);
      case "!=":
        return bit(left !== right);
      case "<=":
        return bit(left <= right);
      case ">=":
        return bit(left >= right);
      case "<":
        return bit(left < right);
      case ">":
        return bit(left > right);
      case "+":
        return wrap(left + right);
      case "-":
        return wrap(left - right);
      case "*":
        return wrap(left * right);
      case "<<":
      case ">>":
        if (right < 0n || right > 63n) this.fail();
        return wrap(operator === "<<" ? left << right : left >> right);
      case "**":
        if (right < 0n || right > 64n) this.fail();
        return wrap(left ** right);
      default:
        if (right === 0n) this.fail();
        return wrap(operator === "/" ? left / right : left % right);
    }
  }

  private name(): string {
    const found =
      /^[A-Za-z_][A-Za-z0-9_]*/.exec(this.text.slice(this.position, this.position + 200))?.[0] ??
      "";
    this.position += found.length;
    return found;
  }

  private take(token: string): boolean {
    this.blanks();
    if (!this.text.startsWith(token, this.position)) return false;
    this.position += token.length;
    return true;
  }

  private blanks(): void {
    while (/\s/.test(this.text[this.position] ?? "")) this.position++;
  }
}

function bit(is: boolean): bigint {
  return is ? 1n : 0n;
}

function wrap(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}
