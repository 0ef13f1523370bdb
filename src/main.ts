import { launchDirectly } from "./_launch.ts";

// A launch is most of what this program is started for, and most of its time is loading code: the
// build makes one piece of all that a plain launch needs, and the rest is loaded for other commands.
const status = await launchDirectly();
if (status !== undefined) process.exit(status);
const { runProgram } = await import("./_program.ts");
process.exit(await runProgram());
