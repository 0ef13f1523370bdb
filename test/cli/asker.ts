/** Asks one thing and prints the answer, for ask.test.ts to run in a process of its own. */
import { Fault } from "../../src/base/fault.ts";
import { askLine, askSecret, askYesNo } from "../../src/terminal/ask.ts";

const print = (text: string): void => {
  process.stderr.write(text);
};

const ASK: Readonly<Record<string, () => unknown>> = {
  secret: () => askSecret("Secret? ", print),
  yes: () => askYesNo("Well?", print),
  lines: () => [askLine("", print), askLine("", print), askLine("", print)],
};

try {
  const answer = ASK[process.argv[2] ?? ""]?.();
  process.stdout.write(`answer=${JSON.stringify(answer)}\n`);
} catch (error) {
  process.exit(error instanceof Fault ? error.exitCode : 1);
}
