import { ownWords } from "./_own-words.ts";
import { reportFailure } from "./_report.ts";
import { findRunner } from "./_runners.ts";
import { createContext, ownEnvironment } from "./_surroundings.ts";
import { Fault } from "./base/fault.ts";
import { findCommand } from "./cli/command-index.ts";
import { readOldVerb } from "./cli/old-verb.ts";
import { finishFlags, parseCommand, readWords } from "./cli/parse.ts";
import { readProgramName, VERSIONS } from "./cli/program.ts";
import { ROOT } from "./cli/root.ts";
import { UsageFault } from "./cli/usage-fault.ts";

const ACTIONS = ["exec", "run", "shell", "test"];

/** Runs one command line, whichever command it names, and gives the exit status. */
export async function runProgram(): Promise<number> {
  const { program, implied } = readProgramName(process.argv0);
  const env = ownEnvironment();
  let context = createContext(program, env, undefined);
  try {
    const start = readWords(ROOT, [], [...implied, ...ownWords()]);
    if (start.settings.get("version")?.at(-1)?.value === "true") {
      context.print(`${program} version ${VERSIONS[program]}\n`);
      return 0;
    }
    const old = readOldVerb(start.args);
    const [verb, ...rest] = old.words;
    const command = verb === undefined ? undefined : await findCommand(verb);
    if (command === undefined || start.help) {
      const { showProgram } = await import("./commands/help.ts");
      return await showProgram(context, start.help, verb);
    }

    const options = { preferNotice: program !== "singularity" };
    const { flags: globals, notices: told } = finishFlags(start, env, options);
    const notices = [...told, ...old.notices];
    context = createContext(program, env, globals);
    const parsed = parseCommand(command, rest, { ...options, env, globals, notices });
    if (parsed.kind === "help") {
      const { showCommand } = await import("./commands/help.ts");
      return showCommand(context, parsed.command, parsed.path);
    }
    const { invocation } = parsed;
    // A launch tells them itself, once it knows that it will not be handed on.
    const isLaunch = ACTIONS.includes(invocation.path.join(" "));
    for (const { level, text } of isLaunch ? [] : invocation.notices) context.log[level](text);
    try {
      const { run } = await findRunner(invocation.path, program);
      return await run(invocation, context);
    } catch (error) {
      const { command, path } = invocation;
      if (command.faults !== "usage" || !(error instanceof Fault)) throw error;
      if (error instanceof UsageFault) throw error;
      throw new UsageFault(error.message, "args", command, path);
    }
  } catch (error) {
    return await reportFailure(context, error);
  }
}
