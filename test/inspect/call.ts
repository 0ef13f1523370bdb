import { findCommand } from "../../src/cli/command-index.ts";
import { FlagIndex } from "../../src/cli/flag-index.ts";
import { FlagValues } from "../../src/cli/invocation.ts";
import { parseCommand } from "../../src/cli/parse.ts";
import * as inspect from "../../src/commands/inspect.ts";
import * as runHelp from "../../src/commands/run-help.ts";
import type { Context } from "../../src/terminal/context.ts";
import { createLog } from "../../src/terminal/log.ts";

/** What a call of a command printed. */
export interface Called {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `inspect …` or `run-help …` in this process, as a command line. Throws the Fault that it ends with. */
export async function call(words: readonly string[]): Promise<Called> {
  const [name = "", ...rest] = words;
  const command = await findCommand(name);
  if (command === undefined) throw new Error(`No command "${name}"`);
  const globals = new FlagValues("skiff", new FlagIndex([]), new Map());
  const parsed = parseCommand(command, rest, { env: {}, globals, preferNotice: true });
  if (parsed.kind !== "call") throw new Error("Unexpected help");
  let stdout = "";
  let stderr = "";
  const context: Context = {
    program: "skiff",
    env: {},
    log: createLog({
      level: 1,
      isColor: () => false,
      write: (line) => {
        stderr += line;
      },
      identity: () => "",
    }),
    print: (text) => {
      stdout += text;
    },
    printError: (text) => {
      stderr += text;
    },
  };
  const { run } = name === "inspect" ? inspect : runHelp;
  const code = await run(parsed.invocation, context);
  return { code, stdout, stderr };
}
