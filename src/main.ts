import { ownEnvironmentStrings, ownWords } from "./_own-words.ts";
import { Fault } from "./base/fault.ts";
import { launchKey } from "./runtime/replay/launch-key.ts";
import { replay } from "./runtime/replay/replay.ts";

// A launch is most of what this program is started for, and most of its time is loading code. So
// there are three pieces, each loaded only when the one before it was not enough: starting a known
// launch again, planning a plain launch, and everything else.
try {
  const words = ownWords();
  const env = ownEnvironmentStrings();
  const key = env === undefined ? undefined : launchKey(process.argv0, words, env);
  if (key !== undefined && env !== undefined) replay(key, env);
  const { launchDirectly } = await import("./_launch.ts");
  const status = await launchDirectly(words, key);
  if (status !== undefined) process.exit(status);
  const { runProgram } = await import("./_program.ts");
  process.exit(await runProgram());
} catch (error) {
  // What the pieces themselves do not catch: the kernel cannot even be called.
  if (!(error instanceof Fault)) throw error;
  console.error(`FATAL:   ${error.message}${error.hint === undefined ? "" : `; ${error.hint}`}`);
  process.exit(error.exitCode);
}
