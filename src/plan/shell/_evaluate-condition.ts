import { escapeRegularExpression, matchRegularExpression } from "./_regular-expression.ts";
import { compareIntegers, compareText, unary } from "./_test.ts";
import type { Condition } from "./ast.ts";
import { arithmeticValue, expandPattern, expandText } from "./expand.ts";
import type { Interpreter } from "./interpreter.ts";
import { NeedsShell } from "./needs-shell.ts";
import { matchPattern } from "./pattern.ts";

/** Whether `[[ … ]]` holds. */
export function evaluateCondition(shell: Interpreter, condition: Condition): boolean {
  switch (condition.kind) {
    case "not":
      return !evaluateCondition(shell, condition.of);
    case "and":
      return evaluateCondition(shell, condition.left) && evaluateCondition(shell, condition.right);
    case "or":
      return evaluateCondition(shell, condition.left) || evaluateCondition(shell, condition.right);
    case "unary":
      return unary(condition.operator, expandText(condition.word, shell), shell);
    case "binary": {
      const left = expandText(condition.left, shell);
      const { operator, right } = condition;
      if (operator === "=" || operator === "==")
        return matchPattern(expandPattern(right, shell), left, shell);
      if (operator === "!=") return !matchPattern(expandPattern(right, shell), left, shell);
      if (operator === "<" || operator === ">")
        return compareText(left, operator, expandText(right, shell));
      if (operator === "=~")
        return matchRegularExpression(expandPattern(right, shell, escapeRegularExpression), left);
      if (operator === "-nt" || operator === "-ot" || operator === "-ef") {
        throw new NeedsShell(`compares files with ${operator}`);
      }
      const leftValue = arithmeticValue(left, shell, shell.at);
      return compareIntegers(
        leftValue,
        operator,
        arithmeticValue(expandText(right, shell), shell, shell.at),
      );
    }
  }
}
