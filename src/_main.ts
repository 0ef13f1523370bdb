import { launchDirectly } from "./_launch.ts";
import { ownWords } from "./_own-words.ts";
import { Fault } from "./base/fault.ts";

/**
 * The program. A launch is most of what it is started for, and most of its time is loading code. So
 * planning a plain launch is one piece, and everything else another that is loaded only when the first
 * was not enough. (A known launch was started by the launcher before any of this: launcher/.)
 */
export async function main(): Promise<never> {
  try {
    const status = await launchDirectly(ownWords());
    if (status !== undefined) process.exit(status);
    const { runProgram } = await import("./_program.ts");
    process.exit(await runProgram());
  } catch (error) {
    // What the pieces themselves do not catch: the kernel cannot even be called.
    if (!(error instanceof Fault)) throw error;
    console.error(`FATAL:   ${error.message}${error.hint === undefined ? "" : `; ${error.hint}`}`);
    process.exit(error.exitCode);
  }
}
