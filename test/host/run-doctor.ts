/** Runs the doctor command with the words given, as main would; for tests in children with other surroundings. */

import { findCommand } from "../../src/cli/command-index.ts";
import { finishFlags, parseCommand, readWords } from "../../src/cli/parse.ts";
import { ROOT } from "../../src/cli/root.ts";
import { run } from "../../src/commands/doctor.ts";
import { environmentTable, rawEnvironment } from "../../src/host/raw-environment.ts";
import type { Context } from "../../src/terminal/context.ts";

const env = environmentTable(rawEnvironment() ?? []);
const start = readWords(ROOT, [], process.argv.slice(2));
const { flags: globals, notices } = finishFlags(start, env, { preferNotice: false });
const command = await findCommand("doctor");
if (command === undefined) throw new Error("there is no doctor command");
const options = { preferNotice: false, env, globals, notices };
const parsed = parseCommand(command, start.args.slice(1), options);
if (parsed.kind === "help") throw new Error("that was a call for help");
let text = "";
const print = (more: string) => {
  text += more;
};
const status = await run(parsed.invocation, { program: "skiff", env, print } as unknown as Context);
await Bun.write(Bun.stdout, text);
process.exit(status);
